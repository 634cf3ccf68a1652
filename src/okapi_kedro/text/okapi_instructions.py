"""Instructions in Okapi's published form, read as rows of our table and written from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from okapi_kedro.text.instruction_defects import DefectActions, Row, screen
from okapi_kedro.text.instruction_files import FIELDS, Entry, read_json_array
from okapi_kedro.text.okapi_files import INSTRUCTIONS, Read, conversion_counts, held_out_problem, is_count, read_columns

ID_PREFIXES = {"sft": "alpaca", "ranking": "ranking", "rl": "rl"}
"""A row without an id is called after its place in the file, as the English rows of Alpaca are."""
KEYS = ("id", *FIELDS, "held_out", "attempts")
"""What a row of ours holds; the published ones hold instruction, input and output, and sometimes an id."""


class PublishedInstructions(NamedTuple):
    """Rows with their split, `held_out` None where the file says nothing of it; those set aside; the defects of all."""

    kept: pd.DataFrame
    rejected: pd.DataFrame
    defects: pd.DataFrame


@dataclass(frozen=True)
class _Own:
    """What only files of ours say of a row, and its split."""

    split: str
    held_out: bool | None
    attempts: int


def read_instructions(files: Mapping[str, tuple[str, str]], actions: DefectActions) -> PublishedInstructions:
    """The instructions of the splits whose files are there; in = kept + rejected.

    Args:
        files: name and contents of a JSON array, by split.
        actions: what becomes of rows with defects.

    Raises:
        UserError: when a file as a whole cannot be read.
    """
    rows: list[Row] = []
    own: dict[str, _Own] = {}
    conversions: Counter[str] = Counter()
    for split, (name, text) in files.items():
        for number, entry in enumerate(read_json_array(name, text)):
            row, said, converted = _read(entry, split, number)
            if not row.problem and row.id in own:
                row = Row(row.place, row.raw, row.id, row.fields, f"id {row.id!r} stands twice")
            if not row.problem:
                own[row.id] = said
                conversions.update(converted)
            rows.append(row)
    screened = screen(rows, "published", actions)
    kept = [own[id] for id in screened.kept["id"]]
    table = screened.kept.drop(columns="source").assign(
        split=pd.Series([each.split for each in kept], dtype="str"),
        held_out=pd.Series([each.held_out for each in kept], dtype="object"),
        attempts=pd.Series([each.attempts for each in kept], dtype="int64"),
    )
    defects = pd.concat([screened.defects, conversion_counts(conversions)], ignore_index=True)
    return PublishedInstructions(table, screened.rejected, defects)


def _read(entry: Entry, split: str, number: int) -> tuple[Row, _Own, tuple[str, ...]]:
    """A row, what is our own in it, and which of its values were no text."""
    read = read_columns(entry, ("instruction", "output"), ("input", "id", "attempts"))
    held_out = entry.value.get("held_out") if not read.problem else None
    problem = read.problem or _problem(read, held_out)
    if problem:
        return Row(entry.place, entry.raw, "", {}, problem), _Own(split, None, 0), ()
    id = read.texts["id"] or f"{ID_PREFIXES[split]}-{number:06d}"
    fields = {field: read.texts[field] for field in FIELDS}
    own = _Own(split, held_out, int(read.texts["attempts"] or 0))
    return Row(entry.place, entry.raw, id, fields, ""), own, read.conversions


def _problem(read: Read, held_out: Any) -> str:
    attempts = read.texts["attempts"]
    if not read.texts["instruction"].strip():
        return "empty instruction"
    if attempts and not is_count(attempts):
        return f"column 'attempts' is no count: {attempts[:20]!r}"
    return held_out_problem(held_out)


def instruction_rows(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The rows of our table for the file of each split, in the table's order."""
    return {split: table.loc[table["split"] == split, list(KEYS)].to_dict("records") for split in INSTRUCTIONS}
