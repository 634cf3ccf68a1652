"""The reward model: trained on preference pairs, and the reward of a response."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from datasets import Dataset
from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl import RewardConfig, RewardTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import show_progress, training_log


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
        directory: where the model is saved.
        seed: of the head's weights and the order of the pairs.
    """
    torch.manual_seed(seed)
    tokenizer, model = start.tokenizer(), start.reward_model().float()
    freeze_below(model, settings.trainable_blocks)
    training = pairs.loc[~pairs["held_out"]]
    if training.empty:
        raise UserError(
            "the reward model needs preference pairs and there are none to train on: see the rejected rankings"
        )
    rows = {name: (training["prompt"] + training[name]).tolist() for name in ("chosen", "rejected")}
    lengths = [max(map(len, pair)) for pair in zip(*rows.values(), strict=True)]
    arguments = RewardConfig(
        **settings.training.trainer_arguments(str(directory), seed),
        max_length=settings.training.max_length,
        train_sampling_strategy="group_by_length",
        # The trainer would drop the lengths that the sampler groups by.
        remove_unused_columns=False,
    )
    trainer = RewardTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({**rows, "length": lengths}),
        processing_class=tokenizer,
    )
    show_progress(trainer, "reward model")
    trainer.train()
    return save_model(trainer.model, tokenizer, directory), training_log(trainer.state.log_history)


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
