"""Whether a text goes round in a loop, as a model does that is stuck."""

import re
from typing import NamedTuple

_WINDOW = 8
"""Letters; a phrase is repeated where each window of so many stood the same distance before."""
_LEAST_COPIES = 4
_LEAST_LENGTH = 16
"""Letters; a Chinese phrase of four fills it with four copies."""
_LEAST_TWICE = 40
"""Letters; some languages double words, Indonesian for the plural."""
_ALL = 0.95
_SKIPPED = re.compile(r"[\W\d_]+")


class _Loop(NamedTuple):
    """The stretch of a text that repeats one phrase longest.

    Args:
        copies: how often the phrase stands there, one after the other.
        length: letters of the stretch.
        share: of the text's letters.
    """

    copies: float
    length: int
    share: float


def repeats_itself(source: str, translated: str) -> bool:
    """Whether a translation repeats a phrase four times and twice as often as the source does, or is there twice.

    Punctuation, blanks and digits are left out, so that the items of a list that differ in their number only are the
    same, and nothing depends on where a script has its blanks.

    Args:
        source: the text that was translated.
        translated: its translation.
    """
    loop = _longest_loop(translated)
    if loop.length < _LEAST_LENGTH or loop.copies < 2:
        return False
    copies = _longest_loop(source).copies
    is_there_twice = loop.share > _ALL and loop.length >= _LEAST_TWICE and copies < 2
    return is_there_twice or (loop.copies >= _LEAST_COPIES and loop.copies > 2 * copies)


def _longest_loop(text: str) -> _Loop:
    letters = _SKIPPED.sub("", text)
    places: dict[str, int] = {}
    best, begun, distance = _Loop(1, 0, 0), 0, 0
    for place in range(len(letters) - _WINDOW + 1):
        window = letters[place : place + _WINDOW]
        back = place - places.get(window, place)
        places[window] = place
        if back != distance:
            begun, distance = place, back
        if distance:
            length = place + _WINDOW - begun + distance
            best = max(best, _Loop(length / distance, length, length / len(letters)))
    return best
