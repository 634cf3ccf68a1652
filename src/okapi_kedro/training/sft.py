"""Supervised fine-tuning on prompts and completions."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from trl import SFTConfig

from okapi_kedro.errors import UserError
from okapi_kedro.training.adapters import (
    adapter_configuration,
    check_adapter,
    frozen_bytes,
    model_to_train,
    rehearsed_adapter,
    without_adapter,
)
from okapi_kedro.training.checkpoints import fingerprint_of, keep_only_own, prove_room, remove_checkpoints
from okapi_kedro.training.launch import launch
from okapi_kedro.training.lengths import token_counts
from okapi_kedro.training.memory_plan import language_model_loss, require_room, with_tiled_logits
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.prompt import PromptTemplate, chat_template
from okapi_kedro.training.run import run, whole_model
from okapi_kedro.training.sampling import sampling_defaults
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.sft_recipe import SftRecipe, packs_per_step, recipe_arguments
from okapi_kedro.training.trainers import SFTTrainer
from okapi_kedro.training.training_log import training_log


def fine_tune(
    base: ModelReference,
    examples: pd.DataFrame,
    settings: TrainingSettings,
    recipe: SftRecipe,
    template: PromptTemplate,
    directory: Path,
    seed: int,
) -> tuple[ModelReference, pd.DataFrame]:
    """Fine-tunes a model on the completions of examples (Okapi, section 3.1) and saves it.

    Args:
        base: the model to start from.
        examples: columns prompt, completion, held_out; the held-out rows are only evaluated on.
        settings: optimisation.
        recipe: what the loss is on, how rows share a batch, which weights are trained.
        template: of the prompts; goes with the model as its chat template.
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
    check_adapter(recipe.adapter)
    _require_memory(base, settings, recipe)
    with tempfile.TemporaryDirectory(prefix="okapi-sft-") as folder:
        rows = Path(folder) / "examples.parquet"
        examples[["prompt", "completion", "held_out"]].to_parquet(rows, index=False)
        keep_only_own(directory, fingerprint_of("sft", base, rows, settings, recipe.model_dump(), seed))
        how = (settings, recipe, template, directory, seed)
        log = launch(_fine_tune, base, rows, *how, processes=settings.processes)
    remove_checkpoints(directory)
    return ModelReference(str(directory / "model"), temporary=True), training_log(log)


def _require_memory(base: ModelReference, settings: TrainingSettings, recipe: SftRecipe) -> None:
    """Raises a UserError before anything is loaded, where training surely would run out of memory."""
    configuration = base.configuration()

    def build(dtype: torch.dtype) -> PreTrainedModel:
        model = AutoModelForCausalLM.from_config(configuration, dtype=dtype)
        return with_tiled_logits(rehearsed_adapter(model, recipe.adapter))

    texts = 1 if recipe.batching == "packed" else settings.micro_batch_size
    each = frozen_bytes(recipe.adapter, settings.precision)
    require_room(build, language_model_loss, settings, texts, "sft", each)


def _fine_tune(
    base: ModelReference,
    rows: Path,
    settings: TrainingSettings,
    recipe: SftRecipe,
    template: PromptTemplate,
    directory: Path,
    seed: int,
) -> list[dict[str, Any]]:
    """One process's part."""
    tokenizer, model = base.tokenizer(), model_to_train(base, recipe.adapter, settings.precision)
    tokenizer.chat_template = chat_template(template)
    prove_room(directory, model, settings)
    examples = pd.read_parquet(rows)
    training, held_out = (
        Dataset.from_pandas(examples.loc[examples["held_out"] == part, ["prompt", "completion"]], preserve_index=False)
        for part in (False, True)
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **(settings.trainer_arguments(str(directory), seed) | _batches(recipe, settings, tokenizer, training)),
            **recipe_arguments(recipe, model),
            max_length=settings.max_length,
            eval_strategy="epoch",
            include_num_input_tokens_seen="non_padding",
        ),
        train_dataset=training,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=adapter_configuration(recipe.adapter),
    )
    log = run(trainer, "SFT", settings)
    trained = whole_model(trainer, lambda: model_to_train(base, recipe.adapter, settings.precision))
    if trained is not None:
        plain = without_adapter(trained, base, recipe.adapter)
        plain.generation_config = sampling_defaults(tokenizer)
        save_model(plain, tokenizer, directory / "model")
    return log


def _batches(
    recipe: SftRecipe, settings: TrainingSettings, tokenizer: PreTrainedTokenizerBase, rows: Dataset
) -> dict[str, int]:
    """Of packed rows, so many packs that a step learns from as many rows as without packing; they go one by one."""
    if recipe.batching != "packed":
        return {}
    texts = [row["prompt"] + row["completion"] for row in rows]
    lengths = [count + 1 for count in token_counts(tokenizer, texts)]
    packs = packs_per_step(settings.batch_size, lengths, settings.max_length, multiple_of=settings.processes)
    return {"per_device_train_batch_size": 1, "gradient_accumulation_steps": packs // settings.processes}
