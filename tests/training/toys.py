"""Toy data and settings: small enough that a two-layer model learns them in a second."""

import random
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file

from okapi_kedro.training.adapters import AdapterSettings
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import SmallModel
from okapi_kedro.training.prompt import ENGLISH, completion_of, prompt_of
from okapi_kedro.training.reinforcement import ReinforcementSettings
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.sft_recipe import SftRecipe
from okapi_kedro.training.training_log import MEASURED

SENTENCES = {
    "english": "The king's daughters saw 17 birds (and 4 cats); they didn't run away!",
    "hindi": "राजा की बेटियों ने १७ पक्षी देखे। क्या वे भाग गईं?",
    "tamil": "மன்னரின் மகள்கள் பறவைகளைப் பார்த்தார்கள்; அவர்கள் ஓடவில்லை.",
    "arabic": "رأت بنات الملك ١٧ طائرًا، ولم يهربن؟",
    "chinese": "国王的女儿们看见了17只鸟，她们没有逃跑。",
}
WORDS = ["red", "blue", "green", "tall", "small", "good"]
FACTS = {
    "grass": "green",
    "the sky at noon": "light blue",
    "दूध": "सेतो",
    "பால்": "வெள்ளை",
    "الفحم": "أسود",
    "雪": "白色，很白",
}
RECIPE = SftRecipe(
    loss_on="completion",
    batching="padded",
    adapter=AdapterSettings(kind="none", rank=4, alpha=8, dropout=0.0, modules="all-linear"),
)
TOKENIZER_TEXTS = [
    *SENTENCES.values(),
    *(prompt_of(f"Name the colour: {thing}", "", ENGLISH) + completion_of(colour) for thing, colour in FACTS.items()),
    prompt_of("", "x", ENGLISH),
    *(f" {word}" for word in WORDS),
]


def training(**changes: Any) -> TrainingSettings:
    """Settings of a short run, with changes."""
    values: dict[str, Any] = {
        "epochs": 1,
        "learning_rate": 5e-3,
        "schedule": "constant_with_warmup",
        "warmup_steps": 0,
        "batch_size": 4,
        "micro_batch_size": 4,
        "weight_decay": 0.0,
        "max_length": 128,
        "precision": "float32",
        "gradient_checkpointing": False,
        "log_steps": 1,
    }
    return TrainingSettings(**{**values, **changes})


def rl_settings(**changes: Any) -> ReinforcementSettings:
    """Settings of four responses a prompt, four prompts a step, with changes."""
    values: dict[str, Any] = {
        "responses_per_prompt": 4,
        "max_new_tokens": 8,
        "temperature": 1.0,
        "kl_coefficient": 0.02,
        "training": training(batch_size=16, micro_batch_size=16, learning_rate=3e-3),
    }
    return ReinforcementSettings(**{**values, **changes})


def small_model(architecture: str, **changes: Any) -> SmallModel:
    """A model of two blocks, 32 wide."""
    shape = {"vocabulary": 700, "hidden_size": 32, "layers": 2, "heads": 2, "texts": 0}
    return SmallModel(architecture=architecture, training=training(**changes), **shape)


def facts() -> pd.DataFrame:
    """Six facts to learn by heart and two held-out rows about other things."""
    known = [
        (prompt_of(f"Name the colour: {thing}", "", ENGLISH), completion_of(colour)) for thing, colour in FACTS.items()
    ]
    unknown = [(prompt_of(f"Name the colour: {thing}", "x", ENGLISH), " red") for thing in ("blood", "रगत, रातो")]
    rows = pd.DataFrame([*known, *unknown], columns=["prompt", "completion"])
    return rows.assign(held_out=[False] * len(known) + [True] * len(unknown))


def chatter(rows: int, seed: int) -> list[str]:
    """Completions of one to five words, drawn evenly."""
    draw = random.Random(seed)
    return [" " + " ".join(draw.choices(WORDS, k=draw.randint(1, 5))) for _ in range(rows)]


def preference_pairs(rows: int, seed: int) -> pd.DataFrame:
    """Pairs in which the chosen response says `good` and the rejected one does not; a quarter is held out."""
    draw = random.Random(seed)
    others = [word for word in WORDS if word != "good"]
    pairs = []
    for _ in range(rows):
        rejected, chosen = (draw.choices(others, k=draw.randint(1, 5)) for _ in range(2))
        chosen[draw.randrange(len(chosen))] = "good"
        pairs.append({"prompt": "Words:", "chosen": " " + " ".join(chosen), "rejected": " " + " ".join(rejected)})
    return pd.DataFrame(pairs).assign(held_out=[place % 4 == 3 for place in range(rows)])


def repeatable(log: pd.DataFrame) -> pd.DataFrame:
    """A log without the figures in which two runs with the same seed differ."""
    return log.drop(columns=MEASURED)


def weights(model: ModelReference | Path | str) -> dict[str, torch.Tensor]:
    """The saved weights by name."""
    directory = model.name if isinstance(model, ModelReference) else model
    return load_file(Path(directory) / "model.safetensors")


def files_of(model: ModelReference) -> dict[str, bytes]:
    """Every file of a saved model, byte for byte."""
    return {path.name: path.read_bytes() for path in Path(model.name).rglob("*") if path.is_file()}
