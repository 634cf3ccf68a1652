"""Direct preference optimisation of the SFT model on the preference pairs, without a reward model."""

from pathlib import Path

import pandas as pd
from datasets import Dataset
from pydantic import BaseModel, ConfigDict, PositiveFloat
from trl import DPOConfig, DPOTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import show_progress, training_log


class DpoSettings(BaseModel):
    """Direct preference optimisation (Rafailov et al. 2023).

    Args:
        beta: how much leaving the SFT model costs.
        training: optimisation; `max_length` is that of a prompt with its response.
    """

    model_config = ConfigDict(extra="forbid")

    beta: PositiveFloat
    training: TrainingSettings


def optimize_preferences(
    start: ModelReference, pairs: pd.DataFrame, settings: DpoSettings, directory: Path, seed: int
) -> tuple[ModelReference, pd.DataFrame]:
    """Tunes the SFT model to give the better response of each pair a higher probability than the worse, and saves it.

    Args:
        start: the SFT model; it is also the reference that it is held to.
        pairs: columns prompt, chosen, rejected, held_out; the held-out ones are not read.
        settings: the algorithm and the optimisation.
        directory: where the model is saved.
        seed: of the order of the pairs.

    Raises:
        UserError: when there is no pair to train on.
    """
    training = pairs.loc[~pairs["held_out"], ["prompt", "chosen", "rejected"]]
    if training.empty:
        raise UserError("DPO needs preference pairs and there are none to train on: see the rejected rankings")
    tokenizer = start.tokenizer()
    trainer = DPOTrainer(
        model=start.causal_lm().float(),
        args=DPOConfig(
            **settings.training.trainer_arguments(str(directory), seed),
            beta=settings.beta,
            max_length=settings.training.max_length,
            disable_dropout=True,
        ),
        train_dataset=Dataset.from_pandas(training, preserve_index=False),
        processing_class=tokenizer,
    )
    show_progress(trainer, "DPO")
    trainer.train()
    return save_model(trainer.model, tokenizer, directory), training_log(trainer.state.log_history)
