"""Lengths of prompts and outputs beside their English originals."""

import math
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.reporting.text_lengths import count_tokens, length_rows, text_lengths
from okapi_kedro.text.tokens import unicode_tokens

UGLY = [
    "",
    "  \n\t ",
    "x" * 20_000,
    "नेपालको राजधानी काठमाडौं हो।",
    "苹果、狗、桌子 2015年",
    "สวัสดี ชาวโลก\u0e31",
    "e\u0301le\u0301phant \u0301lone  ﬁne ½ ①②",
    "\x1cone\x1dtwo\u2028three\u00a0four\u3000five\u200bsix",
    "カ\u3099\u0345ガ\u0345a ß İstanbul ŉ",
    "<script>`code_1`</script> don't 3.14",
    "👩‍👩‍👧 ok \ufeff\ud7a3",
    "ក្រុង ပြည် ລາວ",
]


def rows(*texts: tuple[str, str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(texts, columns=["id", "split", "instruction", "input", "output"]).astype("str")


TRANSLATED = rows(
    ("a", "sft", "चार शब्द छन् यहाँ", "", "एक"),
    ("b", "sft", "दुई शब्द", "तीन शब्द छन्", "दुई शब्द छ"),
    ("c", "rl", "एक", "", ""),
)
ENGLISH = rows(
    ("c", "", "One", "", "Two words"),
    ("z", "", "Never translated " * 50, "", "x"),
    ("b", "", "Two words", "", "One"),
    ("a", "", "Four words are here", "and more", "Word"),
)


def cell(table: pd.DataFrame, part: str, text: str, unit: str) -> dict[str, Any]:
    [found] = table[(table["part"] == part) & (table["text"] == text) & (table["unit"] == unit)].to_dict("records")
    return found


@pytest.mark.parametrize("text", UGLY)
def test_tokens_are_counted_as_unicode_tokens_cuts_them(text: str) -> None:
    assert count_tokens([text, text]) == [len(unicode_tokens(text))] * 2


def test_tokens_of_many_texts_are_those_of_each() -> None:
    assert count_tokens(UGLY) == [len(unicode_tokens(text)) for text in UGLY]
    assert count_tokens([]) == []


def test_means_are_over_the_rows_of_each_part_beside_the_same_rows_in_english() -> None:
    table = text_lengths(TRANSLATED, ENGLISH)
    everything = cell(table, "all", "prompt", "tokens")
    assert everything["rows"] == 3
    assert everything["mean"] == pytest.approx((4 + 5 + 1) / 3)
    assert everything["english_mean"] == pytest.approx((6 + 2 + 1) / 3)
    assert everything["ratio"] == pytest.approx(10 / 9)
    sft = cell(table, "sft", "output", "characters")
    assert (sft["rows"], sft["mean"], sft["english_mean"]) == (2, (2 + 10) / 2, (4 + 3) / 2)
    assert sft["ratio"] == pytest.approx(12 / 7)
    assert cell(table, "sft", "prompt", "characters")["english_mean"] == (19 + 8 + 9) / 2
    schemas.TextLengths.validate(table)


def test_an_empty_part_has_no_mean_and_an_empty_original_no_ratio() -> None:
    table = text_lengths(TRANSLATED, ENGLISH.assign(output=""))
    ranking = cell(table, "ranking", "prompt", "tokens")
    assert ranking["rows"] == 0
    assert math.isnan(ranking["mean"])
    assert math.isnan(ranking["ratio"])
    output = cell(table, "all", "output", "tokens")
    assert output["english_mean"] == 0
    assert math.isnan(output["ratio"])
    schemas.TextLengths.validate(table)


def test_rows_without_an_original_count_in_the_mean_and_not_in_the_ratio() -> None:
    table = text_lengths(TRANSLATED, ENGLISH[ENGLISH["id"] != "a"])
    found = cell(table, "all", "prompt", "tokens")
    assert found["mean"] == pytest.approx(10 / 3)
    assert found["english_mean"] == pytest.approx(1.5)
    assert found["ratio"] == pytest.approx((5 + 1) / (2 + 1))


@pytest.mark.parametrize(("translated", "english"), [(TRANSLATED, ENGLISH.head(0)), (TRANSLATED.head(0), ENGLISH)])
def test_without_originals_or_without_rows_there_is_a_table(translated: pd.DataFrame, english: pd.DataFrame) -> None:
    table = text_lengths(translated, english)
    assert len(table) == 16
    assert table["ratio"].isna().all()
    schemas.TextLengths.validate(table)


def test_english_is_as_long_as_itself() -> None:
    ratios = text_lengths(ENGLISH.assign(split="rl"), ENGLISH)
    assert set(ratios.loc[ratios["part"].isin(["all", "rl"]), "ratio"]) == {1.0}


def test_the_pages_show_a_cell_for_each_measure() -> None:
    table = text_lengths(TRANSLATED, ENGLISH)
    shown = length_rows({str(part): rows for part, rows in table.groupby("part", sort=False)})
    assert [(row["label"], row["rows"], len(row["cells"])) for row in shown] == [
        ("all", 3, 4),
        ("sft", 2, 4),
        ("ranking", 0, 4),
        ("rl", 1, 4),
    ]
