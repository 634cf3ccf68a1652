"""What a training run shows while it goes on, and its log as a table."""

import logging
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)

MEASURED = ["seconds", "tokens_per_second", "peak_memory"]
"""Columns of a log in which two runs with the same seed differ."""

_FIRST = [*("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm", "tokens"), *MEASURED]
# The trainers' own counts and timings begin anew when a training is resumed; ours do not.
_LEFT_OUT = {
    *("num_tokens", "num_input_tokens_seen", "step_time", "train_runtime", "train_tokens_per_second"),
    *("eval_num_tokens", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second"),
}


def training_log(history: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per logged step or evaluation, one column per figure: those of every training, then the others by name.

    Args:
        history: the trainer's `state.log_history`; its last entry, a summary of the run, is left out.
    """
    rows = [
        {name: value for name, value in entry.items() if name not in _LEFT_OUT}
        for entry in history
        if "train_loss" not in entry
    ]
    log = pd.DataFrame(rows)
    first = [name for name in _FIRST if name in log.columns]
    return log[[*first, *sorted(set(log.columns) - set(first))]]


class TrainingFigures(TrainerCallback):
    """Adds to each entry of a trainer's log how long the training has taken, how fast it goes and what it holds.

    `seconds` and `tokens` (without padding, of all processes) count from the start of the training, also through
    interruptions; `tokens_per_second` is since the entry before; `peak_memory` is in bytes, of the first process's
    accelerator or, without one, of the process itself.
    """

    def __init__(self) -> None:
        self._started = 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        before = state.log_history[-1]["seconds"] if state.log_history else 0.0
        self._started = time.perf_counter() - before

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        *earlier, entry = state.log_history
        before = earlier[-1] if earlier else {"seconds": 0.0, "tokens": 0}
        seconds, tokens = time.perf_counter() - self._started, state.num_input_tokens_seen
        if "loss" in entry:
            entry["tokens_per_second"] = (tokens - before["tokens"]) / (seconds - before["seconds"])
        entry.update(seconds=seconds, tokens=tokens, peak_memory=_peak_memory())


def _peak_memory() -> int:
    if torch.accelerator.is_available():
        return int(torch.accelerator.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class TrainingProgress(TrainerCallback):
    """A progress bar with the latest loss or reward on a terminal, and one line at the end everywhere.

    Args:
        description: what is being trained.
    """

    def __init__(self, description: str) -> None:
        self._description = description
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc=self._description, unit="step", disable=None
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._bar is not None:
            self._bar.update()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        shown = {name: value for name, value in (logs or {}).items() if name in ("loss", "eval_loss", "reward", "kl")}
        if self._bar is not None and shown:
            self._bar.set_postfix(shown)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._bar is not None:
            self._bar.close()
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        if losses:
            logger.info(
                "%s: %d steps, loss %.3f at first, %.3f at last",
                self._description,
                state.global_step,
                losses[0],
                losses[-1],
            )


def show_progress(trainer: Trainer, description: str) -> None:
    """Lets a trainer show its progress our way instead of printing every log entry."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(TrainingProgress(description))
