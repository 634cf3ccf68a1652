"""Responses of a model to prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase, set_seed

from okapi_kedro.training.models import ModelReference, device


class SamplingSettings(BaseModel):
    """How responses are drawn.

    Args:
        temperature: 0 takes the most probable token each time.
        top_p: nucleus of probability that tokens are drawn from.
        max_new_tokens: longest response in tokens.
        batch_size: prompts that are answered together.
    """

    model_config = ConfigDict(extra="forbid")

    temperature: float
    top_p: float
    max_new_tokens: int
    batch_size: int


@dataclass(frozen=True)
class Response:
    """A model's response; `finish_reason` is `stop` when it ended itself and `length` when it was cut."""

    text: str
    finish_reason: str


def respond(
    model: ModelReference, prompts: Sequence[str], settings: SamplingSettings, seed: int, description: str
) -> list[Response]:
    """One response to each prompt, in the order of the prompts; prompts of like length are answered together.

    Args:
        model: which model responds.
        prompts: complete prompts.
        settings: how responses are drawn.
        seed: of the draws.
        description: of the progress bar.
    """
    set_seed(seed)
    tokenizer, network = model.tokenizer(), model.causal_lm().to(device()).eval()
    tokenizer.padding_side = "left"
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    responses: dict[int, Response] = {}
    for start in tqdm(range(0, len(order), settings.batch_size), desc=description, disable=None):
        batch = order[start : start + settings.batch_size]
        inputs = tokenizer([prompts[i] for i in batch], return_tensors="pt", padding=True).to(network.device)
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            outputs = network.generate(**inputs, **_generation_options(settings, tokenizer))
        for i, tokens in zip(batch, outputs[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
            responses[i] = _response(tokens, tokenizer)
    return [responses[i] for i in range(len(prompts))]


def _generation_options(settings: SamplingSettings, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    sampled = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
    return {
        "max_new_tokens": settings.max_new_tokens,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **(sampled if settings.temperature > 0 else {"do_sample": False}),
    }


def _response(tokens: list[int], tokenizer: PreTrainedTokenizerBase) -> Response:
    ended = tokenizer.eos_token_id in tokens
    kept = tokens[: tokens.index(tokenizer.eos_token_id)] if ended else tokens
    return Response(tokenizer.decode(kept, skip_special_tokens=True).strip(), "stop" if ended else "length")
