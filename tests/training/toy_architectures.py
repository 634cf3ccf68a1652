"""Untrained models of every architecture that is claimed to split, large weights making every block matter."""

from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BloomConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GenerationConfig,
    LlamaConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

BLOCKS = 5
PADDING, END = 3, 2
VOCABULARY = 60

_COMMON = {"vocab_size": VOCABULARY, "hidden_size": 32, "eos_token_id": END, "pad_token_id": PADDING}
_SHAPE = {"num_hidden_layers": BLOCKS, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48}
# A window that is shorter than the texts, so that a block which took another's mask would show.
_WINDOW = {"sliding_window": 4}

CONFIGURATIONS: dict[str, tuple[type[PreTrainedConfig], dict[str, Any]]] = {
    "bloom": (BloomConfig, {"n_layer": BLOCKS, "n_head": 4}),
    "llama": (LlamaConfig, _SHAPE),
    "llama, tied": (LlamaConfig, {**_SHAPE, "tie_word_embeddings": True}),
    "mistral": (MistralConfig, {**_SHAPE, **_WINDOW}),
    "qwen2": (Qwen2Config, _SHAPE),
    "qwen3": (Qwen3Config, {**_SHAPE, "head_dim": 8}),
    "qwen3, windows": (
        Qwen3Config,
        {**_SHAPE, **_WINDOW, "head_dim": 8, "use_sliding_window": True, "max_window_layers": 2},
    ),
    "gemma2": (Gemma2Config, {**_SHAPE, **_WINDOW, "head_dim": 8, "final_logit_softcapping": 5.0}),
    "gemma3": (Gemma3TextConfig, {**_SHAPE, **_WINDOW, "head_dim": 8, "sliding_window_pattern": 2}),
}
"""By name a configuration's class and what its model is made of."""


def configuration(name: str, **changes: Any) -> PreTrainedConfig:
    kind, shape = CONFIGURATIONS[name]
    return kind(**{**_COMMON, "initializer_range": 0.2, **shape, **changes})


def policy_of(name: str, **changes: Any) -> PreTrainedModel:
    """A causal language model with random weights, norms and biases included, as `from_pretrained` gives it."""
    torch.manual_seed(0)
    return _scattered(AutoModelForCausalLM.from_config(configuration(name, **changes)))


def reward_model_of(name: str, policy: PreTrainedModel | None, shared: int, **changes: Any) -> PreTrainedModel:
    """A reward model with random weights but for the embeddings and so many blocks, which are the policy's."""
    torch.manual_seed(1)
    model = _scattered(AutoModelForSequenceClassification.from_config(configuration(name, num_labels=1, **changes)))
    if policy is not None:
        own, theirs = model.base_model.state_dict(), policy.base_model.state_dict()
        above = tuple(f"{blocks}.{place}." for blocks in ("h", "layers") for place in range(shared, BLOCKS))
        taken = {name: theirs[name] for name in theirs if not name.startswith((*above, "ln_f", "norm"))}
        model.base_model.load_state_dict({**own, **taken})
    return model


def _scattered(model: PreTrainedModel) -> PreTrainedModel:
    """With noise in the norms and biases too, which are made as ones and zeros."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def left_padded(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts of these lengths and their mask, padded on the left to the longest."""
    draws = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    mask = (torch.arange(longest) >= longest - torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(PADDING + 1, VOCABULARY, mask.shape, generator=draws)
    return ids.where(mask == 1, PADDING), mask


def drawing(tokens: int, **changes: Any) -> GenerationConfig:
    """Draws up to so many tokens at temperature 1."""
    values = {"do_sample": True, "eos_token_id": END, "pad_token_id": PADDING, "max_new_tokens": tokens}
    return GenerationConfig(**{**values, **changes})


class Ending(LogitsProcessor):
    """Ends each response after so many tokens, its end included, and none before; None never does."""

    def __init__(self, lengths: list[int | None], prompt: int) -> None:
        self.lengths, self.prompt = lengths, prompt

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        ending = torch.tensor([length == ids.shape[1] - self.prompt + 1 for length in self.lengths])
        end = (torch.arange(VOCABULARY) == END) & ending[:, None]
        others = (torch.arange(VOCABULARY) != END) & ~ending[:, None]
        return scores.masked_fill(~end & ~others, -torch.inf)


def ending(lengths: list[int | None], prompt: int) -> LogitsProcessorList:
    return LogitsProcessorList([Ending(lengths, prompt)])


def log_probabilities(logits: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """That of each token after the first of its text, in float32, as one row of numbers."""
    of_next = logits[:, :-1].float().log_softmax(dim=-1).gather(-1, ids[:, 1:, None])[..., 0]
    return of_next[(mask[:, 1:] * mask[:, :-1]) == 1]
