"""The reward model (Okapi, section 3.2)."""

from pathlib import Path

import pandas as pd

from okapi_kedro.training.lengths import set_aside_long, token_counts
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.reward import RewardSettings, train_reward_model


def set_aside_long_pairs(
    preferences: pd.DataFrame, sft_model: ModelReference, parameters: RewardSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs whose both texts fit into the model's length, and the others."""
    tokenizer = sft_model.tokenizer()
    chosen, rejected = (
        token_counts(tokenizer, (preferences["prompt"] + preferences[name]).tolist()) for name in ("chosen", "rejected")
    )
    longer = [max(pair) + 1 for pair in zip(chosen, rejected, strict=True)]
    return set_aside_long(preferences, longer, parameters.training.max_length, key=("id", "pair"))


def fit_reward_model(
    sft_model: ModelReference, pairs: pd.DataFrame, parameters: RewardSettings, checkpoints: Path, seed: int
) -> tuple[ModelReference, pd.DataFrame]:
    """The reward model, trained from the SFT model on the pairs that are not held out, and its training log."""
    return train_reward_model(sft_model, pairs, parameters, checkpoints, seed)
