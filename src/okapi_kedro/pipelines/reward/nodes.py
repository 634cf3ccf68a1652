"""The reward model (Okapi, section 3.2)."""

from pathlib import Path

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.standard_error import standard_error
from okapi_kedro.training.lengths import set_aside_long, token_counts
from okapi_kedro.training.models import ModelReference, device
from okapi_kedro.training.reward import RewardSettings, rewards, train_reward_model


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


def measure_reward_accuracy(
    reward_model: ModelReference, pairs: pd.DataFrame, parameters: RewardSettings
) -> pd.DataFrame:
    """How often the better response of a held-out pair has the higher reward; pairs are held out by prompt."""
    held_out = pairs[pairs["held_out"]]
    if held_out.empty:
        raise UserError("no held-out preference pair: raise split.held_out or the number of ranked prompts")
    model, tokenizer = reward_model.reward_model().to(device()).eval(), reward_model.tokenizer()
    batch_size = parameters.training.micro_batch_size
    chosen = rewards(model, tokenizer, (held_out["prompt"] + held_out["chosen"]).tolist(), batch_size)
    rejected = rewards(model, tokenizer, (held_out["prompt"] + held_out["rejected"]).tolist(), batch_size)
    right = [better > worse for better, worse in zip(chosen, rejected, strict=True)]
    accuracy = sum(right) / len(right)
    margin = sum(better - worse for better, worse in zip(chosen, rejected, strict=True)) / len(right)
    return pd.DataFrame(
        [
            {
                "held_out_accuracy": accuracy,
                "stderr": standard_error(accuracy, len(right)),
                "margin": margin,
                "held_out_pairs": len(right),
                "pairs": len(pairs),
            }
        ]
    )
