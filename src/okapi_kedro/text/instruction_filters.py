"""Reasons not to keep a generated instruction (Self-Instruct, section 2.2, and Alpaca's generation script)."""

import re
import string

from pydantic import BaseModel, ConfigDict


class InstructionFilters(BaseModel):
    """Which generated instructions are dropped.

    Args:
        shortest: instructions of this many words or fewer are dropped.
        longest: instructions of more words are dropped.
        unsuitable_words: words that a text model cannot serve, matched whole and caseless.
        unsuitable_openings: openings that lead to answers that cannot be checked as text.
    """

    model_config = ConfigDict(extra="forbid")

    shortest: int
    longest: int
    unsuitable_words: list[str]
    unsuitable_openings: list[str]


def reason_to_drop(instruction: str, filters: InstructionFilters) -> str | None:
    """The name of the first filter that the instruction fails, or None when it passes all."""
    words = instruction.split()
    if len(words) <= filters.shortest:
        return "too short"
    if len(words) > filters.longest:
        return "too long"
    if instruction.startswith(tuple(filters.unsuitable_openings)):
        return "unsuitable opening"
    if set(re.findall(r"\w+", instruction.lower())) & {word.lower() for word in filters.unsuitable_words}:
        return "unsuitable word"
    if instruction[0] in string.punctuation:
        return "opens with punctuation"
    if not instruction[0].isascii():
        return "opens with a non-ASCII character"
    return None
