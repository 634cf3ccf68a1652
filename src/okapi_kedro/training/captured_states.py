"""The states below the blocks that learn, kept while responses are drawn, so that the trunk reads no token twice."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.frozen_trunk import Trunk, blocks_of, positions


def generate_with_states(
    model: PreTrainedModel,
    ids: torch.Tensor,
    mask: torch.Tensor,
    generation_config: GenerationConfig,
    depth: int | Sequence[int],
    logits_processor: LogitsProcessorList | None = None,
    end: int | None = None,
) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
    """Responses to prompts, and the states of all their tokens after some of the blocks.

    The last token is read too, so that every token has a state. After the end of a text come padding tokens, whose
    states mean nothing and whose places the caller masks. No gradient reaches the states, but they may be trained on.

    Args:
        model: a causal language model.
        ids: prompts, of shape (rows, prompt length), padded on the left.
        mask: 1 for a token and 0 for padding, of that shape.
        generation_config: how tokens are drawn, one by one: no beams.
        depth: after how many blocks states are kept, 0 to all but one; one number or several.
        logits_processor: what changes the logits before a token is drawn.
        end: the token of the end of a text. Given, every row is closed with one more of it, so that a response that
            was cut is scored as a reward model reads texts. The policy has not drawn it: it is none of its actions.

    Returns:
        Sequences of shape (rows, prompt and response) and by depth the states, of shape (rows, length, hidden).

    Raises:
        UserError: for several beams or a depth that the model does not have.
    """
    depths = [depth] if isinstance(depth, int) else list(depth)
    if generation_config.num_beams not in (None, 1):
        raise UserError(f"states cannot be captured with num_beams={generation_config.num_beams}: beams change rows")
    with recorded_states(model.base_model, depths) as passes, torch.no_grad():
        outputs = model.generate(
            ids,
            attention_mask=mask,
            generation_config=generation_config,
            logits_processor=logits_processor,
            use_cache=True,
            return_dict_in_generate=True,
        )
        drawn = outputs.sequences
        closed = drawn if end is None else torch.cat([drawn, drawn.new_full((len(drawn), 1), end)], dim=1)
        prompts = mask.repeat_interleave(len(drawn) // len(mask), dim=0)
        whole = torch.cat([prompts, mask.new_ones(len(drawn), closed.shape[1] - ids.shape[1])], dim=1)
        unread = slice(drawn.shape[1] - 1, None)
        model.base_model(
            input_ids=closed[:, unread],
            attention_mask=whole,
            position_ids=positions(whole)[:, unread],
            past_key_values=outputs.past_key_values,
            use_cache=True,
        )
    return closed, {depth: torch.cat(states, dim=1) for depth, states in passes.items()}


def ends(sequences: torch.Tensor, prompt_length: int, end: int) -> torch.Tensor:
    """The place of the first end of a text after each prompt, of shape (rows,).

    Args:
        sequences: what `generate_with_states` gives when it closes responses, of shape (rows, length).
        prompt_length: tokens before the first drawn one, padding included.
        end: the token of the end of a text.
    """
    return prompt_length + (sequences[:, prompt_length:] == end).long().argmax(dim=1)


def trunk_states(trunk: Trunk, ids: torch.Tensor, mask: torch.Tensor, depths: Sequence[int]) -> dict[int, torch.Tensor]:
    """The states at several depths from one pass through the trunk, for sequences that were drawn in any other way.

    Args:
        trunk: of the policy.
        ids: tokens, of shape (rows, length), padded on any side.
        mask: 1 for a token and 0 for padding, of that shape.
        depths: numbers of blocks from 0 to the trunk's own.

    Returns:
        By depth the states, of shape (rows, length, hidden).
    """
    inner = [depth for depth in depths if depth != trunk.depth]
    with recorded_states(trunk.backbone, inner) as passes:
        top_states = trunk(ids, mask)
    return {depth: passes[depth][0] if depth in passes else top_states for depth in depths}


@contextmanager
def recorded_states(backbone: PreTrainedModel, depths: Iterable[int]) -> Iterator[dict[int, list[torch.Tensor]]]:
    """Records what enters the block above each depth, by depth, one tensor for each forward pass.

    Raises:
        UserError: for a depth with no block above it.
    """
    blocks = blocks_of(backbone)
    passes: dict[int, list[torch.Tensor]] = {depth: [] for depth in depths}
    unknown = [depth for depth in passes if not 0 <= depth < len(blocks)]
    if unknown:
        raise UserError(
            f"there is no block above depth {unknown[0]} of {len(blocks)}: choose from 0 to {len(blocks) - 1}"
        )

    def record(states: list[torch.Tensor], block: torch.nn.Module, arguments: tuple[Any, ...]) -> None:
        states.append(arguments[0].detach())

    hooks = [blocks[depth].register_forward_pre_hook(partial(record, states)) for depth, states in passes.items()]
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()
