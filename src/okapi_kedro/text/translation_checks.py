"""Checks on one translated field, each with a name; a failed one rejects the row.

They read texts without their protected pieces. That a text is in the right language is not among them, and no
check can prove that an instruction in a row was translated and not obeyed: one that was has mostly another length.
"""

import re

from okapi_kedro.languages import Language
from okapi_kedro.text.chatter import is_chatter
from okapi_kedro.text.length_ratio import wrong_length
from okapi_kedro.text.list_structure import wrong_structure
from okapi_kedro.text.number_check import numbers_changed
from okapi_kedro.text.repetition import repeats_itself

_MARK = re.compile(r"(?:[⟦〚]|\[\[|［［)\s{0,4}\d{1,7}\s{0,4}(?:[⟧〛]|\]\]|］］)")


def failed_check(source: str, translated: str, target: Language) -> str | None:
    """The name of the first check that the translation of a field fails, or None.

    One of: empty, repeats itself, chatter, list items changed, lines changed, numbers changed, too short, too long.

    Args:
        source: the text to translate, with marks such as `⟦7⟧` for what is not translated.
        translated: what the teacher made of it; the marks' numbers may be in other digits.
        target: the language it should be in.
    """
    before, after = _without_numbers(source), _without_numbers(translated)
    if not before.strip() or not after.strip():
        return "empty" if before.strip() or after.strip() else None
    if repeats_itself(before, after):
        return "repeats itself"
    if is_chatter(before, after, target):
        return "chatter"
    if changed := wrong_structure(before, after):
        return changed
    if numbers_changed(before, after, target):
        return "numbers changed"
    return wrong_length(before, after, target)


def left_in_english(source: str, translated: str, target: Language) -> bool:
    """Whether an instruction came back as it was, although it has words to translate.

    A single word may be the same in a language with Latin letters, but not in another script.

    Args:
        source: the English text, with marks for what is not translated.
        translated: what the teacher made of it.
        target: the language it should be in.
    """
    words = re.findall(r"[A-Za-z]{2,}", source)
    return translated == source and len(words) > (target.script == "LATIN")


def _without_numbers(text: str) -> str:
    """A text whose marks are one sign each, without a number."""
    return _MARK.sub("⟦", text)
