"""Which generated instructions are dropped, and under which name."""

import pytest
from pydantic import ValidationError

from okapi_kedro.text.instruction_filters import InstructionFilters, reason_to_drop

FILTERS = InstructionFilters(
    shortest=3, longest=10, unsuitable_words=["image", "Map"], unsuitable_openings=["Write a program"]
)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Name the capital of Nepal", None),
        ("Name three rivers", "too short"),
        ("Name three long rivers", None),
        ("Name   three\trivers\n", "too short"),
        ("one two three four five six seven eight nine ten", None),
        ("one two three four five six seven eight nine ten eleven", "too long"),
        ("Write a program that sorts numbers", "unsuitable opening"),
        ("Please do write a program today", None),
        ("Describe what the Image shows", "unsuitable word"),
        ("Draw me a map, please", "unsuitable word"),
        ("Describe the imagery of this poem", None),
        ("Explain how mapping is done", None),
        ('"Hello" - who said that', "opens with punctuation"),
        ("- name the capital of Nepal", "opens with punctuation"),
        ("Élan: what does it mean", "opens with a non-ASCII character"),
        ("नेपालको राजधानी कुन हो भन", "opens with a non-ASCII character"),
        ("7 times 8 is what", None),
        ("", "too short"),
        ("   ", "too short"),
    ],
)
def test_an_instruction_is_dropped_for_the_filter_that_it_fails(instruction: str, reason: str | None) -> None:
    assert reason_to_drop(instruction, FILTERS) == reason


def test_a_filter_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValidationError, match="unsuitable_word"):
        InstructionFilters(shortest=1, longest=2, unsuitable_word=[], unsuitable_openings=[])
