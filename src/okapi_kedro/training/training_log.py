"""What a training run shows while it goes on, and its log as a table."""

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd
from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)

# Wall-clock figures would make two runs with the same seed differ.
_TIMINGS = ("runtime", "per_second", "step_time", "total_flos")


def training_log(history: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per logged step, one column per figure, in the order in which they first occur; timings are left out.

    Args:
        history: the trainer's `state.log_history`.
    """
    rows = [
        {name: value for name, value in entry.items() if not any(timing in name for timing in _TIMINGS)}
        for entry in history
    ]
    log = pd.DataFrame(rows)
    return log[["step", *(column for column in log.columns if column != "step")]]


class TrainingProgress(TrainerCallback):
    """A progress bar with the latest loss or reward on a terminal, and one line at the end everywhere.

    Args:
        description: what is being trained.
    """

    def __init__(self, description: str) -> None:
        self._description = description
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._bar = tqdm(total=state.max_steps, desc=self._description, unit="step", disable=None)

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
