"""Bad answers, which the offline teacher gives now and then on purpose: a real one does, and the stages have to cope.

The rates hold per request and the choice hangs on the request's hash, so asking again with the next seed mostly helps.
"""

import json
import random
import re
from collections.abc import Callable

from okapi_kedro.teacher.offline.phrasebook import CODE, NUMERAL
from okapi_kedro.teacher.offline.reply import Reply

GENERATION_RATE = 0.06
TRANSLATION_RATE = 0.06
RANKING_RATE = 0.04

Values = dict[str, str]
Groups = list[list[int]]

IMAGE_TASK = "Instruction: Describe the image.\nInput: <none>\nOutput: It shows a dog."


def spoil_tasks(tasks: list[str], first: int, rng: random.Random) -> Reply | None:
    """An apology, tasks cut by length, an image task or a repeated task; mostly None, which leaves them alone."""
    if rng.random() >= GENERATION_RATE:
        return None
    spoilt = [
        Reply("I am sorry, but I cannot write tasks at the moment."),
        Reply(number_tasks([*tasks[:-1], tasks[-1][: len(tasks[-1]) // 2]], first), "length"),
        Reply(number_tasks([*tasks[:-1], IMAGE_TASK], first)),
        Reply(number_tasks([*tasks[:-1], tasks[0]], first)),
    ]
    return rng.choice(spoilt)


def number_tasks(tasks: list[str], first: int) -> str:
    return "\n\n".join(f"Task {number}\n{task}" for number, task in enumerate(tasks, first))


def spoil_translation(translated: Values, source: Values, rng: random.Random) -> Reply | None:
    """Prose, untranslated values, altered code or a changed number; mostly None, which leaves the translation alone."""
    if rng.random() >= TRANSLATION_RATE:
        return None
    spoilt = [
        Reply("Here is the translation: " + " / ".join(translated.values())),
        _json_reply(source),
        _json_reply({key: CODE.sub(_alter_code, text) for key, text in translated.items()}),
        _json_reply({key: _outside_code(text, _next_number) for key, text in translated.items()}),
    ]
    # A row without code or numbers comes out of the last two as it went in.
    return rng.choice([reply for reply in spoilt if reply != _json_reply(translated)])


def spoil_ranking(groups: Groups, rng: random.Random) -> Reply | None:
    """Prose or a ranking that leaves out a response; mostly None, which leaves the ranking alone."""
    if rng.random() >= RANKING_RATE:
        return None
    left_out = groups[-1][-1]
    shorter = [[number for number in group if number != left_out] for group in groups]
    spoilt = [
        Reply(f"Response {groups[0][0]} is the best one and response {left_out} the worst."),
        _json_reply({"ranking": [group for group in shorter if group]}),
    ]
    return rng.choice(spoilt)


def _json_reply(value: object) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False))


def _alter_code(code: re.Match[str]) -> str:
    """The code, or its mark, without its last character, the sort of thing a translator tidies away."""
    return code[0][:-2] + code[0][-1]


def _outside_code(text: str, change: Callable[[re.Match[str]], str]) -> str:
    parts = re.split(f"({CODE.pattern})", text)
    return "".join(part if i % 2 else NUMERAL.sub(change, part, count=1) for i, part in enumerate(parts))


def _next_number(number: re.Match[str]) -> str:
    return str(int(number[0]) + 1)
