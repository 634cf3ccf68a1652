"""Trainings in processes of their own that kill themselves, for the tests of checkpoints."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from okapi_kedro.training import pretraining, reward, sft
from okapi_kedro.training.checkpoints import Checkpoints
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.training_log import TrainingProgress

from .toys import RECIPE, SENTENCES, TOKENIZER_TEXTS, facts, preference_pairs, small_model, training

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])

STEPS = 12
"""Of each training below: three in each of four epochs, the last of every second one at a checkpoint."""
CHECKPOINTS = {"checkpoint_steps": 2, "epochs": 4, "batch_size": 2, "micro_batch_size": 1}


def train(stage: str, base: ModelReference, directory: Path) -> ModelReference:
    """A training of six rows for so many steps; its log is left beside its model."""
    if stage == "sft":
        model, log = sft.fine_tune(base, facts(), training(**CHECKPOINTS), RECIPE, ENGLISH, directory, seed=3)
        log.to_parquet(directory / "log.parquet")
    elif stage == "reward":
        settings = reward.RewardSettings(trainable_blocks=1, training=training(**CHECKPOINTS))
        model, log = reward.train_reward_model(base, preference_pairs(8, seed=0), settings, directory, seed=3)
        log.to_parquet(directory / "log.parquet")
    else:
        shape = small_model("llama", **CHECKPOINTS, max_length=10)
        model = pretraining.pretrain([*SENTENCES.values()], TOKENIZER_TEXTS, shape, directory, seed=3)
    return model


def run_apart(stage: str, base: ModelReference, directory: Path, end: Callable[[], None] | None = None) -> int:
    """Trains in another process, which `end` may prepare to end early, and returns that process's exit code."""
    process = PROCESSES.Process(target=_train, args=(stage, base, directory, end))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _train(stage: str, base: ModelReference, directory: Path, end: Callable[[], None] | None) -> None:
    torch.set_num_threads(1)
    # What a killed process leaves behind goes with the test's own folders.
    tempfile.tempdir = str(directory.parent)
    if end:
        end()
    train(stage, base, directory)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DieAtStep:
    """Kills at the end of a step, before the checkpoint that may be due at it."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self) -> None:
        on_step_end = TrainingProgress.on_step_end

        def watched(self_: TrainingProgress, args: Any, state: Any, control: Any, **rest: Any) -> None:
            on_step_end(self_, args, state, control, **rest)
            if state.global_step == self._step:
                die()

        TrainingProgress.on_step_end = watched  # type: ignore[method-assign]


class DieInEvaluation:
    """Kills when the evaluation after a step is about to be logged."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self) -> None:
        log = sft.SFTTrainer.log

        def watched(self_: Any, logs: dict[str, float], *rest: Any) -> None:
            if self_.state.global_step == self._step and "eval_loss" in logs:
                die()
            log(self_, logs, *rest)

        sft.SFTTrainer.log = watched  # type: ignore[method-assign]


class DieInSave:
    """Kills in a checkpoint when the optimiser's state is half written, or before old checkpoints are removed."""

    def __init__(self, checkpoint: int, written: bool) -> None:
        self._checkpoint, self._written = checkpoint, written

    def __call__(self) -> None:
        if self._written:
            on_save = Checkpoints.on_save

            def watched(self_: Checkpoints, args: Any, state: Any, control: Any, **rest: Any) -> None:
                if state.global_step == self._checkpoint:
                    die()
                on_save(self_, args, state, control, **rest)

            Checkpoints.on_save = watched  # type: ignore[method-assign]
            return
        save = torch.save

        def half(value: Any, path: Any, *rest: Any, **named: Any) -> None:
            save(value, path, *rest, **named)
            if f"checkpoint-{self._checkpoint}/optimizer" in str(path):
                os.truncate(path, Path(path).stat().st_size // 2)
                die()

        torch.save = half
