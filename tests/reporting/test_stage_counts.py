"""Counts of stages and reasons for rejections."""

import pandas as pd
import pytest

from okapi_kedro.reporting.stage_counts import rejections, stage_row


def table(*reasons: str, raw: list[str] | None = None) -> pd.DataFrame:
    rows = pd.DataFrame({"id": [f"row-{place}" for place in range(len(reasons))], "reason": list(reasons)}, dtype="str")
    return rows if raw is None else rows.assign(raw=raw)


def test_a_stage_that_adds_up_is_a_row() -> None:
    expected = {"stage": "sft", "in": 10, "kept": 7, "rejected": 3, "seconds": 1.5}
    assert stage_row("sft", 10, 7, 3, 1.5) == expected


@pytest.mark.parametrize(("taken", "kept", "rejected"), [(10, 7, 2), (10, 8, 3), (0, 0, 1)])
def test_a_stage_that_lost_or_invented_rows_is_named(taken: int, kept: int, rejected: int) -> None:
    with pytest.raises(ValueError, match=f"ranking.*{taken}.*{kept}.*{rejected}"):
        stage_row("ranking", taken, kept, rejected, 0.0)


def test_equal_reasons_are_counted_per_stage_with_the_first_raw_text() -> None:
    tables = {
        "generation": table("too short", "near-duplicate", "near-duplicate", raw=["a", "b", "c"]),
        "translation": table("near-duplicate", raw=["d"]),
    }
    assert rejections(tables).to_dict("records") == [
        {"stage": "generation", "reason": "near-duplicate", "count": 2, "example": "b"},
        {"stage": "generation", "reason": "too short", "count": 1, "example": "a"},
        {"stage": "translation", "reason": "near-duplicate", "count": 1, "example": "d"},
    ]


def test_reasons_that_differ_in_numbers_are_one_reason_with_the_range_of_what_differs() -> None:
    lengths = rejections(
        {"sft": table("65 tokens, longer than 64", "9 tokens, longer than 64", "120 tokens, longer than 64")}
    )
    assert lengths[["reason", "count"]].to_numpy().tolist() == [["9–120 tokens, longer than 64", 3]]


def test_numbers_that_are_always_the_same_stand_as_they_are() -> None:
    reason = "not each of the responses 1 to 4 once"
    assert rejections({"ranking": table(reason, reason)})["reason"].tolist() == [reason]


def test_a_stage_without_raw_texts_has_an_empty_example() -> None:
    assert rejections({"rl": table("too long")})["example"].tolist() == [""]


def test_rows_keep_their_raw_text_whatever_their_index() -> None:
    rows = table("a", "b", "b", raw=["first", "second", "third"]).iloc[[2, 0]]
    assert rejections({"x": rows})["example"].tolist() == ["third", "first"]


@pytest.mark.parametrize("tables", [{}, {"seeds": table(raw=[]), "rl": table()}])
def test_no_rejection_is_an_empty_table_with_all_columns(tables: dict[str, pd.DataFrame]) -> None:
    empty = rejections(tables)
    assert empty.columns.tolist() == ["stage", "reason", "count", "example"]
    assert len(empty) == 0
    assert empty["count"].dtype == "int64"


def test_the_given_tables_stay_as_they_are() -> None:
    given = table("5 tokens", "6 tokens", raw=["a", "b"])
    before = given.copy()
    rejections({"sft": given})
    pd.testing.assert_frame_equal(given, before)
