"""The numbered Instruction / Input / Output form in which a teacher sees examples and writes new tasks.

A teacher keeps to the form only roughly. Its answer is read in two steps: the lines where tasks start are found, then
the labelled fields of each. What cannot be told is not guessed: the task comes out unusable and says why.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from okapi_kedro.text.form_lines import INVISIBLE, FormLine, is_fence, is_rule, read_line
from okapi_kedro.text.json_tasks import split_json_tasks
from okapi_kedro.text.surrogates import without_half_pairs

NO_INPUT = "<none>"
_NOT_IN_THE_FORM = "not in the form Instruction, Input, Output"

_SIGNS_OF_NO_INPUT = ("", '""', "''", "``", "<>", "()", "-", "–", "—")
_BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace()) + INVISIBLE
_NO_INPUT_GIVEN = re.compile(
    r"(no ?(further |additional )?input|none)( (is )?(given|needed|necessary|provided|required))?|n/a|not applicable"
)
_REMARK = re.compile(
    r"(please )?(let me know|feel free|i hope (this|these)|(if you|would you|do you) (would )?(like|need|want)|happy to"
    r"|(these|those|here) .{0,60}(tasks|examples|instructions)|is there anything)",
    re.IGNORECASE,
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
    """Every task of a teacher's answer, in order, the unusable ones with their problem; no text is left out.

    Args:
        answer: the text, which goes on after the heading `Task <first>` or repeats it.
        first: number of the first new task.
        cut_short: the answer ended for length; its last task is then incomplete, unless the next heading follows it.
    """
    text = without_half_pairs(re.sub(r"\r\n?|[\x85\u2028\u2029]", "\n", answer))
    thoughts, written = _split_thoughts(text)
    thought = [_unusable(thoughts, "thoughts before the tasks")] if re.sub("</?think>", "", thoughts).strip() else []
    return thought + _read_written(written, first, cut_short)


def _split_thoughts(text: str) -> tuple[str, str]:
    """What a reasoning model thought aloud, and its answer; a server may have kept the opening mark to itself."""
    closing = re.search(r"</think>" if text.lstrip().startswith("<think>") else r"^</think>$", text, re.MULTILINE)
    if closing:
        return text[: closing.end()], text[closing.end() :]
    return (text, "") if text.lstrip().startswith("<think>") else ("", text)


def _read_written(text: str, first: int, cut_short: bool) -> list[WrittenTask]:
    lines = [read_line(line) for line in text.split("\n")]
    form = next((line.label for line in lines if line.label in ("instruction", "instructions")), None)
    if form is None and '"instruction"' in text.lower():
        return _read_json(text, cut_short)
    form = form or "instruction"
    starts = [0, *_find_starts(lines, form, first), len(lines)]
    blocks = [lines[start:end] for start, end in pairwise(starts)]
    tasks = [_read_block(block, form) for block in blocks if not _is_empty(block)]
    if not tasks or _is_empty(blocks[-1]):
        return tasks
    return [*tasks[:-1], _read_ending(tasks[-1], cut_short)]


def _find_starts(lines: list[FormLine], form: str, first: int) -> list[int]:
    """The lines that open a task; where no heading does, every instruction.

    An output may hold headings, numbered items, rules and labels of its own. A heading of the form is therefore one
    that an instruction follows, or one that goes on with the numbers.
    """
    starts, last = [], first - 1
    for index, (line, following) in enumerate(zip(lines, _following_labels(lines), strict=True)):
        before, after = lines[max(index - 1, 0)], lines[min(index + 1, len(lines) - 1)]
        apart = after.label == form and (index == 0 or before.says_nothing)
        if _opens_task(line, following, form, last, apart):
            starts.append(index)
            last = line.number or last
    labels = [index for index, line in enumerate(lines) if line.label == form]
    return [index for index in labels[:1] if index < starts[0]] + starts if starts else labels


def _opens_task(line: FormLine, following: str, form: str, last: int, apart: bool) -> bool:
    if line.label:
        return line.label == form and line.heading != ""
    if line.heading == "task":
        return following == form or (line.number > last and (not line.rest or following in ("input", "output")))
    if line.heading == "item":
        return following == form and (not line.rest or line.decorated or apart)
    return following == form and is_rule(line.text)


def _following_labels(lines: list[FormLine]) -> list[str]:
    """For each line, the label of the next line with text, if that has no heading."""
    labels, following = [], ""
    for line in reversed(lines):
        labels.append(following)
        if line.heading:
            following = ""
        elif not line.says_nothing:
            following = line.label
    return labels[::-1]


def _is_empty(block: list[FormLine]) -> bool:
    return all(line.says_nothing for line in block)


def _read_block(block: list[FormLine], form: str) -> WrittenTask:
    texts = [line.text for line in block]
    spoken = next(index for index, line in enumerate(block) if not line.says_nothing)
    raw = "\n".join(texts[spoken:])
    openings = [index for index, line in enumerate(block) if line.label == form]
    if not openings and block[0].heading == "task" and block[0].rest:
        openings = [0]
    if not openings:
        return _unusable(raw, _NOT_IN_THE_FORM)
    opening = openings[0]
    output = _find_label(block, ("output", "answer"), opening, len(block))
    if output is None or any(line.label for line in block[:opening]):
        return _unusable(raw, _NOT_IN_THE_FORM)
    if len(openings) > 1:
        return _unusable(raw, "several instructions under one heading")
    given = _find_label(block, ("input",), opening, output)
    asked = [block[opening].rest, *texts[opening + 1 : output if given is None else given]]
    context = [] if given is None else [block[given].rest, *texts[given + 1 : output]]
    answer = _without_closing_marks([block[output].rest, *texts[output + 1 :]])
    return _task("\n".join(asked), "\n".join(context), "\n".join(answer), raw)


def _find_label(block: list[FormLine], names: tuple[str, ...], opening: int, end: int) -> int | None:
    """The line of the first name that labels one; of several, the first one dressed like the instruction's label."""
    for name in names:
        found = [index for index in range(opening + 1, end) if block[index].label == name]
        alike = [index for index in found if block[index].dress == block[opening].dress]
        if found:
            return (alike or found)[0]
    return None


