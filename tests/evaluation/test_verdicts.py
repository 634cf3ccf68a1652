"""Win rates and the judge's love of places, from verdicts in both orders."""

import math
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.evaluation.verdicts import agreed, win_rates
from okapi_kedro.evaluation.win_rate import win_rate_interval


def verdicts(*said: tuple[str, str], identical: int = 0, model: str = "sft", rival: str = "base") -> pd.DataFrame:
    """A table of what was said when the model's response came first, and second; and some equal responses."""
    pairs = [(*each, False) for each in said] + [("tie", "tie", True)] * identical
    rows: list[dict[str, Any]] = [
        {
            "id": f"row-{number}",
            "model": model,
            "rival": rival,
            "verdict": agreed(first, second),  # type: ignore[arg-type]
            "identical": equal,
            "shown_first": first,
            "shown_second": second,
        }
        for number, (first, second, equal) in enumerate(pairs)
    ]
    return schemas.Verdicts.validate(pd.DataFrame(rows))


def only_row(table: pd.DataFrame) -> dict[str, Any]:
    schemas.WinRates.validate(table)
    [row] = table.to_dict("records")
    return row


@pytest.mark.parametrize("verdict", ["win", "tie", "loss"])
def test_two_orders_that_agree_are_that_verdict_and_others_a_tie(verdict: Any) -> None:
    assert agreed(verdict, verdict) == verdict
    for other in {"win", "tie", "loss"} - {verdict}:
        assert agreed(verdict, other) == agreed(other, verdict) == "tie"  # type: ignore[arg-type]


def test_wins_ties_and_losses_are_counted_and_rated() -> None:
    said = [("win", "win")] * 5 + [("loss", "loss")] * 2 + [("win", "tie")] + [("tie", "tie")]
    row = only_row(win_rates(verdicts(*said, identical=1)))
    assert (row["n"], row["wins"], row["ties"], row["losses"]) == (10, 5, 3, 2)
    assert row["win_rate"] == 0.65
    assert (row["low"], row["high"]) == win_rate_interval(5, 3, 2)
    # 2 (1 + 7 + 21) / 2^7: the tails of seven throws of a coin.
    assert row["p_value"] == pytest.approx(2 * 29 / 128)


def test_a_judge_that_takes_what_comes_first_is_found_out_and_decides_nothing() -> None:
    row = only_row(win_rates(verdicts(*[("win", "loss")] * 6, identical=2)))
    assert (row["wins"], row["ties"], row["losses"], row["win_rate"]) == (0, 8, 0, 0.5)
    assert (row["judged"], row["changed"], row["first_preferred"]) == (6, 1.0, 1.0)


def test_a_judge_that_takes_what_comes_last_is_found_out_too() -> None:
    assert only_row(win_rates(verdicts(*[("loss", "win")] * 6)))["first_preferred"] == 0.0


def test_a_fair_judge_prefers_the_first_half_of_the_time_and_ties_are_no_preference() -> None:
    row = only_row(win_rates(verdicts(("win", "win"), ("loss", "loss"), ("tie", "tie"), ("tie", "win"))))
    assert row["changed"] == 0.25
    assert row["first_preferred"] == pytest.approx(2 / 5)


def test_equal_responses_say_nothing_of_the_judge() -> None:
    row = only_row(win_rates(verdicts(identical=3)))
    assert (row["n"], row["ties"], row["judged"]) == (3, 3, 0)
    assert math.isnan(row["changed"])
    assert math.isnan(row["first_preferred"])


def test_each_pair_of_models_has_a_row_of_its_own_in_the_order_of_the_table() -> None:
    table = pd.concat([verdicts(("win", "win"), model="sft"), verdicts(("loss", "loss"), model="rlhf", rival="sft")])
    assert win_rates(table)[["model", "rival", "wins", "losses"]].to_numpy().tolist() == [
        ["sft", "base", 1, 0],
        ["rlhf", "sft", 0, 1],
    ]


def test_no_verdicts_are_no_rows_with_the_right_columns() -> None:
    assert len(schemas.WinRates.validate(win_rates(verdicts(("win", "win")).head(0)))) == 0
