"""Writes new tasks of the small grammar when asked to go on from numbered examples."""

import random
import re
from collections.abc import Sequence

from okapi_kedro.teacher.offline.faults import number_tasks, spoil_tasks
from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.teacher.offline.reply import Reply

_COUNT = re.compile(r"until there are (\d+)")
_NEXT = re.compile(r"\nTask (\d+)\s*\Z")


def reply(messages: Sequence[dict[str, str]], rng: random.Random) -> Reply | None:
    """Tasks from the number that stands last in the prompt up to the count asked; None for another kind of question."""
    prompt = messages[-1]["content"]
    count, following = _COUNT.search(prompt), _NEXT.search(prompt)
    if count is None or following is None or int(following[1]) > int(count[1]):
        return None
    first = int(following[1])
    tasks = [_draw(rng) for _ in range(first, int(count[1]) + 1)]
    return spoil_tasks(tasks, first, rng) or Reply(number_tasks(tasks, first))


def _draw(rng: random.Random) -> str:
    task = draw_task(rng).text("en")
    return f"Instruction: {task['instruction']}\nInput: {task['input'] or '<none>'}\nOutput: {task['output']}"
