"""Supervised fine-tuning on prompts and completions."""

from pathlib import Path

import pandas as pd
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import show_progress, training_log


def fine_tune(
    base: ModelReference, examples: pd.DataFrame, settings: TrainingSettings, directory: Path, seed: int
) -> tuple[ModelReference, pd.DataFrame]:
    """Fine-tunes a model on the completions of examples (Okapi, section 3.1) and saves it.

    Args:
        base: the model to start from.
        examples: columns prompt, completion, held_out; the held-out rows are only evaluated on.
        settings: optimisation.
        directory: where the model is saved.
        seed: of the order of the rows.

    Returns:
        The model and its log: step, loss, eval_loss, learning_rate, grad_norm.
    """
    tokenizer = base.tokenizer()
    training, held_out = (
        examples.loc[examples["held_out"] == part, ["prompt", "completion"]] for part in (False, True)
    )
    if training.empty or held_out.empty:
        raise UserError(
            f"SFT needs training and held-out rows; there are {len(training)} and {len(held_out)}: see the rejected "
            "translations, or raise split.held_out or the number of instructions"
        )
    arguments = SFTConfig(
        **settings.trainer_arguments(str(directory), seed),
        max_length=settings.max_length,
        completion_only_loss=True,
        packing=False,
        eval_strategy="epoch",
    )
    trainer = SFTTrainer(
        # BLOOM and LLaMA are stored in float16, in which AdamW's steps vanish or explode.
        model=base.causal_lm().float(),
        args=arguments,
        train_dataset=Dataset.from_pandas(training, preserve_index=False),
        eval_dataset=Dataset.from_pandas(held_out, preserve_index=False),
        processing_class=tokenizer,
    )
    show_progress(trainer, "SFT")
    trainer.train()
    return save_model(trainer.model, tokenizer, directory), training_log(trainer.state.log_history)
