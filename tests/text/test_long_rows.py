"""Rows in parts: no part is too long, no mark is cut, and together they are the row."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okapi_kedro.text.long_rows import cut_row, join_parts
from okapi_kedro.text.placeholders import protect_row, restore_row, to_translate

PARAGRAPH = "The river is long. It is `x = 1` deep, see https://e.org/a for more! Who knows? " * 4
TEXT = "\n\n".join(f"{number}. {PARAGRAPH.strip()}" for number in range(30))


def put_together(fields: dict[str, str], most_characters: int) -> dict[str, str]:
    parts = cut_row(protect_row(fields), most_characters)
    return join_parts([restore_row(part, to_translate(part)) for part in parts])


@pytest.mark.parametrize("most_characters", [100, 333, 1000, 4000, 100_000])
def test_parts_are_within_the_limit_and_together_are_the_row(most_characters: int) -> None:
    fields = {"instruction": "Shorten the text.", "input": TEXT, "output": TEXT[::2]}
    parts = cut_row(protect_row(fields), most_characters)
    assert all(sum(len(field.masked) for field in part.values()) <= most_characters for part in parts)
    assert put_together(fields, most_characters) == fields
    assert len(parts) == 1 or most_characters < 100_000


def test_a_row_that_fits_stays_whole_and_keeps_its_empty_fields() -> None:
    row = protect_row({"instruction": "Say `x`.", "input": "", "output": "x"})
    assert cut_row(row, 100) == [row]


def test_a_text_is_cut_after_a_paragraph_or_else_a_line_a_sentence_a_word() -> None:
    for end in ("\n\n", "\n", ". ", " "):
        text = ("ab" * 35 + end + "ab" * 10 + " ab") * 5
        parts = cut_row(protect_row({"output": text}), 100)
        assert all(part["output"].masked.endswith(end) for part in parts[:-1]), end


def test_a_row_is_cut_between_its_fields_where_they_fit_alone() -> None:
    fields = {"instruction": "a " * 40, "input": "b " * 40, "output": "c " * 40}
    parts = cut_row(protect_row(fields), 100)
    assert [list(part) for part in parts] == [["instruction"], ["input"], ["output"]]


def test_every_part_has_the_pieces_of_its_own_marks() -> None:
    parts = cut_row(protect_row({"output": "Look at `a` and at `b` and at `c` and at `d` and at `e`. " * 10}), 100)
    assert len(parts) > 3
    for part in parts:
        assert part["output"].masked.count("⟦") == len(part["output"].pieces)
        assert f"⟦{part['output'].first}⟧" in part["output"].masked


def test_json_and_a_word_without_end_stay_in_one_part() -> None:
    json = '{"a": "She reads a very long book about a river.", "b": "He does not read it."}'
    assert len(cut_row(protect_row({"output": json}), 30)) == 1
    assert [len(part["output"].masked) for part in cut_row(protect_row({"output": "x" * 500 + " y"}), 100)] == [501, 1]


@given(st.text(alphabet="a. \n`⟦1⟧好。<b>$", max_size=400), st.integers(5, 60))
def test_any_text_comes_back(text: str, most_characters: int) -> None:
    assert put_together({"input": text, "output": text[::-1]}, most_characters) == {"input": text, "output": text[::-1]}


def test_a_very_long_text_is_cut_in_no_time() -> None:
    words = " ".join("".join(random.Random(1).choices("abc", k=5)) for _ in range(200_000))
    assert join_parts([restore_row(part, to_translate(part)) for part in cut_row(protect_row({"o": words}), 4000)]) == {
        "o": words
    }
