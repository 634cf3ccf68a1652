"""Whether a translation has the lines and the list items of its source."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

_MARKER = re.compile(
    r"\s*(?:[(（\[]?(?:(?P<number>\d{1,3})|(?P<roman>[IVX]{1,5})|第?(?P<chinese>[一二三四五六七八九十]{1,3}))"
    r"(?:[.．:：](?!\d)|[)、。）\]])|(?P<bullet>[-*•·●▪◦‣–—]{1,2})(?![-*–—\d])|(?P<heading>[#＃]{1,6})\s"
    r"|[(（]?(?P<letter>[^\W\d_][^\s\w.]{0,2})[)）])"
)
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV")
_CHINESE = "零一二三四五六七八九"
_LINE_END = tuple(".!?,:;。！？，、：；।॥؟،…\"'”’)）»")
"""A verse often ends with a comma, and a line that was only wrapped seldom does."""
_WRAPPED = 45
"""Characters that a line has at least that goes on in the next."""


def wrong_structure(source: str, translated: str) -> str | None:
    """What of the structure is not kept: `list items changed`, `lines changed` or None.

    Items, bullets and headings have to stand in the same order, numbers with the same value in whatever digits. Lines
    that are not blank have to be as many; where neither text has a list, a sentence may be broken into lines otherwise.

    Args:
        source: the text that was translated.
        translated: its translation.
    """
    before, after = _lines(source), _lines(translated)
    if len(before) < 2 and len(after) < 2:
        return None
    items = list(_markers(before))
    if items != list(_markers(after)):
        return "list items changed"
    if len(before) == len(after):
        return None
    return "lines changed" if items or _sentences(source) != _sentences(translated) else None


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _markers(lines: list[str]) -> Iterator[str]:
    """The kind of each marker, or the number where it is one."""
    for line in lines:
        if match := _MARKER.match(line):
            kind = str(match.lastgroup)
            yield str(_VALUE[kind](match[kind])) if kind in _VALUE else kind


def _roman_value(numeral: str) -> int:
    return _ROMAN.index(numeral) + 1 if numeral in _ROMAN else 0


def _chinese_value(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    return (max(1, _CHINESE.find(tens or "一")) * 10 if ten else 0) + max(0, _CHINESE.find(ones or "零"))


_VALUE: dict[str, Callable[[str], int]] = {"number": int, "roman": _roman_value, "chinese": _chinese_value}


def _sentences(text: str) -> list[int]:
    """For each paragraph, the lines that are left when those are joined that only wrap a sentence."""
    paragraphs = (_lines(paragraph) for paragraph in re.split(r"\n[^\S\n]*\n", text))
    return [1 + sum(not _goes_on(line) for line, _ in pairwise(lines)) for lines in paragraphs if lines]


def _goes_on(line: str) -> bool:
    return len(line.strip()) >= _WRAPPED and not line.rstrip().endswith(_LINE_END)
