"""The table of languages against table 1 of the paper, and how languages are named on the command line."""

import csv
import unicodedata
from pathlib import Path

import pytest

from okapi_kedro.languages import LANGUAGES, UnknownLanguageError, parse_languages
from okapi_kedro.teacher.offline.phrasebook import phrasebook

PAPER = [
    "ru",
    "de",
    "zh",
    "fr",
    "es",
    "it",
    "nl",
    "vi",
    "id",
    "ar",
    "hu",
    "ro",
    "da",
    "sk",
    "uk",
    "ca",
    "sr",
    "hr",
    "hi",
    "bn",
    "ta",
    "ne",
    "ml",
    "mr",
    "te",
    "kn",
]
TABLE_1 = Path(__file__).parents[2] / "shared" / "data" / "okapi_release" / "languages.csv"


def test_the_facts_are_those_of_the_papers_table_1() -> None:
    if not TABLE_1.exists():
        pytest.skip(f"{TABLE_1} is not on this machine")
    with TABLE_1.open(encoding="utf-8") as file:
        theirs = [
            (
                row["code"],
                row["language"],
                int(row["population_millions"]),
                float(row["commoncrawl_percent"]),
                row["resource_class"],
                row["llama"] == "yes",
            )
            for row in csv.DictReader(file)
        ]
    ours = [
        (each.code, each.name, each.population, each.commoncrawl, each.resource_class, each.llama)
        for each in (LANGUAGES[code] for code in PAPER)
    ]
    assert ours == theirs


def test_there_are_26_languages_beside_english_in_the_papers_three_classes() -> None:
    classes = [LANGUAGES[code].resource_class for code in PAPER]
    assert [classes.count(each) for each in ("high", "medium", "low")] == [8, 11, 7]
    assert sum(LANGUAGES[code].llama for code in PAPER) == 14


def test_the_class_follows_from_the_share_of_commoncrawl() -> None:
    for each in LANGUAGES.values():
        if each.commoncrawl is not None:
            expected = "high" if each.commoncrawl > 1 else "medium" if each.commoncrawl > 0.1 else "low"
            assert each.resource_class == expected, each.code


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_script_is_the_one_that_the_phrasebook_is_written_in(code: str) -> None:
    letters = [letter for text in phrasebook(code).entries["endings"].values() for letter in text if letter.isalpha()]
    written = sum(unicodedata.name(letter).startswith(LANGUAGES[code].script) for letter in letters)
    assert written / len(letters) > 0.95


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ne", ("ne",)),
        ("ne+vi", ("ne", "vi")),
        ("vi + ne", ("vi", "ne")),
        ("ne+ne+vi+ne", ("ne", "vi")),
        ("all", tuple(LANGUAGES)),
    ],
)
def test_languages_are_named_by_their_codes_in_order_and_once(text: str, codes: tuple[str, ...]) -> None:
    assert parse_languages(text) == codes


@pytest.mark.parametrize(
    ("text", "unknown"), [("xx", "xx"), ("ne+xx", "xx"), ("NE", "NE"), ("", ""), ("ne+", ""), ("ne,vi", "ne,vi")]
)
def test_an_unknown_language_is_named_with_the_known_ones_in_one_line(text: str, unknown: str) -> None:
    with pytest.raises(UnknownLanguageError) as raised:
        parse_languages(text)
    message = str(raised.value)
    assert message.startswith(f"unknown language {unknown!r}; known: ar, bn, ")
    assert all(code in message for code in LANGUAGES)
    assert "\n" not in message
