"""Figures of held-out margins, against numbers by hand and against margins whose truth is known."""

import math

import numpy as np
import pandas as pd
import pytest

from okapi_kedro.training.calibration import (
    accuracy,
    accuracy_by_rank_distance,
    accuracy_stderr,
    calibration_error,
    length_correlation,
    longer_is_better,
    reliability,
)


def margins(values: list[float], ids: list[str] | None = None, **columns: list[object]) -> pd.DataFrame:
    """One pair for each margin, each of its own prompt unless told otherwise."""
    rows = {"id": ids or [f"row-{n}" for n in range(len(values))], "margin": values, **columns}
    return pd.DataFrame(rows).astype({"margin": "float64"})


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def test_accuracy_counts_the_margins_above_zero_and_no_equal_rewards() -> None:
    assert accuracy(margins([2.0, 0.1, -0.1, 0.0])) == 0.5


def test_with_one_pair_per_prompt_the_error_is_that_of_a_share() -> None:
    """7 of 10 right: sqrt(0.7 * 0.3 / 9)."""
    assert accuracy_stderr(margins([1.0] * 7 + [-1.0] * 3)) == pytest.approx(math.sqrt(0.21 / 9))


def test_pairs_that_only_repeat_their_prompt_make_the_error_no_smaller() -> None:
    """Each prompt's pairs all right or all wrong: as uncertain as one pair per prompt."""
    once = margins([1.0, 1.0, -1.0, 1.0])
    sixfold = margins([m for m in once["margin"] for _ in range(6)], [i for i in once["id"] for _ in range(6)])
    assert accuracy_stderr(sixfold) == pytest.approx(accuracy_stderr(once))


def test_a_single_prompt_has_no_error() -> None:
    assert math.isnan(accuracy_stderr(margins([1.0, -1.0], ["row", "row"])))


def test_each_bin_compares_what_the_model_believes_with_what_is_so() -> None:
    """Confidences 0.6, 0.6, 0.64 and 0.97 in five bins: the first three lie between 0.6 and 0.7."""
    table = reliability(margins([logit(0.601), -logit(0.601), logit(0.64), -logit(0.97)]), bins=5)
    assert table["confidence_from"].tolist() == pytest.approx([0.6, 0.9])
    assert table["confidence_to"].tolist() == pytest.approx([0.7, 1.0])
    assert table["pairs"].tolist() == [3, 1]
    assert table["confidence"].tolist() == pytest.approx([(0.601 + 0.601 + 0.64) / 3, 0.97])
    assert table["share_right"].tolist() == pytest.approx([2 / 3, 0.0])
    assert calibration_error(table) == pytest.approx(0.75 * (2 / 3 - 0.614) + 0.25 * 0.97)


@pytest.mark.parametrize(("margin", "confidence"), [(0.0, 0.5), (1e4, 1.0), (-1e4, 1.0), (float("inf"), 1.0)])
def test_no_margin_is_too_small_or_too_large_for_a_bin(margin: float, confidence: float) -> None:
    table = reliability(margins([margin]))
    assert (table["pairs"].tolist(), table["confidence"].tolist()) == ([1], [confidence])


@pytest.mark.parametrize(("stretch", "low", "high"), [(1.0, 0.0, 0.015), (4.0, 0.15, 0.3)])
def test_margins_that_are_log_odds_are_calibrated_and_stretched_ones_are_not(
    stretch: float, low: float, high: float
) -> None:
    """40,000 pairs whose order is drawn with probability sigmoid(margin)."""
    draw = np.random.default_rng(0)
    odds = np.abs(draw.normal(0, 1, 40_000))
    right = draw.random(len(odds)) < 1 / (1 + np.exp(-odds))
    error = calibration_error(reliability(margins(list(np.where(right, odds, -odds) * stretch))))
    assert low <= error < high


def lengths(values: list[float], chosen: list[int], rejected: list[int]) -> pd.DataFrame:
    return margins(values, chosen_tokens=chosen, rejected_tokens=rejected)


def test_reward_and_length_that_rise_together_correlate_wholly() -> None:
    assert length_correlation(lengths([1.0, -2.0], [12, 1], [11, 3]), "tokens") == pytest.approx(1)
    assert length_correlation(lengths([1.0, -2.0], [11, 3], [12, 1]), "tokens") == pytest.approx(-1)


def test_the_correlation_is_pearsons_of_what_deviates_from_each_pairs_mean() -> None:
    """Rewards 2, 1 and 0, 3 of lengths 5, 1 and 7, 6: deviations 0.5, -0.5, -1.5, 1.5 with 2, -2, 0.5, -0.5."""
    expected = np.corrcoef([0.5, -0.5, -1.5, 1.5], [2, -2, 0.5, -0.5])[0, 1]
    assert length_correlation(lengths([1.0, -3.0], [5, 7], [1, 6]), "tokens") == pytest.approx(expected)


def test_a_prompt_with_long_responses_of_high_reward_says_nothing() -> None:
    assert math.isnan(length_correlation(lengths([1.0, 2.0], [5, 500], [5, 500]), "tokens"))


def test_taking_the_longer_response_is_right_by_half_where_both_are_as_long() -> None:
    assert longer_is_better(lengths([1.0] * 4, [5, 5, 3, 3], [4, 6, 3, 1]), "tokens") == pytest.approx(2.5 / 4)


def test_accuracy_by_rank_distance_leaves_pairs_without_ranks_out() -> None:
    distances = pd.array([1, 2, 1, None], dtype="Int64")
    table = accuracy_by_rank_distance(margins([1.0, 1.0, -1.0, -1.0], rank_distance=list(distances)))
    assert table["rank_distance"].tolist() == [1, 2]
    assert table["pairs"].tolist() == [2, 1]
    assert table["accuracy"].tolist() == [0.5, 1.0]
    assert table["stderr"].tolist() == pytest.approx([0.5, math.nan], nan_ok=True)


def test_without_any_rank_there_is_an_empty_table() -> None:
    unranked = margins([1.0]).assign(rank_distance=pd.array([None], dtype="Int64"))
    assert accuracy_by_rank_distance(unranked).columns.tolist() == ["rank_distance", "pairs", "accuracy", "stderr"]
    assert accuracy_by_rank_distance(unranked).empty
