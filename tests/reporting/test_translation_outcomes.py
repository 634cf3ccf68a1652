"""What became of the rows that were to be translated, in a table and in charts."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from markupsafe import Markup

from okapi_kedro import schemas
from okapi_kedro.reporting.translation_outcomes import (
    attempts_chart,
    rejection_chart,
    rejection_rows,
    rejection_share_chart,
    translation_outcomes,
)

EVIL = '</title><script>alert("1")</script>&'


def kept(instructions: list[int], benchmark_rows: int = 0) -> dict[str, pd.DataFrame]:
    return {
        "instructions": pd.DataFrame({"id": range(len(instructions)), "attempts": instructions}),
        "arc": pd.DataFrame({"id": range(benchmark_rows)}),
    }


def rejected(**reasons: list[str]) -> dict[str, pd.DataFrame]:
    return {table: pd.DataFrame({"reason": each}, dtype="str") for table, each in reasons.items()}


def records(table: pd.DataFrame) -> set[tuple[object, ...]]:
    return set(table.itertuples(index=False, name=None))


def pieces(chart: Markup) -> list[str]:
    """What a pointer reads off the pieces of the bars."""
    titles = [element.find("title") for element in ElementTree.fromstring(str(chart)).iter("rect")]
    return [title.text or "" for title in titles if title is not None]


OUTCOMES = translation_outcomes(
    kept([1] * 80 + [2] * 10, 7),
    rejected(
        instructions=["output: script"] * 6 + ["instruction: script", "no JSON object"] * 2,
        arc=["option_a: numbers kept", "two options became equal", "output: script"],
    ),
)


def test_rows_are_counted_by_attempts_and_by_reason_without_its_field() -> None:
    schemas.TranslationOutcomes.validate(OUTCOMES)
    assert records(OUTCOMES) == {
        ("instructions", 1, "", "", 80),
        ("instructions", 2, "", "", 10),
        ("arc", 0, "", "", 7),
        ("instructions", 0, "script", "output", 6),
        ("instructions", 0, "script", "instruction", 2),
        ("instructions", 0, "no JSON object", "", 2),
        ("arc", 0, "numbers kept", "option_a", 1),
        ("arc", 0, "two options became equal", "", 1),
        ("arc", 0, "script", "output", 1),
    }


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("output: too short", ("too short", "output")),
        ("ending_3: script", ("script", "ending_3")),
        ("broken JSON: Expecting value: line 1 (char 4)", "broken JSON: Expecting value: line … (char …)"),
        ("310 tokens, longer than 2.5", "… tokens, longer than …"),
        ("output:", "output:"),
        ("वाक्य: छोटो", "वाक्य: छोटो"),
        (EVIL, '</title><script>alert("…")</script>&'),
    ],
)
def test_reasons_that_differ_in_field_or_numbers_alone_are_one(reason: str, expected: str | tuple[str, str]) -> None:
    table = translation_outcomes({}, rejected(instructions=[reason, reason]))
    found = table.loc[0, ["reason", "field"]].tolist()
    assert (found, table.loc[0, "rows"]) == (list(expected) if isinstance(expected, tuple) else [expected, ""], 2)


def test_nothing_to_translate_is_an_empty_table_and_no_chart() -> None:
    table = translation_outcomes(kept([]), rejected(instructions=[]))
    schemas.TranslationOutcomes.validate(table)
    assert len(table) == 0
    assert rejection_rows(table) == []
    assert not rejection_chart(table)
    assert not attempts_chart({"Nepali": table})
    assert not rejection_share_chart({"Nepali": table})
    assert not rejection_share_chart({})
    assert not attempts_chart({})


def test_the_chart_of_reasons_tells_tables_and_fields() -> None:
    chart = rejection_chart(OUTCOMES)
    assert pieces(chart) == [
        "script (9), instructions: 8 (output 6, instruction 2)",
        "script (9), ARC: 1 (output 1)",
        "no JSON object (2), instructions: 2",
        "numbers kept (1), ARC: 1 (option_a 1)",
        "two options became equal (1), ARC: 1",
    ]


def test_the_table_of_reasons_begins_with_the_most_frequent() -> None:
    rows = rejection_rows(OUTCOMES)
    assert [(row["reason"], row["counts"]) for row in rows][:2] == [
        ("script", [8, 1, 0, 0]),
        ("no JSON object", [2, 0, 0, 0]),
    ]
    assert rows[0]["fields"] == "output 7, instruction 2"


def test_rare_reasons_stand_together_and_no_row_is_lost() -> None:
    many = [f"reason {chr(97 + place)}" for place in range(20) for _ in range(20 - place)]
    outcomes = translation_outcomes(kept([1] * 790), rejected(instructions=many))
    found = pieces(rejection_chart(outcomes))
    assert len(found) == 12
    assert found[-1].startswith("other reasons (45)")
    assert sum(int(re.findall(r": (\d+)", piece)[0]) for piece in found) == 210
    shares = pieces(rejection_share_chart({"Nepali": outcomes}))
    assert len(shares) == 6
    assert shares[-1].startswith("Nepali 21.0 %, other reasons: ")
    assert all(piece.startswith("Nepali 21.0 %") for piece in shares)


def test_attempts_are_shares_of_all_instructions_the_rejected_included() -> None:
    assert pieces(attempts_chart({"Nepali": OUTCOMES})) == [
        "Nepali, attempt 1: 80.0 %, 80 of 100",
        "Nepali, attempt 2: 10.0 %, 10 of 100",
        "Nepali, rejected: 10.0 %, 10 of 100",
    ]


def test_late_attempts_stand_together_and_languages_keep_one_order_of_colours() -> None:
    late = translation_outcomes(kept([3, 5, 6, 9]), {})
    found = pieces(attempts_chart({"Nepali": late, "Tamil": OUTCOMES}))
    assert "Nepali, attempt 5 or later: 75.0 %, 3 of 4" in found
    names = list(dict.fromkeys(piece.split(", ")[1].split(":")[0] for piece in found))
    assert names == ["attempt 1", "attempt 2", "attempt 3", "attempt 5 or later", "rejected"]


def test_a_table_of_which_nobody_was_asked_has_no_bar_of_attempts() -> None:
    english = translation_outcomes(kept([0, 0], 3), rejected(instructions=["output: empty"]))
    assert pieces(attempts_chart({"English": english, "Nepali": OUTCOMES}))[0].startswith("Nepali")
    assert not attempts_chart({"English": english})


def test_a_reason_cannot_become_markup() -> None:
    table = OUTCOMES.assign(reason=OUTCOMES["reason"].where(OUTCOMES["reason"] == "", EVIL), field=EVIL)
    for chart in (rejection_chart(table), rejection_share_chart({EVIL: table}), attempts_chart({EVIL: OUTCOMES})):
        assert "<script" not in chart
        assert EVIL in " ".join(pieces(chart))
