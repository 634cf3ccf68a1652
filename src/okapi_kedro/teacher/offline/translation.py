"""Translates what the phrasebook holds, between any two of its languages."""

import json
import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.faults import spoil_translation
from okapi_kedro.teacher.offline.phrasebook import translate
from okapi_kedro.teacher.offline.reply import Reply

_DIRECTION = re.compile(r"\bfrom (\w+) into (\w+)")
_CODES = {language.name: language.code for language in LANGUAGES.values()}


class Question(NamedTuple):
    """What is to be translated.

    Args:
        row: texts by name.
        source, target: codes of the languages.
    """

    row: dict[str, str]
    source: str
    target: str


def question(messages: Sequence[dict[str, str]]) -> Question | None:
    """The question in a dialogue; None when it is of another kind."""
    direction = _DIRECTION.search(messages[0]["content"])
    row = _row(messages[-1]["content"])
    if direction is None or row is None or not {direction[1], direction[2]} <= _CODES.keys():
        return None
    return Question(row, _CODES[direction[1]], _CODES[direction[2]])


def reply(messages: Sequence[dict[str, str]], rng: random.Random) -> Reply | None:
    """The user's JSON object with its values translated; None for another kind of question.

    A value outside the phrasebook is answered by a sentence that says so. Only a `response_...`, which a student model
    wrote, is passed on as it is: a real teacher, too, copies gibberish when asked to translate it.
    """
    asked = question(messages)
    if asked is None:
        return None
    translated: dict[str, str] = {}
    for key, text in asked.row.items():
        found = translate(text, asked.source, asked.target)
        if found is None and not key.startswith("response_"):
            return Reply(f"I cannot translate this: {key} is outside my phrasebook.")
        translated[key] = text if found is None else found
    return spoil_translation(translated, asked.row, rng) or Reply(json.dumps(translated, ensure_ascii=False))


def _row(text: str) -> dict[str, str] | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) and all(isinstance(value, str) for value in row.values()) else None
