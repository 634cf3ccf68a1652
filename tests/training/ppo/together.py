"""Trainings whose blocks are divided among two processes, all of them in one launch that takes longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo import train
from okapi_kedro.training.ppo.checkpoints import Progress
from okapi_kedro.training.ppo.loop import Loop
from okapi_kedro.training.ppo.processes import join
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.shards import gathered


@dataclass(frozen=True)
class Case:
    """A training.

    Args:
        start: the model.
        judge: its reward model.
        rows: file of the prompts.
        settings: of two processes.
        directory: of checkpoints and model.
        dies_after: it ends without a word after so many steps.
    """

    start: ModelReference
    judge: ModelReference
    rows: Path
    settings: PpoSettings
    directory: Path
    dies_after: int | None = None


@dataclass(frozen=True)
class Seen:
    """What came of it.

    Args:
        log: a line for each step.
        answers: to held-out prompts.
        held: numbers that this process held of policy and reference, its reward model's own ones apart.
        numbers: that they have in all.
        as_before: whether every frozen weight of the policy was the start's to the bit.
        remembered: passes that the blocks have not forgotten.
    """

    log: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    held: int
    numbers: int
    as_before: bool
    remembered: int


class DeathError(Exception):
    """In the place of a signal that would end the processes."""


def train_all(cases: Sequence[Case]) -> list[Seen | None]:
    """One process's part of all trainings, one after the other; None for those that have died."""
    processes = join(2)
    train.join = lambda count: processes
    return [_train(case) for case in cases]


def _train(case: Case) -> Seen | None:
    loops: list[Loop] = []
    step = Loop.step

    def watched(loop: Loop, progress: Progress) -> Progress:
        loops[:] = [loop]
        done = step(loop, progress)
        if done.step == case.dies_after:
            raise DeathError
        return done

    Loop.step = watched  # type: ignore[method-assign]
    try:
        log, answers = train._train(case.start, case.judge, case.rows, case.settings, case.directory, 0)
    except DeathError:
        return None
    finally:
        Loop.step = step  # type: ignore[method-assign]
    policy = loops[0].policy
    of_policy = [*policy.model.parameters(), *policy.reference.parameters()]
    parts = [getattr(each, "to_local", lambda each=each: each)() for each in of_policy]
    frozen = {name: each for name, each in policy.model.named_parameters() if not each.requires_grad}
    return Seen(
        log,
        answers,
        held=sum(each.numel() for each in parts),
        numbers=sum(each.numel() for each in of_policy),
        as_before=_equal(gathered(frozen, is_first=True), case.start, policy.precision),
        remembered=_remembered(policy.model),
    )


def _remembered(model: nn.Module) -> int:
    states = [block._get_fsdp_state() for block in model.modules() if isinstance(block, FSDPModule)]
    return sum(len(group._post_forward_indices) for state in states for group in state._fsdp_param_groups)


def _equal(weights: dict[str, Tensor], start: ModelReference, precision: torch.dtype) -> bool:
    before = dict(start.causal_lm().named_parameters())
    return all(torch.equal(weight, before[name].to(precision)) for name, weight in weights.items())
