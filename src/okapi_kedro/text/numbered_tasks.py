"""The numbered Instruction / Input / Output form in which a teacher sees examples and writes new tasks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NO_INPUT = "<none>"
_HEADING = re.compile(r"^\s*Task\s+(\d+)\s*[:.]?\s*$", re.MULTILINE | re.IGNORECASE)
_FIELDS = re.compile(
    r"^\s*Instruction:\s*(?P<instruction>.*?)\s*^\s*Input:\s*(?P<input>.*?)\s*^\s*Output:\s*(?P<output>.*)\Z",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True)
class WrittenTask:
    """One task as a teacher wrote it; `problem` names what is wrong with it and is empty when nothing is."""

    instruction: str
    input: str
    output: str
    raw: str
    problem: str = ""


def write_examples(examples: Sequence[dict[str, str]]) -> str:
    """The examples as numbered tasks, followed by the heading of the next one for the teacher to go on from."""
    tasks = [
        f"Task {number}\nInstruction: {task['instruction']}\n"
        f"Input: {task['input'] or NO_INPUT}\nOutput: {task['output']}\n"
        for number, task in enumerate(examples, start=1)
    ]
    return "\n".join([*tasks, f"Task {len(examples) + 1}"])


def read_tasks(answer: str, first: int, cut_short: bool) -> list[WrittenTask]:
    """Every task of a teacher's answer, in order, the unusable ones with their problem; nothing is left out.

    Args:
        answer: the text, which goes on after the heading `Task <first>` or repeats it.
        first: number of the first new task.
        cut_short: the answer ended for length, so that its last task is incomplete.
    """
    text = answer if _HEADING.match(answer) else f"Task {first}\n{answer}"
    blocks = [block for block in _HEADING.split(text)[2::2] if block.strip()]
    tasks = [_read_task(block) for block in blocks]
    if cut_short and tasks:
        last = tasks[-1]
        tasks[-1] = WrittenTask(last.instruction, last.input, last.output, last.raw, "cut short")
    return tasks


def _read_task(block: str) -> WrittenTask:
    match = _FIELDS.search(block)
    if match is None:
        return WrittenTask("", "", "", block.strip(), "not in the form Instruction, Input, Output")
    given = match["input"].strip()
    task = WrittenTask(
        instruction=" ".join(match["instruction"].split()),
        input="" if given.lower().strip("<>. ") in ("", "none", "noinput", "no input", "n/a") else given,
        output=match["output"].strip(),
        raw=block.strip(),
    )
    if not task.instruction or not task.output:
        return WrittenTask(task.instruction, task.input, task.output, task.raw, "empty instruction or output")
    return task
