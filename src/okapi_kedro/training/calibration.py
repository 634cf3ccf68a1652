"""How far the margins of a reward model can be trusted: accuracy, calibration, length bias on pairs it has not seen."""

import math
from typing import Literal

import numpy as np
import pandas as pd

Unit = Literal["tokens", "characters"]


def accuracy(margins: pd.DataFrame) -> float:
    """Share of the pairs whose chosen response has the higher reward; an equal reward is not right."""
    return float((margins["margin"] > 0).mean())


def accuracy_stderr(margins: pd.DataFrame) -> float:
    """Standard error of the accuracy when the pairs of one prompt stand or fall together (Liang and Zeger 1986).

    The independent observations are the prompts: the pairs of one share its text and their responses. For one pair
    per prompt this is the usual error of a share; for a single prompt there is none, and it is nan.
    """
    right = margins["margin"] > 0
    by_prompt = (right - right.mean()).groupby(margins["id"]).sum()
    prompts = len(by_prompt)
    if prompts < 2:
        return math.nan
    return float(np.sqrt((by_prompt**2).sum() * prompts / (prompts - 1)) / len(margins))


def reliability(margins: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """How often the model is right where it is so sure (Guo et al. 2017).

    A pair's confidence is sigmoid(|margin|), the probability by the training loss that the response of higher reward
    is the better one; it runs from 0.5 to 1.

    Args:
        margins: one row per pair, column margin.
        bins: of equal width; those without a pair are left out.

    Returns:
        Columns confidence_from, confidence_to, pairs, confidence (mean), share_right.
    """
    confidence = 1 / (1 + np.exp(-margins["margin"].abs()))
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype("int64"), bins - 1)
    rows = pd.DataFrame({"bin": place, "confidence": confidence, "right": margins["margin"] > 0})
    table = rows.groupby("bin").agg(
        pairs=("right", "size"), confidence=("confidence", "mean"), share_right=("right", "mean")
    )
    borders = 0.5 + table.index.to_numpy() / (2 * bins)
    table.insert(0, "confidence_from", borders)
    table.insert(1, "confidence_to", borders + 0.5 / bins)
    return table.reset_index(drop=True)


def calibration_error(reliability: pd.DataFrame) -> float:
    """Expected calibration error: the mean distance of confidence and share right, each bin by its pairs."""
    distances = (reliability["confidence"] - reliability["share_right"]).abs()
    return float(np.average(distances, weights=reliability["pairs"]))


def length_correlation(margins: pd.DataFrame, unit: Unit) -> float:
    """Correlation of reward and length between the two responses of a pair.

    Both are taken relative to their mean over the pair, so that a prompt whose responses are all long, or all well
    rewarded, counts for nothing. 1: the longer response always has the higher reward; nan: all lengths are equal.

    Args:
        margins: one row per pair.
        unit: of the lengths.
    """
    reward, length = margins["margin"], _length_differences(margins, unit)
    size = math.sqrt(float((reward**2).sum()) * float((length**2).sum()))
    return float((reward * length).sum()) / size if size else math.nan


def longer_is_better(margins: pd.DataFrame, unit: Unit) -> float:
    """Accuracy of a judge that takes the longer response and tosses a coin where both are equally long."""
    length = _length_differences(margins, unit)
    return float(((length > 0) + 0.5 * (length == 0)).mean())


def accuracy_by_rank_distance(margins: pd.DataFrame) -> pd.DataFrame:
    """Accuracy for pairs of neighbouring ranks, for those two ranks apart, and so on, as far as ranks are known.

    Returns:
        Columns rank_distance, pairs, accuracy, stderr.
    """
    ranked = margins[margins["rank_distance"].notna()]
    rows = [
        {
            "rank_distance": distance,
            "pairs": len(pairs),
            "accuracy": accuracy(pairs),
            "stderr": accuracy_stderr(pairs),
        }
        for distance, pairs in ranked.groupby("rank_distance")
    ]
    return pd.DataFrame(rows, columns=["rank_distance", "pairs", "accuracy", "stderr"])


def _length_differences(margins: pd.DataFrame, unit: Unit) -> pd.Series:
    return margins[f"chosen_{unit}"] - margins[f"rejected_{unit}"]