def _without_closing_marks(output: list[str]) -> list[str]:
    """The lines without rules and without the end of a fence that was opened before the output."""
    lines, fences = list(output), sum(is_fence(line) for line in output)
    while len(lines) > 1:
        if lines[-1].strip() == "```":
            before = next((line for line in islice(reversed(lines), 1, None) if line.strip()), "")
            if fences % 2 == 0 and not is_fence(before):
                break
            fences -= 1
        elif lines[-1].strip() and not is_rule(lines[-1]):
            break
        lines.pop()
    return lines


def _read_ending(task: WrittenTask, cut_short: bool) -> WrittenTask:
    """The last task, unusable if it is incomplete or if its output may end in words to the reader of the tasks."""
    if cut_short:
        return replace(task, problem="cut short")
    *earlier, last = re.split(r"\n[^\S\n]*+\n", task.output)
    if not task.problem and earlier and _REMARK.match(last.strip()):
        return replace(task, problem="a remark may follow the output")
    return task


def _read_json(text: str, cut_short: bool) -> list[WrittenTask]:
    tasks = []
    for raw, fields in split_json_tasks(text):
        if fields is not None:
            output = next((fields[name] for name in ("output", "response", "answer") if name in fields), None)
            texts = _json_text(fields["instruction"]), _json_text(fields.get("input")), _json_text(output)
            tasks.append(_task(*texts, raw))
        elif not _is_empty([read_line(line) for line in raw.split("\n")]):
            tasks.append(_unusable(raw, "cut short" if cut_short and "{" in raw else _NOT_IN_THE_FORM))
    return tasks


def _json_text(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return without_half_pairs(text)


def _task(instruction: str, context: str, output: str, raw: str) -> WrittenTask:
    asked, given, answer = (text.strip(_BLANKS) for text in (instruction, context, output))
    bare = given.strip(" <>|\"'`*_()[]\\.!?").lower()
    given = "" if given in _SIGNS_OF_NO_INPUT or _NO_INPUT_GIVEN.fullmatch(bare) else given
    problem = "" if asked and answer else "empty instruction or output"
    return WrittenTask(" ".join(asked.split()), given, answer, raw.strip(), problem)


def _unusable(raw: str, problem: str) -> WrittenTask:
    return WrittenTask("", "", "", raw.strip(), problem)
