"""The numbered Instruction / Input / Output form in which a teacher sees examples and writes new tasks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NO_INPUT = "<none>"
# Neither pattern crosses a line, so that a teacher that rambles in blank lines cannot make the search take minutes.
_HEADING = re.compile(r"^[^\S\n]*Task[^\S\n]+(\d+)[^\S\n]*[:.]?[^\S\n]*$", re.MULTILINE | re.IGNORECASE)
_LABEL = re.compile(r"^[^\S\n]*(Instruction|Input|Output):", re.MULTILINE | re.IGNORECASE)


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
    text = answer.strip() if _HEADING.match(answer.strip()) else f"Task {first}\n{answer}"
    blocks = [block for block in _HEADING.split(text)[2::2] if block.strip()]
    tasks = [_read_task(block) for block in blocks]
    if cut_short and tasks:
        last = tasks[-1]
        tasks[-1] = WrittenTask(last.instruction, last.input, last.output, last.raw, "cut short")
    return tasks


def _read_task(block: str) -> WrittenTask:
    labels = [label.lower() for label in _LABEL.findall(block)]
    if labels[:3] != ["instruction", "input", "output"]:
        return WrittenTask("", "", "", block.strip(), "not in the form Instruction, Input, Output")
    if labels.count("instruction") > 1:
        return WrittenTask("", "", "", block.strip(), "several instructions under one heading")
    _, _, instruction, _, given, _, output = _LABEL.split(block, maxsplit=3)
    given = given.strip()
    task = WrittenTask(
        instruction=" ".join(instruction.split()),
        input="" if given.lower().strip("<>. ") in ("", "none", "noinput", "no input", "n/a") else given,
        output=output.strip(),
        raw=block.strip(),
    )
    if not task.instruction or not task.output:
        return WrittenTask(task.instruction, task.input, task.output, task.raw, "empty instruction or output")
    return task
