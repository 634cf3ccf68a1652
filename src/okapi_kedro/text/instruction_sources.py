"""The instructions of Alpaca and of the user's own files, with their defects; in = kept + rejected."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from okapi_kedro.text.instruction_defects import DefectActions, Row, Screened, screen
from okapi_kedro.text.instruction_files import (
    FIELDS,
    REQUIRED,
    Entry,
    as_text,
    no_usable_row,
    read_entries,
    read_json_array,
)

logger = logging.getLogger(__name__)


def read_alpaca(text: str, name: str, most: int | None, actions: DefectActions) -> Screened:
    """Instructions in Alpaca's schema, a JSON array of objects; a row's id is its number in the file, from 0.

    Args:
        text: the file's contents.
        name: the file's name, for messages.
        most: read only this many rows from the start; None reads all.
        actions: what becomes of rows with defects.

    Raises:
        UserError: when the file is no JSON array of objects, or no row can be used.
    """
    rows = _rows(name, read_json_array(name, text)[:most], FIELDS)
    ids = [f"alpaca-{number:06d}" for number in range(len(rows))]
    return screen([replace(row, id=id, place=id) for row, id in zip(rows, ids, strict=True)], "alpaca", actions)


def read_human(files: Mapping[str, bytes], actions: DefectActions) -> Screened:
    """The instructions of the user's own files; a row's id is `human-<file>-<its own id>`, or made of its content.

    Args:
        files: contents by name; `.csv`, `.json`, `.jsonl` or `.parquet` with the columns instruction, output and
            possibly input and id.
        actions: what becomes of rows with defects.

    Raises:
        UserError: when a file as a whole cannot be read, or no row of it can be used.
    """
    rows = [row for name, content in sorted(files.items()) for row in _human_rows(as_text(name), content)]
    return screen(rows, "human", actions)


def count_human_rows(files: Mapping[str, bytes]) -> int:
    """The rows of the user's own files, usable or not."""
    return sum(len(read_entries(name, content)) for name, content in files.items())


def _human_rows(name: str, content: bytes) -> list[Row]:
    entries = read_entries(name, content)
    columns = dict.fromkeys(column for entry in entries if isinstance(entry.value, dict) for column in entry.value)
    if unread := [column for column in columns if column not in ("id", *FIELDS)]:
        logger.warning("%s: columns that are not read: %s", name, ", ".join(map(repr, unread)))
    return [replace(row, id=row.id and f"human-{name}-{row.id}") for row in _rows(name, entries, REQUIRED)]


def _rows(name: str, entries: Sequence[Entry], required: Sequence[str]) -> list[Row]:
    """All rows of a file.

    Raises:
        UserError: when none of them can be used.
    """
    rows = [_row(entry, required) for entry in entries]
    if all(row.problem for row in rows):
        raise no_usable_row(name, f"{rows[0].place}: {rows[0].problem}" if rows else "")
    return rows


def _row(entry: Entry, required: Sequence[str]) -> Row:
    columns = entry.value if isinstance(entry.value, dict) else {}
    fields = {field: as_text(columns.get(field)) for field in FIELDS}
    problem = entry.problem or _problem(entry.value, required) or ("" if fields["instruction"] else "empty instruction")
    return Row(entry.place, entry.raw, as_text(columns.get("id")), fields, problem)


def _problem(value: object, required: Sequence[str]) -> str:
    if not isinstance(value, dict):
        return "not an object"
    missing = [column for column in required if column not in value]
    if missing:
        return f"column {missing[0]!r} is missing"
    strange = [column for column in ("id", *FIELDS) if not isinstance(value.get(column), str | None)]
    return f"column {strange[0]!r} is no text" if strange else ""
