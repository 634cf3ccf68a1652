"""Whether a translation has the numbers of its source, in whatever way its language writes them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from okapi_kedro.languages import Language
from okapi_kedro.text.number_words import decades, spoken_numbers, translated_words, unread_numbers

_Amount = tuple[str, int]
"""Digits without zeros at either end, and the power of ten that they are multiplied by: 2,500 is ("25", 2)."""


class _Number(NamedTuple):
    """A number by its digits alone, and with the word that follows it: 2.5 and 2,500,000 of 2.5 million."""

    plain: _Amount
    scaled: _Amount


_SCALES = {
    word: power
    for power, words in {
        2: "hundred 百",
        3: "thousand 千 ألف آلاف हज़ार हजार হাজার ஆயிர వేల ಸಾವಿರ ആയിര nghìn ngàn mil ribu",
        4: "万",
        5: "लाख লাখ লক্ষ லட்ச లక్ష ಲಕ್ಷ ലക്ഷ",
        6: "million 百万 مليون ملايين मिलियन triệu juta",
        7: "千万 करोड़ करोड কোটি கோடி కోట్ల కోటి ಕೋಟಿ കോടി",
        8: "亿",
        9: "billion 十亿 مليار बिलियन अरब tỷ tỉ miliar",
        12: "trillion 万亿",
    }.items()
    for word in words.split()
}
"""Words for powers of ten, of English and of languages that group otherwise or use a word for zeros: 3700万."""
_RUN = re.compile(r"\d+")
_NUMBER = re.compile(
    # Groups of three digits, or as in 12,34,567, with one mark between them; or digits alone; then a decimal part.
    r"(\d{1,3}([,.'’٬،\u00a0\u202f ])(?:\d{2,3}\2)*\d{3}(?!\d)|\d+)(?:[.,٫](\d+))?"
    rf"(?:[\s-]*({'|'.join(sorted(_SCALES, key=len, reverse=True))})(?![a-z]))?",
    re.IGNORECASE,
)


def numbers_changed(source: str, translated: str, target: Language) -> bool:
    """Whether a number of the source is missing from the translation, or another one is in it.

    Digits may be of any script, marks between them any, powers of ten may go from digits to a word and back, and what
    the other text has in words, in a month or as a numeral may be in digits. Ordinals from 11th may be missing outside
    dates, since not all their words are read: that one of them was left out is not found.

    Args:
        source: the text that was translated.
        translated: its translation.
        target: the language of the translation; when it is not English, the source is.
    """
    if Counter(_runs(source)) == Counter(_runs(translated)):
        return False
    missing, added = _unmatched(list(_numbers(source)), list(_numbers(translated)))
    foreign = translated_words(source if target.code == "en" else translated)
    meant, said = Counter(spoken_numbers(source)), Counter(spoken_numbers(translated))
    (meant if target.code == "en" else said).update(foreign)
    said -= meant
    return not (
        _all_among(missing, (*said, *unread_numbers(source), *_decades(source, translated, said)))
        and _all_among(added, (*meant, *unread_numbers(translated), *_decades(translated, source, meant)))
    )


def _decades(text: str, other: str, words: Iterable[int]) -> Iterator[int]:
    """The decades of a text whose years the other has in any form, and all that may be written of the other's."""
    years_there = {int(run[-2:]) for run in _RUN.findall(other)}.union(words)
    yield from (written for written, years, _ in decades(text) if years in years_there)
    for _, years, century in decades(other):
        yield from (years, 1900 + years, century)


def _runs(text: str) -> list[str]:
    return [run if run.isascii() else _ascii(run) for run in _RUN.findall(text)]


def _ascii(digits: str) -> str:
    return "".join(str(int(digit)) for digit in digits)


def _numbers(text: str) -> Iterable[_Number]:
    for whole, _, part, scale in _NUMBER.findall(text):
        digits = "".join(_RUN.findall(whole)) + part
        plain = _amount(_ascii(digits), -len(part))
        yield _Number(plain, (plain[0], plain[1] + _SCALES.get(scale.lower(), 0)))


def _amount(digits: str, power: int) -> _Amount:
    significant = digits.rstrip("0")
    return (significant.lstrip("0"), power + len(digits) - len(significant)) if significant else ("0", 0)


def _unmatched(before: Sequence[_Number], after: Sequence[_Number]) -> tuple[list[_Number], list[_Number]]:
    """The numbers of each text that the other has not, first by their digits alone, then with the words after them."""
    plain = _without(before, after, 0), _without(after, before, 0)
    return _without(plain[0], plain[1], 1), _without(plain[1], plain[0], 1)


def _without(numbers: Sequence[_Number], others: Sequence[_Number], reading: int) -> list[_Number]:
    found = Counter(number[reading] for number in others)
    left = []
    for number in numbers:
        if not found[number[reading]]:
            left.append(number)
        found[number[reading]] -= found[number[reading]] > 0
    return left


def _all_among(numbers: Iterable[_Number], values: Iterable[int]) -> bool:
    amounts = {_amount(str(value), 0) for value in values}
    return all(amounts.intersection(number) for number in numbers)
