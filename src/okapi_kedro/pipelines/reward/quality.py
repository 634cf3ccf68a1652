"""What the reward model is worth on pairs of prompts that it was not trained on."""

from collections.abc import Callable

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.training.calibration import (
    accuracy,
    accuracy_stderr,
    calibration_error,
    length_correlation,
    longer_is_better,
    reliability,
)
from okapi_kedro.training.lengths import token_counts
from okapi_kedro.training.models import ModelReference, device
from okapi_kedro.training.prompt import completion_of
from okapi_kedro.training.reward import RewardSettings, rewards

Tables = dict[str, Callable[[], pd.DataFrame]]


def score_held_out_pairs(
    reward_model: ModelReference, pairs: pd.DataFrame, tables: Tables, parameters: RewardSettings
) -> pd.DataFrame:
    """The rewards of both responses of every held-out pair, with their lengths and how far apart they were ranked.

    Args:
        reward_model: to be measured.
        pairs: those that it was trained on and those that were held out.
        tables: the language's that exist; ranks are known where `ranked_responses` and `responses` are among them.
        parameters: of the training.

    Raises:
        UserError: when no pair is left whose prompt was not trained on.
    """
    held_out = unseen(pairs)
    model, tokenizer = reward_model.reward_model().to(device()).eval(), reward_model.tokenizer()
    chosen, rejected = (
        rewards(model, tokenizer, (held_out["prompt"] + held_out[name]).tolist(), parameters.training.micro_batch_size)
        for name in ("chosen", "rejected")
    )
    return pd.DataFrame(
        {
            "id": held_out["id"],
            "pair": held_out["pair"],
            "chosen_reward": chosen,
            "rejected_reward": rejected,
            "margin": [better - worse for better, worse in zip(chosen, rejected, strict=True)],
            "chosen_tokens": token_counts(tokenizer, held_out["chosen"].tolist()),
            "rejected_tokens": token_counts(tokenizer, held_out["rejected"].tolist()),
            "chosen_characters": held_out["chosen"].str.len().astype("int64"),
            "rejected_characters": held_out["rejected"].str.len().astype("int64"),
            "rank_distance": rank_distances(held_out, tables),
        }
    )


def unseen(pairs: pd.DataFrame) -> pd.DataFrame:
    """The held-out pairs whose prompt, letter by letter, is not trained on under another id either."""
    trained = set(pairs.loc[~pairs["held_out"], "prompt"])
    held_out = pairs[pairs["held_out"] & ~pairs["prompt"].isin(trained)].reset_index(drop=True)
    if held_out.empty:
        raise UserError("no held-out preference pair: raise split.held_out or the number of ranked prompts")
    return held_out


def rank_distances(pairs: pd.DataFrame, tables: Tables) -> pd.Series:
    """How many ranks the rejected response stands below the chosen one; missing where they were not ranked here."""
    if not {"ranked_responses", "responses"} <= set(tables):
        return pd.Series(pd.NA, index=pairs.index, dtype="Int64")
    ranked = tables["ranked_responses"]().merge(tables["responses"](), on=["id", "k"], validate="one_to_one")
    # A text that was drawn twice has its best rank, as in the pairs.
    ranks = ranked.groupby(["id", "response"])["rank"].min()
    rank_of = {(id, completion_of(text)): rank for (id, text), rank in ranks.items()}
    better, worse = (
        pd.Series([rank_of.get(key) for key in zip(pairs["id"], pairs[name], strict=True)], pairs.index, dtype="Int64")
        for name in ("chosen", "rejected")
    )
    return worse - better


def measure_reward_quality(margins: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """One row: how often the better response of a held-out pair has the higher reward, and what that is worth."""
    return pd.DataFrame(
        [
            {
                "held_out_accuracy": accuracy(margins),
                "stderr": accuracy_stderr(margins),
                "margin": float(margins["margin"].mean()),
                "calibration_error": calibration_error(reliability(margins)),
                "longer_is_better": longer_is_better(margins, "tokens"),
                "length_correlation_tokens": length_correlation(margins, "tokens"),
                "length_correlation_characters": length_correlation(margins, "characters"),
                "held_out_pairs": len(margins),
                "held_out_prompts": margins["id"].nunique(),
                "pairs": len(pairs),
            }
        ]
    )
