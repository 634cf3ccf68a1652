"""Supervised fine-tuning on prompts and completions."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset
from transformers import PreTrainedModel
from trl import SFTConfig

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import fingerprint_of, keep_only_own, prove_room, remove_checkpoints
from okapi_kedro.training.launch import launch
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.run import run, whole_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.trainers import SFTTrainer
from okapi_kedro.training.training_log import training_log


def fine_tune(
    base: ModelReference, examples: pd.DataFrame, settings: TrainingSettings, directory: Path, seed: int
) -> tuple[ModelReference, pd.DataFrame]:
    """Fine-tunes a model on the completions of examples (Okapi, section 3.1) and saves it.

    Args:
        base: the model to start from.
        examples: columns prompt, completion, held_out; the held-out rows are only evaluated on.
        settings: optimisation.
        directory: the training's own, for its checkpoints and at the end, in `model`, for the model.
        seed: of the order of the rows.

    Returns:
        The model and its log: step, loss, eval_loss, learning_rate, grad_norm.
    """
    held_out = int(examples["held_out"].sum())
    if held_out in (0, len(examples)):
        raise UserError(
            f"SFT needs training and held-out rows; there are {len(examples) - held_out} and {held_out}: see the "
            "rejected translations, or raise split.held_out or the number of instructions"
        )
    with tempfile.TemporaryDirectory(prefix="okapi-sft-") as folder:
        rows = Path(folder) / "examples.parquet"
        examples[["prompt", "completion", "held_out"]].to_parquet(rows, index=False)
        keep_only_own(directory, fingerprint_of("sft", base, rows, settings, {}, seed))
        log = launch(_fine_tune, base, rows, settings, directory, seed, processes=settings.processes)
    remove_checkpoints(directory)
    return ModelReference(str(directory / "model"), temporary=True), training_log(log)


def _fine_tune(
    base: ModelReference, rows: Path, settings: TrainingSettings, directory: Path, seed: int
) -> list[dict[str, Any]]:
    """One process's part."""
    tokenizer, model = base.tokenizer(), _model(base)
    prove_room(directory, model, settings)
    examples = pd.read_parquet(rows)
    training, held_out = (
        Dataset.from_pandas(examples.loc[examples["held_out"] == part, ["prompt", "completion"]], preserve_index=False)
        for part in (False, True)
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **settings.trainer_arguments(str(directory), seed),
            max_length=settings.max_length,
            completion_only_loss=True,
            packing=False,
            eval_strategy="epoch",
            include_num_input_tokens_seen="non_padding",
        ),
        train_dataset=training,
        eval_dataset=held_out,
        processing_class=tokenizer,
    )
    log = run(trainer, "SFT", settings)
    trained = whole_model(trainer, lambda: _model(base))
    if trained is not None:
        save_model(trained, tokenizer, directory / "model")
    return log


def _model(base: ModelReference) -> PreTrainedModel:
    # BLOOM and LLaMA are stored in float16, in which AdamW's steps vanish or explode.
    return base.causal_lm().float()
