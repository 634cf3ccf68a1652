"""Responses that the policy draws, with the states that its top learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedTokenizerBase, TemperatureLogitsWarper

from okapi_kedro.training.captured_states import ends, generate_with_states, trunk_states
from okapi_kedro.training.draws import SeededDraws
from okapi_kedro.training.models import device
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.settings import PpoSettings


@dataclass(frozen=True)
class Responses:
    """Prompts, padded on the left, each with a response and the end of the text.

    A response that was cut is closed with an end that the policy has not drawn: the reward model reads it, the policy
    does not learn it.

    Args:
        ids: tokens, shape (rows, length).
        mask: 1 at tokens, ends included, and 0 at padding, same shape.
        prompt_length: tokens before the first drawn one, padding included.
        lengths: tokens that the policy has drawn, its end included, shape (rows,).
        ended: whether it has drawn an end, shape (rows,).
        states: what the trunk makes of the tokens, by depth, each of shape (rows, length, hidden); none where the
            whole model learns.
    """

    ids: Tensor
    mask: Tensor
    prompt_length: int
    lengths: Tensor
    ended: Tensor
    states: dict[int, Tensor]

    @property
    def last(self) -> Tensor:
        """The place of each text's end, shape (rows,)."""
        return self.prompt_length + self.lengths - self.ended.long()

    def texts(self) -> list[list[int]]:
        """The tokens of each row without padding: prompt, response and end."""
        return [row[kept].tolist() for row, kept in zip(self.ids, self.mask.bool(), strict=True)]

    def spoken(self) -> list[list[int]]:
        """The tokens of each response without its end."""
        first = self.prompt_length
        return [row[first:last].tolist() for row, last in zip(self.ids, self.last.tolist(), strict=True)]


def draw_responses(
    policy: Policy,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    keys: Tensor,
    settings: PpoSettings,
    depths: Sequence[int],
) -> Responses:
    """One response to each prompt; its tokens hang on its prompt and key, not on the rows beside it.

    Args:
        policy: that draws.
        tokenizer: of the policy.
        prompts: tokens of each.
        keys: of the draws, as `row_keys` makes them.
        settings: length and temperature of the responses, and whether states are captured.
        depths: after how many blocks the trunk's states are kept.
    """
    padded = tokenizer.pad({"input_ids": list(prompts)}, padding_side="left", return_tensors="pt").to(device())
    ids, prompt_mask = padded["input_ids"], padded["attention_mask"]
    length, end = ids.shape[1], tokenizer.eos_token_id
    drawing = LogitsProcessorList(
        [TemperatureLogitsWarper(settings.temperature), SeededDraws(keys.to(device()), length)]
    )
    configuration = GenerationConfig(
        do_sample=False,
        max_new_tokens=settings.max_new_tokens,
        eos_token_id=end,
        pad_token_id=tokenizer.pad_token_id,
    )
    captured = bool(depths) and settings.capture_states
    with policy.computing(), torch.no_grad():
        with policy.drawing():
            if captured:
                closed, states = generate_with_states(
                    policy.model, ids, prompt_mask, configuration, depths, logits_processor=drawing, end=end
                )
            else:
                drawn = policy.model.generate(
                    ids, attention_mask=prompt_mask, generation_config=configuration, logits_processor=drawing
                )
                closed, states = torch.cat([drawn, drawn.new_full((len(drawn), 1), end)], dim=1), {}
        last = ends(closed, length, end)
        places = torch.arange(closed.shape[1], device=closed.device)
        of_response = (places >= length) & (places <= last[:, None])
        mask = torch.cat([prompt_mask, of_response[:, length:].to(prompt_mask.dtype)], dim=1)
        if policy.trunk and not captured:
            states = trunk_states(policy.trunk, closed, mask, depths)
    ended = last < closed.shape[1] - 1
    return Responses(closed, mask, length, last - length + ended.long(), ended, states)
