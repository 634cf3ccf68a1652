"""Reads the rows of instruction files, whatever their format; a row that cannot be read comes with the reason."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from okapi_kedro.errors import UserError
from okapi_kedro.text.surrogates import without_half_pairs

FIELDS = ["instruction", "input", "output"]
COLUMNS = ["id", "source", *FIELDS]
REJECTED_COLUMNS = ["id", "reason", "raw"]
REQUIRED = ["instruction", "output"]
"""Columns that a file with a header has to have."""


@dataclass(frozen=True)
class Entry:
    """One row of a file.

    Args:
        place: where it stands.
        raw: its text as it came.
        value: what it holds, an object with columns if all is well.
        problem: why it cannot be read; empty if it can.
    """

    place: str
    raw: str
    value: Any = None
    problem: str = ""


def read_entries(name: str, content: bytes) -> list[Entry]:
    """The rows of a CSV, JSON (an array), JSON Lines or Parquet file, told apart by the end of its name.

    Numbers come as the text that they are written as.

    Raises:
        UserError: when the file as a whole cannot be read.
    """
    read = _READERS.get(PurePosixPath(name).suffix.lower())
    if read is None:
        raise UserError(f"{name} is no file of instructions: they end in {', '.join(_READERS)}")
    return list(read(name, content))


def read_json_array(name: str, text: str) -> list[Entry]:
    """The rows of a JSON array.

    Raises:
        UserError: when the text is no JSON, or no array.
    """
    try:
        values = _parsed(text)
    except json.JSONDecodeError as error:
        hint = "; a file of one object a line has to end in .jsonl" if error.msg == "Extra data" else ""
        raise UserError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}{hint}"
        ) from error
    if not isinstance(values, list):
        raise UserError(f"{name} must be a JSON array of objects with instruction, input and output")
    return [
        Entry(f"{name} row {number}", as_text(json.dumps(value, ensure_ascii=False)), value)
        for number, value in enumerate(values, start=1)
    ]


def no_usable_row(name: str, first_problem: str) -> UserError:
    """The error of a file of which nothing can be used.

    Args:
        name: of the file.
        first_problem: place and reason of the first row; empty when there is no row.
    """
    return UserError(
        f"{name} has no usable row" + (f"; first problem: {first_problem}" if first_problem else " (it is empty)")
    )


def as_text(value: Any) -> str:
    """A value as text without space around it; null is empty."""
    return "" if value is None else without_half_pairs(str(value)).strip()


def _parsed(text: str) -> Any:
    """JSON with numbers as they are written; NaN, which pandas writes for an empty cell, is null."""
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except RecursionError:
        raise json.JSONDecodeError("Nested too deep", text, 0) from None


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{name} is not UTF-8: byte 0x{content[error.start]:02x} on line {line}; save it as UTF-8"
        ) from error


def _json_entries(name: str, content: bytes) -> list[Entry]:
    return read_json_array(name, _decoded(name, content))


def _json_lines_entries(name: str, content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(_decoded(name, content).split("\n"), start=1):
        if not line.strip():
            continue
        place, raw = f"{name} line {number}", line.strip()
        try:
            yield Entry(place, raw, _parsed(line))
        except json.JSONDecodeError as error:
            yield Entry(place, raw, problem=f"not JSON: {error.msg} at column {error.colno}")


def _csv_entries(name: str, content: bytes) -> Iterator[Entry]:
    lines = _decoded(name, content).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = _csv_rows(name, lines)
    _, header = next(rows, (0, []))
    header = [column.strip() for column in header]
    _require_columns(name, header)
    for (first, last), cells in rows:
        place, raw = f"{name} line {first}", "\n".join(lines[first - 1 : last])
        if len(cells) == len(header):
            yield Entry(place, raw, dict(zip(header, cells, strict=True)))
        else:
            yield Entry(place, raw, problem=f"{len(cells)} cells under a header of {len(header)}")


def _csv_rows(name: str, lines: list[str]) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """First and last line of every row that is not blank, and its cells."""
    reader = csv.reader((f"{line}\n" for line in lines), strict=True)
    first = 1
    try:
        for cells in reader:
            if any(cells):
                yield (first, reader.line_num), cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{name} is no CSV: the row that begins on line {first}: {error}; is a quotation mark never closed?"
        ) from error


def _parquet_entries(name: str, content: bytes) -> Iterator[Entry]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        _require_columns(name, file.schema_arrow.names)
        columns = [column for column in ("id", *FIELDS) if column in file.schema_arrow.names]
        rows = _as_strings(name, file.read(columns)).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is no Parquet file that can be read: {str(error).splitlines()[0]}") from error
    for number, row in enumerate(rows, start=1):
        yield Entry(f"{name} row {number}", as_text(json.dumps(row, ensure_ascii=False)), row)


def _as_strings(name: str, table: pa.Table) -> pa.Table:
    """The columns as strings; whole numbers may stand for ids."""
    for field in table.schema:
        held = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        text = pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held)
        if not (text or pa.types.is_null(held) or (field.name == "id" and pa.types.is_integer(held))):
            raise UserError(f"{name}: column {field.name!r} holds {held}, not text; save it as text")
    return table.cast(pa.schema([(column, pa.string()) for column in table.column_names]))


def _require_columns(name: str, columns: list[str]) -> None:
    twice = [column for column in ("id", *FIELDS) if columns.count(column) > 1]
    if twice:
        raise UserError(f"{name}: column {twice[0]!r} stands twice")
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        there = ", ".join(map(repr, columns))[:100]
        raise UserError(f"{name} has no column {missing[0]!r}; it has {there or 'none'}")


_READERS: dict[str, Callable[[str, bytes], list[Entry] | Iterator[Entry]]] = {
    ".csv": _csv_entries,
    ".json": _json_entries,
    ".jsonl": _json_lines_entries,
    ".parquet": _parquet_entries,
}
