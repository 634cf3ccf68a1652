"""Checks on translations: each finds its own fault, and right translations pass in every script."""

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.phrasebook import phrasebook
from okapi_kedro.text.translation_checks import failed_check, left_in_english


@pytest.mark.parametrize(
    ("language", "source", "translated"),
    [
        ("ne", "Name the capital of Nepal.", "नेपालको राजधानीको नाम भन्नुहोस्।"),
        ("de", "Name the capital of Nepal.", "Nennen Sie die Hauptstadt von Nepal."),
        ("zh", "Name the capital of Nepal.", "说出尼泊尔的首都。"),
        ("ar", "Name the capital of Nepal.", "اذكر عاصمة نيبال."),
        ("ru", "Run `print(2)` twice.", "Запустите `print(2)` дважды."),
        ("ru", "Use ```python\nx = 1\n``` and `y`.", "Используйте `y` и ```python\nx = 1\n```."),
        ("ne", "Add 12 and 7.", "१२ र ७ जोड्नुहोस्।"),
        ("ar", "Pi is 3.14.", "باي يساوي ٣٫١٤."),
        ("de", "It cost 2,000.50 in 1999.", "Es kostete 1999 genau 2.000,50."),
        ("fr", "It cost 2,000.50.", "Cela a coûté 2 000,50."),
        ("hi", "", ""),
        ("hi", "  ", ""),
        ("hi", "42", "42"),
        ("hi", "42", "४२"),
        ("hi", "E = mc²", "E = mc²"),
        ("ne", "Felis catus", "Felis catus"),
        ("ne", "Is GPT-4 better than BERT?", "के GPT-4 BERT भन्दा राम्रो छ?"),
        ("zh", "?!", "？！"),
    ],
)
def test_a_right_translation_passes(language: str, source: str, translated: str) -> None:
    assert failed_check(source, translated, LANGUAGES[language]) is None


@pytest.mark.parametrize(
    ("language", "source", "translated", "check"),
    [
        ("ne", "Hello.", "", "empty stays empty"),
        ("ne", "Hello.", " \n", "empty stays empty"),
        ("ne", "", "नमस्ते", "empty stays empty"),
        ("de", "Run `print(2)`.", "Führe `drucke(2)` aus.", "code kept"),
        ("de", "Run `print(2)`.", "Führe print(2) aus.", "code kept"),
        ("de", "Run `a` and `a`.", "Führe `a` aus.", "code kept"),
        ("de", "Run ```\nx = 1\n```", "Führe ```\nx = 2\n``` aus", "code kept"),
        ("de", "Hello.", "`Hallo`.", "code kept"),
        ("ne", "Add 12 and 7.", "१२ र ८ जोड्नुहोस्।", "numbers kept"),
        ("ne", "Add 7 and 7.", "७ जोड्नुहोस्।", "numbers kept"),
        ("de", "It is 2.5 m.", "Es sind 25 m.", "numbers kept"),
        ("de", "Some of them.", "2 davon.", "numbers kept"),
        ("ne", "Name the capital.", "Nennen Sie die Hauptstadt.", "script"),
        ("ne", "Name the capital.", "说出首都。", "script"),
        ("zh", "Name the capital.", "राजधानीको नाम भन्नुहोस्।", "script"),
        ("de", "Name the capital.", "Назовите столицу.", "script"),
        ("sr", "Name the capital.", "Navedite glavni grad.", "script"),
        ("ne", "Use `x` here now.", "Use `x` right here now.", "script"),
    ],
)
def test_a_wrong_translation_fails_its_check(language: str, source: str, translated: str, check: str) -> None:
    assert failed_check(source, translated, LANGUAGES[language]) == check


def test_numbers_and_letters_inside_code_are_not_looked_at_twice() -> None:
    assert failed_check("Run `f(1)`.", "`f(1)` चलाउनुहोस्।", LANGUAGES["ne"]) is None
    assert failed_check("Run `averylongname(1, 2, 3)`.", "`averylongname(1, 2, 3)` चला", LANGUAGES["ne"]) is None


def test_half_of_the_letters_in_the_script_are_enough_and_fewer_are_not() -> None:
    assert failed_check("x", "abcd рука", LANGUAGES["ru"]) is None
    assert failed_check("x", "abcde рука", LANGUAGES["ru"]) == "script"


@pytest.mark.parametrize("code", sorted(set(LANGUAGES) - {"en"}))
def test_the_phrasebooks_sentences_pass_in_their_own_language_and_fail_in_another_script(code: str) -> None:
    english, book = phrasebook("en").entries["endings"], phrasebook(code).entries["endings"]
    own, other = LANGUAGES[code], LANGUAGES["de" if code == "ta" else "ta"]
    for key, text in english.items():
        assert failed_check(text, book[key], own) is None, key
        assert failed_check(text, book[key], other) == "script", key


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Name the capital.", True),
        ("What is it", True),
        ("Translate", False),
        ("3 + 4 = ?", False),
        ("`print(the long code)`", False),
        ("x = y", False),
        ("", False),
    ],
)
def test_an_unchanged_instruction_is_left_in_english_when_it_has_words(text: str, left: bool) -> None:
    assert left_in_english(text, text, LANGUAGES["de"]) is left
    assert not left_in_english(text, f"{text} etc.", LANGUAGES["de"])


@pytest.mark.parametrize(("text", "left"), [("Calculate: 3 + 4", True), ("3 + 4 = ?", False), ("x = y", False)])
def test_in_another_script_one_unchanged_word_is_enough(text: str, left: bool) -> None:
    assert left_in_english(text, text, LANGUAGES["ne"]) is left


def test_words_that_stand_in_the_source_may_stay_in_its_script() -> None:
    assert failed_check("dog: canis, cat: feles", "कुकुर: canis, बिरालो: feles", LANGUAGES["ne"]) is None
    assert failed_check("dog: canis, cat: feles", "der Hund: canis", LANGUAGES["ne"]) == "script"
