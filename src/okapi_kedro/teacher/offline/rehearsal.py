"""Stands in for a translator where a run is rehearsed on real data: every word becomes some word of the language.

It makes no sense and keeps what a translation keeps: numbers, marks, punctuation and line breaks. What the phrasebook
holds is translated.
"""

import json
import random
from collections.abc import Sequence
from functools import cache
from zlib import crc32

import regex

from okapi_kedro.teacher.offline.faults import spoil_translation
from okapi_kedro.teacher.offline.phrasebook import SLOT, TEMPLATE_GROUPS, WORD_GROUPS, phrasebook, translate
from okapi_kedro.teacher.offline.reply import Reply
from okapi_kedro.teacher.offline.translation import question

_WORD = regex.compile(r"[\p{L}][\p{L}\p{M}\u200c\u200d]*")
_HAN = regex.compile(r"\p{Han}")
_BETWEEN_HAN = regex.compile(r"(?<=\p{Han}) (?=\p{Han})")
LONGEST_WORD = 10
"""Letters of a word; a Chinese character counts as LETTERS_PER_HAN."""
LETTERS_PER_HAN = 4


def reply(messages: Sequence[dict[str, str]], rng: random.Random) -> Reply | None:
    """The user's JSON object with its values in words of the other language; None for another kind of question."""
    asked = question(messages)
    if asked is None:
        return None
    written = {
        key: translate(text, asked.source, asked.target) or in_words_of(asked.target, text)
        for key, text in asked.row.items()
    }
    return spoil_translation(written, asked.row, rng) or Reply(json.dumps(written, ensure_ascii=False))


def in_words_of(code: str, text: str) -> str:
    """The text with each word replaced by one of a language, always the same one."""
    words = _words(code)
    written: str = _WORD.sub(lambda word: words[crc32(word[0].casefold().encode()) % len(words)], text)
    return str(_BETWEEN_HAN.sub("", written))


@cache
def _words(code: str) -> list[str]:
    """The words of a phrasebook, in a fixed order."""
    entries = phrasebook(code).entries
    texts = [SLOT.sub(" ", text) for group in (*WORD_GROUPS, *TEMPLATE_GROUPS) for text in entries[group].values()]
    words = {word.casefold() for text in texts for word in _WORD.findall(text)}
    return sorted(word for word in words if 1 < _letters(word) <= LONGEST_WORD)


def _letters(word: str) -> int:
    return len(word) + (LETTERS_PER_HAN - 1) * len(_HAN.findall(word))
