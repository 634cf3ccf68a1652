"""Takes a trainer to its end, from its latest checkpoint where there is one."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import Checkpoints, complete_checkpoints
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import TrainingFigures, show_progress

logger = logging.getLogger(__name__)


def run(trainer: Trainer, description: str, settings: TrainingSettings) -> list[dict[str, Any]]:
    """Trains and returns the log, from the first step on, also when the training was resumed.

    Args:
        trainer: whose `output_dir` is the folder of its checkpoints.
        description: of the training, for its user.
        settings: those that the trainer was made with.
    """
    complete = complete_checkpoints(Path(trainer.args.output_dir))
    latest = complete[-1] if complete else None
    if latest:
        logger.info("%s goes on from %s", description, latest)
    for callback in (TrainingFigures(), Checkpoints(settings, latest), *_early_stopping(trainer, settings)):
        trainer.add_callback(callback)
    show_progress(trainer, description)
    trainer.train(resume_from_checkpoint=latest and str(latest))
    log: list[dict[str, Any]] = trainer.state.log_history
    return log


def _early_stopping(trainer: Trainer, settings: TrainingSettings) -> list[TrainerCallback]:
    if settings.early_stopping_patience is None:
        return []
    if trainer.eval_dataset is None:
        raise UserError(
            "early_stopping_patience needs held-out rows to evaluate on; SFT alone has them: set it to null"
        )
    return [EarlyStopping(settings.early_stopping_patience)]


class EarlyStopping(TrainerCallback):
    """Ends a training after so many evaluations in a row without a new lowest loss."""

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        if len(losses) - 1 - losses.index(min(losses)) >= self._patience:
            control.should_training_stop = True


def whole_model(trainer: Trainer, untrained: Callable[[], PreTrainedModel]) -> PreTrainedModel | None:
    """The trained model in one piece, in the first process; all processes have to ask for it.

    Args:
        trainer: after training.
        untrained: makes the model that the training started with, to hold the weights that were divided.
    """
    if not trainer.is_fsdp_enabled:
        return trainer.accelerator.unwrap_model(trainer.model) if trainer.is_world_process_zero() else None
    weights = trainer.accelerator.get_state_dict(trainer.model)
    if not trainer.is_world_process_zero():
        return None
    model = untrained()
    model.load_state_dict(weights)
    return model
