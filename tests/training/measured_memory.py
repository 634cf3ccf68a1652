"""Measures what training steps really take: run as a process of its own, prints by how many bytes it grew in each."""

import gc
import json
from itertools import product
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    BloomConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from okapi_kedro.training.memory_plan import Step, reward_loss

TEXTS, LENGTH = 8, 128
COMMON = {"vocab_size": 8_000, "hidden_size": 192, "num_labels": 1, "pad_token_id": 3}
CONFIGURATIONS: dict[str, PreTrainedConfig] = {
    "bloom": BloomConfig(n_layer=4, n_head=4, **COMMON),
    "llama": LlamaConfig(num_hidden_layers=4, num_attention_heads=4, intermediate_size=768, **COMMON),
}
CASES = [*product(("bloom", "llama"), (False, True), ("float32",)), ("llama", False, "bfloat16")]
"""Architecture, whether activations are computed again, precision."""


def build(architecture: str, dtype: torch.dtype) -> PreTrainedModel:
    return AutoModelForSequenceClassification.from_config(CONFIGURATIONS[architecture], dtype=dtype)


def step(checkpointing: bool, precision: str) -> Step:
    """Two micro-batches, so that gradients are there while the second one's activations are."""
    return Step(TEXTS, LENGTH, 2, precision, checkpointing)


def resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure(architecture: str, checkpointing: bool, precision: str) -> int:
    """The growth of the process at the peak of a second micro-batch."""
    torch.set_num_threads(1)
    model = build(architecture, torch.float32).train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    ids = torch.randint(4, 8_000, (TEXTS, LENGTH))
    for texts in (2, TEXTS):
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = resident("VmRSS")
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            value = reward_loss(model, ids[:texts], torch.ones_like(ids[:texts]))
        value.backward()
    return resident("VmHWM") - before


if __name__ == "__main__":
    print(json.dumps([measure(*case) for case in CASES]))
