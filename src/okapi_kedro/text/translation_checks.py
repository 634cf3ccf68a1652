"""Checks on one translated field, each with a name; a failed one rejects the row."""

import re
import unicodedata
from collections import Counter

from okapi_kedro.languages import Language
from okapi_kedro.text.scripts import in_script

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# Runs of digits, whatever separates them: 2,000.5 is rightly 2.000,5 in German and 2 000,5 in French.
_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")


def failed_check(source: str, translated: str, target: Language) -> str | None:
    """The name of the first check that the translation of a field fails, or None.

    Args:
        source: the English text.
        translated: what the teacher made of it.
        target: the language it should be in.
    """
    if bool(source.strip()) != bool(translated.strip()):
        return "empty stays empty"
    if Counter(_CODE.findall(source)) != Counter(_CODE.findall(translated)):
        return "code kept"
    if _numbers(source) != _numbers(translated):
        return "numbers kept"
    if translated != source and not in_script(_CODE.sub("", _new_words(source, translated)), target.script):
        return "script"
    return None


def left_in_english(source: str, translated: str, target: Language) -> bool:
    """Whether an instruction came back as it was, although it has words to translate.

    A single word may be the same in a language with Latin letters, but not in another script.
    """
    words = re.findall(r"[A-Za-z]{2,}", _CODE.sub("", source))
    return translated == source and len(words) > (target.script == "LATIN")


def _numbers(text: str) -> Counter[str]:
    """The digits of the numbers outside code, as ASCII whatever digits the script writes."""
    ascii_digits = "".join(
        str(unicodedata.digit(character)) if character.isdigit() and not character.isascii() else character
        for character in _CODE.sub("", text)
    )
    return Counter(_DIGITS.findall(ascii_digits))


def _new_words(source: str, translated: str) -> str:
    """The words that are not the source's own: names and foreign words may stay as they are, but not all of a text."""
    kept = set(_WORD.findall(source))
    new = [word for word in _WORD.findall(_CODE.sub("", translated)) if word not in kept]
    return " ".join(new) or translated
