"""Finds what is wrong with instructions that people wrote or released, and keeps, mends or drops them as told."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.text.instruction_files import COLUMNS, REJECTED_COLUMNS

Fields = dict[str, str]
Action = Literal["drop", "keep"]


class DefectActions(BaseModel):
    """What becomes of a row with a defect: `drop` sets it aside, `keep` leaves it as it is, `clear` empties its input.

    Args:
        empty_output: there is no output.
        nooutput: the output begins with a placeholder, such as `<nooutput>`, `<noinput>` or `N/A`.
        run_on: the output runs on into the next task of the list that it was written in.
        noinput: the input is a placeholder alone, such as `<noinput>`, `No input required.` or `N/A`.
        link: instruction or input holds a web address, which a model cannot open.
        media: the row shows an image, a video or a sound, or asks for one.
        duplicate: an earlier row has the same instruction, input and output.
    """

    model_config = ConfigDict(extra="forbid")

    empty_output: Action
    nooutput: Action
    run_on: Action
    noinput: Literal["drop", "keep", "clear"]
    link: Action
    media: Action
    duplicate: Action


@dataclass(frozen=True)
class Row:
    """A row of a file, read.

    Args:
        place: where it stands.
        raw: its text as it came.
        id: its own id, or empty for one made of its content.
        fields: instruction, input and output.
        problem: why it is beyond use; empty if it is not.
    """

    place: str
    raw: str
    id: str
    fields: Fields
    problem: str


class Screened(NamedTuple):
    """Rows that were kept, rows that were set aside with the reasons, and how many rows had each defect."""

    kept: pd.DataFrame
    rejected: pd.DataFrame
    defects: pd.DataFrame


def screen(rows: Iterable[Row], source: str, actions: DefectActions) -> Screened:
    """Does with the defects of every row as told, and sets aside what is beyond use or has the id of an earlier row.

    A row that has several defects is counted with each of them.
    """
    kept: dict[str, dict[str, str]] = {}
    rejected: list[dict[str, str]] = []
    met: Counter[str] = Counter()
    seen: Counter[tuple[str, ...]] = Counter()
    action_on = actions.model_dump()
    for row in rows:
        if row.problem:
            rejected.append({"id": row.place, "reason": row.problem, "raw": row.raw})
            continue
        defects = defects_of(row.fields)
        fields = {**row.fields, "input": ""} if "clear" in map(action_on.get, defects) else row.fields
        content = tuple(fields.values())
        defects += ["duplicate"] if seen[content] else []
        met.update(defects)
        id = row.id or _id_of(source, content, seen[content])
        seen[content] += 1
        dropped_for = ", ".join(_named(defect) for defect in defects if action_on[defect] == "drop")
        if reason := dropped_for or (f"id {id!r} stands twice" if id in kept else ""):
            rejected.append({"id": row.place, "reason": reason, "raw": row.raw})
        else:
            kept[id] = {"id": id, "source": source, **fields}
    return Screened(
        pd.DataFrame(list(kept.values()), columns=COLUMNS, dtype="str"),
        pd.DataFrame(rejected, columns=REJECTED_COLUMNS, dtype="str"),
        _defect_table(met, action_on),
    )


def defects_of(fields: Fields) -> list[str]:
    """The defects that a row shows by itself, by their names in `DefectActions`."""
    return [name for name, shows in _SIGNS.items() if shows(fields)]


def _id_of(source: str, content: tuple[str, ...], earlier: int) -> str:
    """An id made of the content; equal rows are told apart by how many of them came earlier."""
    text = "\x1f".join((*content, *([str(earlier)] if earlier else [])))
    return f"{source}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _defect_table(met: Counter[str], actions: dict[str, Any]) -> pd.DataFrame:
    rows = [{"defect": _named(name), "rows": met[name], "action": action} for name, action in actions.items()]
    return pd.DataFrame(rows).astype({"defect": "str", "rows": "int64", "action": "str"})


def _named(defect: str) -> str:
    return defect.replace("_", " ")


_NO_OUTPUT = re.compile(r"\W*(?:no ?(?:in|out)put\b|n/a\b)", re.IGNORECASE)
_NO_INPUT = re.compile(
    r"\W*(?:no[ -]?inputs?(?: (?:is |was )?(?:required|needed|necessary|provided|given|available))?|n/?a|none)\W*",
    re.IGNORECASE,
)
_NEXT_TASK = re.compile(r"\n\W{0,20}\d{1,3}\. ?Instruction:")
_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
_MEDIUM = r"(?:image|picture|photo|photograph|painting|drawing|screenshot|video|audio)s?"
# Markdown's `![`, a bracket that stands for something shown, or words that point at it.
_SHOWN = re.compile(
    rf"!\[|[\[<(][^\])>\n]{{0,40}}\b{_MEDIUM}\b[^\])>\n]{{0,60}}[\])>]"
    rf"|\b(?:this|following|given|attached|provided|below|above) {_MEDIUM}\b",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    r"\W*(?:create|design|draw|sketch|paint|render|generate|make|produce) (?:an? |the |some )?(?:[\w-]+ ){0,3}?"
    rf"(?:{_MEDIUM}|(?:logo|illustration|infographic|poster|comic strip|collage|3D model|animation)s?)\b",
    re.IGNORECASE,
)

_SIGNS: dict[str, Callable[[Fields], object]] = {
    "empty_output": lambda row: not row["output"],
    "nooutput": lambda row: _NO_OUTPUT.match(row["output"]),
    "run_on": lambda row: _NEXT_TASK.search(row["output"]),
    "noinput": lambda row: _NO_INPUT.fullmatch(row["input"]),
    "link": lambda row: _LINK.search(row["instruction"]) or _LINK.search(row["input"]),
    "media": lambda row: _SHOWN.search(f"{row['instruction']}\n{row['input']}") or _ASKED_FOR.match(row["instruction"]),
}
