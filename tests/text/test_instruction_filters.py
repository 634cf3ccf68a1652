"""Which generated instructions are dropped, and under which name."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from okapi_kedro.text.instruction_filters import InstructionFilters, reason_to_drop

FILTERS = InstructionFilters(
    shortest=3, longest=10, unsuitable_words=["image", "Map", "go to"], unsuitable_openings=["Write a program"]
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
        ("write a Program  that sorts", "unsuitable opening"),
        ("  Write a program that sorts", "unsuitable opening"),
        ("Write a programme for the concert", "unsuitable opening"),
        ("Write a poem about spring", None),
        ("Describe two images, one by one", None),
        ("What makes an image-based test hard", "unsuitable word"),
        ("Is this the image?", "unsuitable word"),
        ("Use snake case for image_size please", None),
        ("Where do children go  to in summer", "unsuitable word"),
        ("They go together like a pair", None),
        ("  \u201cHello\u201d - who said that", "opens with punctuation"),
        ("\u00bfWhat does the word mean", "opens with punctuation"),
        ("\u2014 name the capital of Nepal", "opens with punctuation"),
        ("$5 and $7 make how much", "opens with punctuation"),
        ("<b>Name</b> the capital of Nepal", "opens with punctuation"),
        ("\u20ac5 and \u20ac7 make how much", "opens with a non-ASCII character"),
        ("\U0001f600 means what in a letter", "opens with a non-ASCII character"),
        ("", "too short"),
        ("   ", "too short"),
    ],
)
def test_an_instruction_is_dropped_for_the_filter_that_it_fails(instruction: str, reason: str | None) -> None:
    assert reason_to_drop(instruction, FILTERS) == reason


def test_a_filter_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValidationError, match="unsuitable_word"):
        InstructionFilters(shortest=1, longest=2, unsuitable_word=[], unsuitable_openings=[])


ALPACA_WORDS = (
    "image images graph graphs picture pictures file files map maps draw plot video audio music flowchart diagram"
)


@pytest.mark.parametrize("word", [*ALPACA_WORDS.split(), "go to"])
def test_the_projects_filters_hold_every_word_of_alpacas_script(word: str) -> None:
    file = Path(__file__).parents[2] / "conf/base/parameters_generation.yml"
    filters = InstructionFilters(**yaml.safe_load(file.read_text())["generation"]["filters"])
    assert reason_to_drop(f"Please tell me about {word.upper()} at length", filters) == "unsuitable word"
    assert reason_to_drop(" ".join(["word"] * 3), filters) == "too short"
    assert reason_to_drop(" ".join(["word"] * 4), filters) is None
    assert reason_to_drop(" ".join(["word"] * 150), filters) is None
    assert reason_to_drop(" ".join(["word"] * 151), filters) == "too long"


@pytest.mark.parametrize("borders", [{"shortest": -1}, {"longest": -1}])
def test_a_negative_border_is_refused(borders: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        InstructionFilters(
            **{"shortest": 3, "longest": 10, "unsuitable_words": [], "unsuitable_openings": [], **borders}
        )
