"""Reasons not to keep a generated instruction (Self-Instruct, section 2.2, and Alpaca's generation script)."""

import re
import string
import unicodedata

from pydantic import BaseModel, ConfigDict, NonNegativeInt


class InstructionFilters(BaseModel):
    """Which generated instructions are dropped.

    Args:
        shortest: instructions of this many words or fewer are dropped.
        longest: instructions of more words are dropped.
        unsuitable_words: words and phrases of things that a text model cannot serve, matched whole and caseless; a
            plural is a word of its own.
        unsuitable_openings: openings that lead to answers that cannot be checked as text, matched caseless; as in
            Alpaca's script, the last word of one may go on: `Write a program` drops `Write a programme` too.
    """

    model_config = ConfigDict(extra="forbid")

    shortest: NonNegativeInt
    longest: NonNegativeInt
    unsuitable_words: list[str]
    unsuitable_openings: list[str]


def reason_to_drop(instruction: str, filters: InstructionFilters) -> str | None:
    """The name of the first filter that the instruction fails, or None when it passes all."""
    words = instruction.split()
    if len(words) <= filters.shortest:
        return "too short"
    if len(words) > filters.longest:
        return "too long"
    text = " ".join(words).lower()
    if text.startswith(tuple(opening.lower() for opening in filters.unsuitable_openings)):
        return "unsuitable opening"
    if any(re.search(rf"\b{re.escape(word.lower())}\b", text) for word in filters.unsuitable_words):
        return "unsuitable word"
    first = words[0][0]
    if first in string.punctuation or unicodedata.category(first).startswith("P"):
        return "opens with punctuation"
    if not first.isascii():
        return "opens with a non-ASCII character"
    return None
