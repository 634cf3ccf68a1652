"""Numbers: every way to write one passes, every other number is found."""

import re

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.number_check import numbers_changed
from okapi_kedro.text.number_words import spoken_numbers


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ("Add 12 and 7.", "१२ र ७ जोड्नुहोस्।"),
        ("Pi is 3.14.", "باي يساوي ٣٫١٤."),
        ("It cost 2,000.50 in 1999.", "Es kostete 1999 genau 2.000,50."),
        ("It cost 2,000.50.", "Cela a coûté 2 000,50."),
        ("About 230,000 in 1990 or 1991", "1990 या 1991 में लगभग 2,30,000"),
        ("37 million people", "3700万人"),
        ("10,000 people", "1万人"),
        ("505 million years ago", "5.05亿年前"),
        ("2.5 million", "25 लाख"),
        ("There are two over 12.", "12以上有2个"),
        ("two million blocks", "200万块"),
        ("on May 22nd, 1960", "1960年5月22日"),
        ("in the 1970s", "20世纪70年代"),
        ("in the 1970s", "في السبعينيات"),
        ("the 2nd century", "दूसरी शताब्दी"),
        ("the 20th century", "el siglo XX"),
        ("Super Bowl XLIX", "سوبر بول 49"),
        ("the 16th century", "le XVIe siècle"),
        ("the 16th century", "सोलहवीं शताब्दी"),
        ("in the 70s", "in den 1970ern"),
        ("the 1960s", "gli anni Sessanta"),
        ("phase 7", "المرحلة السابعة"),
        ("a 3-line poem", "一首三行诗"),
        ("50 cm²", "50 平方厘米"),
        ("", ""),
    ],
)
def test_the_same_number_in_another_form_passes(source: str, translated: str) -> None:
    assert not numbers_changed(source, translated, LANGUAGES["de"])


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ("Add 12 and 7.", "१२ र ८ जोड्नुहोस्।"),
        ("Add 7 and 7.", "७ जोड्नुहोस्।"),
        ("It is 2.5 m.", "Es sind 25 m."),
        ("It is 100 m.", "Es sind 10 m."),
        ("Some of them.", "5 davon."),
        ("10,000 people", "10万人"),
        ("in the 1970s", "in den 1980ern"),
        ("in the 1970s", "danach"),
        ("the 2nd century", "das 3. Jahrhundert"),
        ("the 2nd century", "das Jahrhundert"),
        ("on July 14th", "danach"),
        ("There are 9 in 4 boxes.", "在盒子里有9个。"),
        ("1.5 and 2.5", "1.5 und 3.5"),
        ("Case 1", "一个案例"),
    ],
)
def test_another_number_is_found(source: str, translated: str) -> None:
    assert numbers_changed(source, translated, LANGUAGES["de"])


def test_a_word_that_the_source_has_too_does_not_stand_for_a_missing_number() -> None:
    assert numbers_changed("Take two, or 2.", "两个。", LANGUAGES["de"])
    assert not numbers_changed("Take two, or 2.", "两个或两个。", LANGUAGES["de"])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("two hundred and five thousand", 205_000),
        ("Twenty-one", 21),
        ("twelfth", 12),
        ("三十五", 35),
        ("二十万", 200_000),
        ("chapter XIV", 14),
        ("September", 9),
    ],
)
def test_numbers_without_digits_are_read(text: str, number: int) -> None:
    assert number in list(spoken_numbers(text))


def test_every_changed_digit_of_a_long_text_is_found() -> None:
    source = "In 1848 about 12,500 of 93 towns had 3.75 doctors, and 7 had none."
    for match in re.finditer(r"\d", source):
        changed = source[: match.start()] + str((int(match[0]) + 3) % 10) + source[match.end() :]
        assert numbers_changed(source, changed, LANGUAGES["de"]), changed


def test_hundreds_of_numbers_are_compared_in_any_order() -> None:
    numbers = [str(number) for number in range(0, 5000, 7)]
    assert not numbers_changed(", ".join(numbers), ", ".join(reversed(numbers)), LANGUAGES["de"])
    assert numbers_changed(", ".join(numbers), ", ".join(numbers[1:]), LANGUAGES["de"])


def test_words_of_another_language_become_digits_in_english_but_english_ones_are_not_taken_for_theirs() -> None:
    assert not numbers_changed("في السبعينيات", "in the 1970s", LANGUAGES["en"])
    assert not numbers_changed("zwei Hunde", "2 dogs", LANGUAGES["en"])
    assert numbers_changed("Go to the fire.", "Geh 4 Mal.", LANGUAGES["de"])
    assert numbers_changed("Nimm 2.", "Take some to go.", LANGUAGES["en"])
