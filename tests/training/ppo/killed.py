"""Trainings with PPO in processes of their own that kill themselves."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo import checkpoints, train
from okapi_kedro.training.ppo.loop import Loop

from ..killed import PROCESSES, die
from .toy_loops import PROMPTS, ppo_settings

STEPS = 5
SETTINGS = {
    "epochs": 5,
    "checkpoint_steps": 2,
    "held_out_every": 2,
    "kl": {"coefficient": 0.05, "target": 0.1, "horizon": 50},
    "stop": {"kl_ceiling": 1e6},
}
"""For so many steps; the order of the prompts, the coefficient and the best policy change on the way."""

Models = tuple[ModelReference, ModelReference]


def train_there(models: Models, directory: Path, blocks: int) -> None:
    """A training whose tables are left beside its model."""
    settings = ppo_settings(trainable_blocks=blocks, **SETTINGS)
    _, log, answers = train.train_policy(*models, PROMPTS, settings, directory, seed=3, held_out=PROMPTS[:2])
    log.to_parquet(directory / "log.parquet")
    answers.to_parquet(directory / "answers.parquet")


def run_apart(models: Models, directory: Path, blocks: int, end: Callable[[], None] | None = None) -> int:
    """Trains in another process, which `end` may prepare to end early, and returns that process's exit code."""
    process = PROCESSES.Process(target=_train, args=(models, directory, blocks, end))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _train(models: Models, directory: Path, blocks: int, end: Callable[[], None] | None) -> None:
    torch.set_num_threads(1)
    tempfile.tempdir = str(directory.parent)
    if end:
        end()
    train_there(models, directory, blocks)


class DieAfterStep:
    """Kills when so many steps are done, before the checkpoint that may be due."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self) -> None:
        step = Loop.step

        def watched(self_: Loop, progress: Any) -> Any:
            done = step(self_, progress)
            if done.step == self._step:
                die()
            return done

        Loop.step = watched  # type: ignore[method-assign]


class DieInSave:
    """Kills in a checkpoint before it is marked as complete."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self) -> None:
        complete = checkpoints.complete

        def watched(checkpoint: Path, kept: int) -> None:
            if checkpoint.name == f"checkpoint-{self._step}":
                die()
            complete(checkpoint, kept)

        checkpoints.complete = watched


class DieWhileTheModelIsSaved:
    """Kills when all is done but the model is not saved."""

    def __call__(self) -> None:
        train.save_model = die
