"""The responses of a step: drawn, scored and cut into micro-batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from okapi_kedro.training.draws import row_keys
from okapi_kedro.training.models import device
from okapi_kedro.training.ppo.experience import MicroBatch, Rollouts, micro_batches
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.responses import draw_responses
from okapi_kedro.training.ppo.scoring import Scorer
from okapi_kedro.training.ppo.settings import PpoSettings


@dataclass(frozen=True)
class Prompts:
    """The prompts of a training, in the order in which they come.

    Args:
        tokens: of each prompt.
        seed: of the order, another one in each epoch, and of the draws.
    """

    tokens: Sequence[list[int]]
    seed: int

    def of_step(self, step: int, rollouts: int) -> list[tuple[str, list[int]]]:
        """The prompts of a step, from 0, each with the name of its draws; the longest first, to need little padding."""
        count = len(self.tokens)
        epochs = range(step * rollouts // count, ((step + 1) * rollouts - 1) // count + 1)
        orders = {epoch: self._order(epoch) for epoch in epochs}
        places = range(step * rollouts, (step + 1) * rollouts)
        named = [(f"rollout {place}", self.tokens[orders[place // count][place % count]]) for place in places]
        return sorted(named, key=lambda pair: len(pair[1]), reverse=True)

    def _order(self, epoch: int) -> list[int]:
        order = torch.randperm(len(self.tokens), generator=generator("order of prompts", epoch, self.seed))
        places: list[int] = order.tolist()
        return places


def generator(purpose: str, number: int, seed: int) -> torch.Generator:
    """A random generator of its own for the purpose, the number and the seed."""
    return torch.Generator().manual_seed(int(row_keys([f"{purpose} {number}"], seed)))


def roll_out(
    policy: Policy,
    tokenizer: PreTrainedTokenizerBase,
    score: Scorer,
    prompts: Sequence[tuple[str, list[int]]],
    settings: PpoSettings,
    depths: Sequence[int],
    processes: Processes,
    seed: int,
) -> Rollouts:
    """This process's share of a step.

    Args:
        policy: that draws.
        tokenizer: of the policy.
        score: the reward of responses.
        prompts: of the whole step, each with the name of its draws.
        settings: sizes, and how responses are drawn.
        depths: after how many blocks the trunk's states are needed.
        processes: that share the step.
        seed: of the draws.
    """
    size = settings.micro_batch_size
    count = settings.rollouts // size
    own = [number for number in range(count) if number % settings.micro_batches % processes.count == processes.rank]
    keys = row_keys([name for name, _ in prompts], seed)
    scores = torch.zeros(settings.rollouts, device=device())
    ended = torch.zeros(settings.rollouts, dtype=torch.bool, device=device())
    batches: dict[int, MicroBatch] = {}
    together = settings.generation_batch_size // size
    for start in range(0, len(own), together):
        numbers = own[start : start + together]
        rows = [number * size + place for number in numbers for place in range(size)]
        tokens = [prompts[row][1] for row in rows]
        responses = draw_responses(policy, tokenizer, tokens, keys[rows], settings, depths)
        scores[rows] = score(responses)
        ended[rows] = responses.ended
        inputs = responses.states[policy.trunk.depth] if policy.trunk else responses.ids
        batches.update(zip(numbers, micro_batches(responses, rows, size, inputs), strict=True))
    return Rollouts(batches, scores, ended)
