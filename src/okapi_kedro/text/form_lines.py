"""Lines of an answer in the form Instruction, Input, Output, with the headings and labels that they open with."""

import re
from dataclasses import dataclass, replace

# Marks and blanks are taken whole and never given back, so that a megabyte of them costs one pass.
INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
_MARKS = rf"[\s#*_`~=•\-–—\[\](){INVISIBLE}]*+"
_TASK = re.compile(
    rf"{_MARKS}task\b[\s#№:]*+(?:(\d{{1,4}})\b{_MARKS}[.:：]?{_MARKS}|(?=[a-z]++{_MARKS}:?{_MARKS}$))", re.IGNORECASE
)
_ITEM = re.compile(
    rf"({_MARKS})(?:example|exercise|item|problem|question)?\s*+#?\d{{1,3}}\b([.:)]?){_MARKS}:?{_MARKS}", re.IGNORECASE
)
_LABEL = re.compile(
    rf"([\s#*_`•\-–—{INVISIBLE}]*+)"
    r"(?:(?P<instruction>instruction)|(?P<instructions>instructions)|(?P<input>inputs?)"
    r"|(?P<output>(?:expected )?outputs?)|(?P<answer>answer|response))"
    r"(?:\s*+#?\d{1,3})?(?:\s*+\([^()]{0,40}\))?[\s*_`]*+(?:[:：]|$)",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|`)\w")
_LETTER = re.compile(r"[^\W_]")
_RULE = re.compile(r"\s*+[#*_=~\-–—]{2}[\s#*_=~\-–—]*+$")
_FENCE = re.compile(r"\s*+```\w*\s*+$")


@dataclass(frozen=True)
class FormLine:
    """A line and what it may open; whether it does hangs on the lines around it.

    Args:
        text: the line as it is written.
        heading: `task` for `Task 4`, `item` for `4.` or `### 4`, else empty.
        number: the number of a `Task 4`, else 0.
        decorated: an item is set in bold or as a Markdown heading.
        label: `instruction`, `instructions`, `input`, `output`, `answer` (also for `Response:`), or empty.
        dress: the marks before the label.
        rest: what follows the label, or the heading where there is no label.
    """

    text: str
    heading: str = ""
    number: int = 0
    decorated: bool = False
    label: str = ""
    dress: str = ""
    rest: str = ""

    @property
    def says_nothing(self) -> bool:
        """There is no text in it but the mark of a heading, a rule, a fence or a blank."""
        if self.heading:
            return not self.label and not self.rest
        return not _LETTER.search(self.text) or is_fence(self.text)


def is_rule(text: str) -> bool:
    """Whether a line is a Markdown rule, such as `---`, or Alpaca's `###`."""
    return _RULE.match(text) is not None


def is_fence(text: str) -> bool:
    """Whether a line opens or ends a block of Markdown code."""
    return _FENCE.match(text) is not None


def read_line(text: str) -> FormLine:
    """The line with its heading and its label, if it has them, in plain text or in Markdown."""
    if not _LETTER.search(text):
        return FormLine(text)
    heading = _read_heading(text)
    after = len(text) - len(heading.rest)
    label = _LABEL.match(text, after)
    # Without a colon, a label is one only as a heading of its own: `### Input`.
    if not label or not (label[0].endswith((":", "：")) or re.search(r"#|\*\*|__", text[: label.end()])):
        return replace(heading, rest=heading.rest.rstrip(" *_#"))
    # `**Input:** 2` and `**Input: 2**` leave one end of their emphasis with the text.
    emphasis = _EMPHASIS.search(text, 0, label.end())
    loose = emphasis[1] if emphasis and text.count(emphasis[1], 0, label.end()) % 2 else ""
    rest = text[label.end() :]
    if loose:
        rest = rest.removeprefix(loose) if rest.startswith(loose) else rest.rstrip().removesuffix(loose)
    return replace(heading, label=label.lastgroup or "", dress="".join(label[1].split()), rest=rest)


def _read_heading(text: str) -> FormLine:
    task, item = _TASK.match(text), _ITEM.match(text)
    if task:
        return FormLine(text, "task", int(task[1] or 0), rest=text[task.end() :])
    decorated = item is not None and ("#" in item[1] or "**" in item[1])
    # `4 apples` is prose, where `4.` and `### 4` may be headings.
    if item and (item[2] or decorated):
        return FormLine(text, "item", 0, decorated, rest=text[item.end() :])
    return FormLine(text, rest=text)
