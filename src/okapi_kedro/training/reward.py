"""The reward model: trained on preference pairs, and the reward of a response."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from datasets import Dataset
from pydantic import BaseModel, ConfigDict
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase
from trl import RewardConfig

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import fingerprint_of, keep_only_own, prove_room, remove_checkpoints
from okapi_kedro.training.launch import launch
from okapi_kedro.training.memory_plan import require_room, reward_loss
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.ranked_lists import RankedListTrainer
from okapi_kedro.training.run import run, whole_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import training_log


class RewardSettings(BaseModel):
    """Training of the reward model.

    Args:
        trainable_blocks: how many of the last blocks learn, beside the head; 0 lets the whole model learn.
        training: optimisation.
    """

    model_config = ConfigDict(extra="forbid")

    trainable_blocks: int
    training: TrainingSettings


def train_reward_model(
    start: ModelReference, pairs: pd.DataFrame, settings: RewardSettings, directory: Path, seed: int
) -> tuple[ModelReference, pd.DataFrame]:
    """Trains a reward model on pairs by the loss -log sigmoid(r_chosen - r_rejected) (Ouyang et al. 2022, equation 1).

    Args:
        start: the SFT model.
        pairs: columns prompt, chosen, rejected (complete texts after the prompt), held_out.
        settings: which blocks learn, and the optimisation.
        directory: the training's own, for its checkpoints and at the end, in `model`, for the model.
        seed: of the head's weights and the order of the pairs.
    """
    training = pairs.loc[~pairs["held_out"], ["prompt", "chosen", "rejected"]]
    if training.empty:
        raise UserError(
            "the reward model needs preference pairs and there are none to train on: see the rejected rankings"
        )
    _require_memory(start, settings)
    choices = settings.model_dump(exclude={"training"})
    with tempfile.TemporaryDirectory(prefix="okapi-reward-") as folder:
        rows = Path(folder) / "pairs.parquet"
        training.to_parquet(rows, index=False)
        keep_only_own(directory, fingerprint_of("reward", start, rows, settings.training, choices, seed))
        log = launch(_train, start, rows, settings, directory, seed, processes=settings.training.processes)
    remove_checkpoints(directory)
    return ModelReference(str(directory / "model"), temporary=True), training_log(log)


def _require_memory(start: ModelReference, settings: RewardSettings) -> None:
    """Raises a UserError before anything is loaded, where training surely would run out of memory."""
    configuration = start.configuration()
    configuration.num_labels, configuration.pad_token_id = 1, start.tokenizer().pad_token_id

    def build(dtype: torch.dtype) -> PreTrainedModel:
        model = AutoModelForSequenceClassification.from_config(configuration, dtype=dtype)
        freeze_below(model, settings.trainable_blocks)
        return model

    require_room(build, reward_loss, settings.training, 2 * settings.training.micro_batch_size, "reward")


def _train(
    start: ModelReference, rows: Path, settings: RewardSettings, directory: Path, seed: int
) -> list[dict[str, Any]]:
    """One process's part."""
    torch.manual_seed(seed)
    tokenizer, model = start.tokenizer(), _untrained(start, settings)
    prove_room(directory, model, settings.training)
    pairs = pd.read_parquet(rows)
    # With its end written out, a text that ends in the same characters is not taken to have it.
    texts = {name: (pairs["prompt"] + pairs[name] + tokenizer.eos_token).tolist() for name in ("chosen", "rejected")}
    trainer = RankedListTrainer(
        model=model,
        args=RewardConfig(
            **settings.training.trainer_arguments(str(directory), seed),
            max_length=settings.training.max_length,
            include_num_input_tokens_seen="non_padding",
            # The trainer would drop the column that says what belongs together.
            remove_unused_columns=False,
        ),
        train_dataset=Dataset.from_dict({**texts, "list": pd.factorize(pairs["prompt"])[0].tolist()}),
        processing_class=tokenizer,
    )
    log = run(trainer, "reward model", settings.training)
    trained = whole_model(trainer, lambda: _untrained(start, settings))
    if trained is not None:
        save_model(trained, tokenizer, directory / "model")
    return log


def _untrained(start: ModelReference, settings: RewardSettings) -> PreTrainedModel:
    model = start.reward_model().float()
    freeze_below(model, settings.trainable_blocks)
    return model


def freeze_below(model: PreTrainedModel, blocks: int) -> None:
    """Lets only the last `blocks` blocks, what follows them and the head learn; 0 lets all learn."""
    if blocks == 0:
        return
    backbone = model.base_model
    layers = backbone.h if hasattr(backbone, "h") else backbone.layers
    first = len(layers) - blocks
    for name, parameter in backbone.named_parameters():
        below = name.startswith(("word_embeddings", "embed_tokens")) or any(
            name.startswith((f"h.{i}.", f"layers.{i}.")) for i in range(first)
        )
        parameter.requires_grad = not below


def rewards(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], batch_size: int
) -> list[float]:
    """The reward of each text, read at its end-of-text token as in training.

    Args:
        model: a reward model.
        tokenizer: its tokenizer.
        texts: prompts with their responses, without the end-of-text token.
        batch_size: texts that are scored together.
    """
    values: list[float] = []
    for start in range(0, len(texts), batch_size):
        batch = [text + str(tokenizer.eos_token) for text in texts[start : start + batch_size]]
        inputs = tokenizer(batch, return_tensors="pt", padding=True, padding_side="right").to(model.device)
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            values += model(**inputs).logits[:, 0].float().tolist()
    return values
