"""The length of translations: usual ones pass in every language, halves and answers do not."""

import pytest

from okapi_kedro.languages import LANGUAGES, Language
from okapi_kedro.text.length_ratio import wrong_length

SENTENCE = "The children are playing in the garden behind the school today. "


@pytest.mark.parametrize(("code", "usual"), [("de", 1.16), ("ar", 0.86), ("ml", 1.22), ("hr", 0.99)])
def test_a_long_text_of_the_usual_length_passes_and_one_of_half_or_twice_of_it_does_not(
    code: str, usual: float
) -> None:
    source = SENTENCE * 10
    characters = round(usual * len(source.replace(" ", "")))
    assert wrong_length(source, "a" * characters, LANGUAGES[code]) is None
    assert wrong_length(source, "a" * (characters // 2), LANGUAGES[code]) == "too short"
    assert wrong_length(source, "a" * (characters * 2), LANGUAGES[code]) == "too long"


def test_a_short_text_may_vary_more_than_a_long_one() -> None:
    assert wrong_length("Hello!", "Selamat siang!", LANGUAGES["id"]) is None
    assert wrong_length("Hello! " * 40, "Selamat siang! " * 40, LANGUAGES["id"]) == "too long"


def test_a_chinese_character_counts_as_several_letters_on_either_side() -> None:
    assert wrong_length("Name the capital of Nepal.", "说出尼泊尔的首都。", LANGUAGES["zh"]) is None
    assert wrong_length("说出尼泊尔的首都。", "Name the capital of Nepal.", LANGUAGES["en"]) is None
    assert wrong_length(SENTENCE * 10, "孩子们今天在学校后面的花园里玩耍。" * 10, LANGUAGES["zh"]) is None
    assert wrong_length(SENTENCE * 10, "孩子们今天在学校后面的花园里玩耍。" * 4, LANGUAGES["zh"]) == "too short"


def test_a_language_without_its_own_figures_has_those_of_its_script() -> None:
    unknown = Language("xx", "Unknown", "TAMIL", None, None, "low", False)
    source = SENTENCE * 20
    letters = len(source.replace(" ", ""))
    assert wrong_length(source, "அ" * round(1.75 * letters), unknown) is None
    unknown_latin = Language("xx", "Unknown", "LATIN", None, None, "low", False)
    assert wrong_length(source, "a" * round(1.75 * letters), unknown_latin) == "too long"


def test_signs_without_blanks_and_single_characters_have_a_length() -> None:
    assert wrong_length("?", "？", LANGUAGES["zh"]) is None
    assert wrong_length("⟦", "⟦", LANGUAGES["ne"]) is None
    assert wrong_length("A", "अ" * 5000, LANGUAGES["ne"]) == "too long"
