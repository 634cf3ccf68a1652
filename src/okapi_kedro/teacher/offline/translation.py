"""Translates what the phrasebook holds, between any two of its languages."""

import json
import random
import re
from collections.abc import Sequence

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.faults import spoil_translation
from okapi_kedro.teacher.offline.phrasebook import translate
from okapi_kedro.teacher.offline.reply import Reply

_DIRECTION = re.compile(r"\bfrom (\w+) into (\w+)")
_CODES = {language.name: language.code for language in LANGUAGES.values()}


def reply(messages: Sequence[dict[str, str]], rng: random.Random) -> Reply | None:
    """The user's JSON object with its values translated; None for another kind of question.

    A value outside the phrasebook is answered by a sentence that says so. Only a `response_...`, which a student model
    wrote, is passed on as it is: a real teacher, too, copies gibberish when asked to translate it.
    """
    direction = _DIRECTION.search(messages[0]["content"])
    row = _row(messages[-1]["content"])
    if direction is None or row is None or not {direction[1], direction[2]} <= _CODES.keys():
        return None
    translated: dict[str, str] = {}
    for key, text in row.items():
        found = translate(text, _CODES[direction[1]], _CODES[direction[2]])
        if found is None and not key.startswith("response_"):
            return Reply(f"I cannot translate this: {key} is outside my phrasebook.")
        translated[key] = text if found is None else found
    return spoil_translation(translated, row, rng) or Reply(json.dumps(translated, ensure_ascii=False))


def _row(text: str) -> dict[str, str] | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) and all(isinstance(value, str) for value in row.values()) else None
