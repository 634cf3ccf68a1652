"""Responses of a model to prompts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt
from tqdm import tqdm
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from okapi_kedro.errors import UserError
from okapi_kedro.training.draws import SeededDraws, row_keys
from okapi_kedro.training.models import ModelReference, device


class SamplingSettings(BaseModel):
    """How responses are drawn.

    Args:
        temperature: 0 takes the most probable token each time.
        top_p: nucleus of probability that tokens are drawn from.
        max_new_tokens: longest response in tokens.
        batch_size: responses that are drawn together.
        engine: `vllm` is faster on a GPU and has to be installed; its draws are others.
    """

    model_config = ConfigDict(extra="forbid")

    temperature: float
    top_p: float
    max_new_tokens: PositiveInt
    batch_size: PositiveInt
    engine: Literal["transformers", "vllm"] = "transformers"


def sampling_defaults(tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """How Okapi's chat samples: 256 new tokens, from the 40 likeliest and of them from three quarters of the mass."""
    return GenerationConfig(
        max_new_tokens=256,
        do_sample=True,
        top_p=0.75,
        top_k=40,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


@dataclass(frozen=True)
class Response:
    """A model's response; `finish_reason` is `stop` when it ended itself and `length` when it was cut."""

    text: str
    finish_reason: str


def respond(
    model: ModelReference,
    prompts: Sequence[str],
    settings: SamplingSettings,
    seed: int,
    description: str,
    names: Sequence[str] | None = None,
) -> list[Response]:
    """One response to each prompt, in the order of the prompts; the arguments are those of `draw`."""
    drawn = dict(draw(model, prompts, settings, seed, description, names))
    return [drawn[i] for i in range(len(prompts))]


def draw(
    model: ModelReference,
    prompts: Sequence[str],
    settings: SamplingSettings,
    seed: int,
    description: str,
    names: Sequence[str] | None = None,
) -> Iterator[tuple[int, Response]]:
    """One response to each prompt, with the prompt's position, as they come: the longest prompts first.

    A response hangs on the model, the settings, the seed, its name and its prompt; neither on the batch size nor on the
    prompts beside it, but for the rounding of the logits: where two tokens come as close as that, another batch may
    draw the other one. Of 1,000 responses of 40 tokens none changed in float32; in bfloat16 up to 3 in 100 did.

    Args:
        model: which model responds; not loaded where there are no prompts.
        prompts: complete prompts; one that comes several times is read once in a batch.
        settings: how responses are drawn.
        seed: of the draws.
        description: of the progress bar.
        names: tell the responses' draws apart; their positions when None.
    """
    if not prompts:
        return
    keys = row_keys(names if names is not None else [str(i) for i in range(len(prompts))], seed)
    yield from _ENGINES[settings.engine](model, prompts, keys, settings, description)


def _with_transformers(
    model: ModelReference, prompts: Sequence[str], keys: torch.Tensor, settings: SamplingSettings, description: str
) -> Iterator[tuple[int, Response]]:
    tokenizer, network = model.tokenizer(), model.causal_lm().to(device()).eval()
    # Penalties and the like that stand in a model's own file would be mixed into the settings.
    network.generation_config = GenerationConfig()
    tokens = tokenizer(list(prompts))["input_ids"]
    # The longest first, so that memory which does not suffice shows at once; copies of a prompt side by side.
    order = sorted(range(len(prompts)), key=lambda i: (len(tokens[i]), prompts[i]), reverse=True)
    for start in tqdm(range(0, len(order), settings.batch_size), desc=description, disable=None):
        batch = order[start : start + settings.batch_size]
        drawn = _generate(network, tokenizer, [tokens[i] for i in batch], keys[batch], settings)
        yield from ((i, _response(new, tokenizer)) for i, new in zip(batch, drawn, strict=True))


def _generate(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    keys: torch.Tensor,
    settings: SamplingSettings,
) -> list[list[int]]:
    """The new tokens after each prompt."""
    inputs = tokenizer.pad({"input_ids": list(prompts)}, padding_side="left", return_tensors="pt").to(network.device)
    length = inputs["input_ids"].shape[1]
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    with torch.inference_mode():
        outputs = network.generate(
            **inputs,
            **ends,
            **_shared_reading(network, inputs, ends),
            do_sample=False,
            max_new_tokens=settings.max_new_tokens,
            logits_processor=_drawing(settings, keys.to(network.device), length),
        )
    new: list[list[int]] = outputs[:, length:].tolist()
    return new


def _shared_reading(network: PreTrainedModel, inputs: Any, ends: dict[str, int]) -> dict[str, Any]:
    """Keys and values of all tokens of the prompts but the last, where some prompts are copies: each is read once."""
    read, mask = inputs["input_ids"][:, :-1], inputs["attention_mask"][:, :-1]
    if read.shape[1] == 0:
        return {}
    unique, copies = torch.unique(torch.stack([read, mask], dim=1), dim=0, return_inverse=True)
    if len(unique) == len(copies):
        return {}
    once = network.generate(
        unique[:, 0], attention_mask=unique[:, 1], **ends, max_new_tokens=1, return_dict_in_generate=True
    )
    once.past_key_values.batch_select_indices(copies)
    return {"past_key_values": once.past_key_values}


def _drawing(settings: SamplingSettings, keys: torch.Tensor, prompt_length: int) -> LogitsProcessorList:
    """What turns logits into scores of which the largest is the token; greedy decoding leaves them as they are."""
    if settings.temperature == 0:
        return LogitsProcessorList()
    nucleus = [TopPLogitsWarper(settings.top_p)] if settings.top_p < 1 else []
    return LogitsProcessorList(
        [TemperatureLogitsWarper(settings.temperature), *nucleus, SeededDraws(keys, prompt_length)]
    )


def _response(tokens: list[int], tokenizer: PreTrainedTokenizerBase) -> Response:
    ended = tokenizer.eos_token_id in tokens
    kept = tokens[: tokens.index(tokenizer.eos_token_id)] if ended else tokens
    return Response(tokenizer.decode(kept, skip_special_tokens=True).strip(), "stop" if ended else "length")


_VLLM_CHUNK = 2048
"""Responses that vLLM is asked for at once; it batches them itself."""


def _with_vllm(
    model: ModelReference, prompts: Sequence[str], keys: torch.Tensor, settings: SamplingSettings, description: str
) -> Iterator[tuple[int, Response]]:
    try:
        from vllm import LLM, SamplingParams  # noqa: PLC0415  # an extra that few install
    except ImportError as error:
        raise UserError(
            "sampling.engine is vllm, which is not installed: pip install 'okapi-kedro[vllm]', "
            "or set ranking.sampling.engine=transformers"
        ) from error
    engine = LLM(model=model.name, generation_config="vllm")
    options = {"temperature": settings.temperature, "top_p": settings.top_p, "max_tokens": settings.max_new_tokens}
    for start in tqdm(range(0, len(prompts), _VLLM_CHUNK), desc=description, disable=None):
        chunk = range(start, min(start + _VLLM_CHUNK, len(prompts)))
        drawing = [SamplingParams(**options, seed=int(keys[i]) % 2**63) for i in chunk]
        outputs = engine.generate([prompts[i] for i in chunk], drawing, use_tqdm=False)
        for i, output in zip(chunk, outputs, strict=True):
            best = output.outputs[0]
            yield i, Response(best.text.strip(), "stop" if best.finish_reason == "stop" else "length")


_ENGINES = {"transformers": _with_transformers, "vllm": _with_vllm}
