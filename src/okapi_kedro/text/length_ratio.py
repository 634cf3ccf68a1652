"""Whether a translation is as long as translations into its language usually are."""

import math
import re
from typing import Literal

from okapi_kedro.languages import Language

_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_CJK_SIZE = 2.7
"""English characters to one Chinese character, measured on XQuAD and a translated Alpaca: Chinese needs no ratio."""

_RATIOS = {
    "ar": 0.86,
    "bn": 0.94,
    "ca": 1.13,
    "da": 1.04,
    "de": 1.16,
    "es": 1.14,
    "fr": 1.18,
    "hi": 0.96,
    "hr": 0.99,
    "hu": 1.08,
    "id": 1.09,
    "it": 1.11,
    "kn": 1.16,
    "ml": 1.22,
    "mr": 0.97,
    "ne": 0.93,
    "nl": 1.11,
    "ro": 1.07,
    "ru": 1.08,
    "sk": 1.00,
    "sr": 1.00,
    "ta": 1.20,
    "te": 1.08,
    "uk": 1.03,
    "vi": 0.94,
}
"""How long a translation is where the English has the length 1.

Measured medians: of XQuAD's passages for ar, de, hi and vi; for the others of the messages of Django and Sphinx and of
the tests' parallel sentences, between which figures were chosen. Messages and passages of one language were at most
0.08 apart. There are few messages in kn, ta and te: theirs are the least certain.
"""
_SCRIPT_RATIOS = {"ARABIC": 0.9, "MALAYALAM": 1.2, "TAMIL": 1.2, "KANNADA": 1.15, "TELUGU": 1.1}
"""For languages without a ratio; 1 for other scripts. Chosen after the languages above that are written in them."""

_LONG_DEVIATION = 0.1
_ONE_CHARACTER_VARIANCE = 1.4
_DEVIATIONS = 4.2
"""Chosen: good short translations have tails that are longer than a normal distribution's."""


def wrong_length(source: str, translated: str, target: Language) -> Literal["too short", "too long"] | None:
    """Whether a translation is far shorter or longer than is usual.

    The logarithm of the ratio is taken to vary around the language's with a variance of `0.1² + 1.4 / characters`,
    which fits what was measured from 20 characters (0.27) to passages (0.07 to 0.11) on XQuAD and a translated Alpaca:
    at 20 characters a third to three times the length passes, at 1000 from 0.65 to 1.5 times.

    Args:
        source: the text that was translated, with something in it.
        translated: its translation.
        target: the language of the translation; English has the ratio 1 to whatever it is made from.
    """
    before, after = _size(source), _size(translated)
    ratio = _RATIOS.get(target.code) or _SCRIPT_RATIOS.get(target.script, 1.0)
    deviation = math.sqrt(_LONG_DEVIATION**2 + _ONE_CHARACTER_VARIANCE / before)
    surprise = math.log(after / before / ratio) / deviation
    if abs(surprise) <= _DEVIATIONS:
        return None
    return "too short" if surprise < 0 else "too long"


def _size(text: str) -> float:
    """The characters that are not blank, as many as English would need for them; at least one."""
    return max(1.0, len("".join(text.split())) + (_CJK_SIZE - 1) * len(_CJK.findall(text)))
