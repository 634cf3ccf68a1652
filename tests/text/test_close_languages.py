"""Words that tell a language from its neighbour."""

import json
from pathlib import Path

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.close_languages import NEIGHBOURS, close_language

SENTENCES: dict[str, list[str]] = json.loads(Path(__file__).with_name("parallel_sentences.json").read_text("utf-8"))


@pytest.mark.parametrize("code", sorted(NEIGHBOURS))
def test_no_word_stands_on_both_sides_and_all_are_lower_case(code: str) -> None:
    neighbour = NEIGHBOURS[code]
    assert code in LANGUAGES
    assert not neighbour.words & neighbour.own_words
    assert all(word == word.lower() for word in neighbour.words | neighbour.own_words)


def test_serbian_in_latin_letters_is_not_croatian() -> None:
    assert close_language(" ".join(SENTENCES["sr-Latn"]).split(), "hr") == "sr"
    assert close_language(" ".join(SENTENCES["hr"]).split(), "hr") is None


def test_malay_is_not_indonesian() -> None:
    malay = "Dia lewat kerana kereta api rosak, jadi dia beritahu bahawa dia mahu pulang sahaja."
    assert close_language(malay.split(), "id") == "ms"
    assert close_language(" ".join(SENTENCES["id"]).split(), "id") is None


def test_one_word_of_the_neighbour_is_no_proof() -> None:
    assert close_language(["Gde", "su"], "hr") is None
    assert close_language(["Gde", "uvek"], "hr") == "sr"


def test_own_words_weigh_against_the_neighbours() -> None:
    assert close_language(["gde", "uvek", "posle", "gdje"], "hr") is None
    assert close_language(["gde", "uvek", "posle", "pre", "gdje"], "hr") == "sr"


def test_a_language_without_a_close_neighbour_is_left_alone() -> None:
    assert close_language(SENTENCES["sr-Latn"][0].split(), "de") is None
