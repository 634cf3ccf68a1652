"""Reads files of instructions that people wrote or released; what cannot be used is kept aside with a reason."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from okapi_kedro.errors import UserError

COLUMNS = ["id", "source", "instruction", "input", "output"]
REJECTED_COLUMNS = ["id", "reason", "raw"]


def read_seed_tasks(text: str, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Seed tasks in Self-Instruct's schema, one JSON object a line, as instruction rows; and the lines kept aside.

    Args:
        text: the file's contents.
        name: the file's name, for messages.

    Raises:
        UserError: when no line can be used, or a line has not the schema's columns in any row.
    """
    kept: list[dict[str, str]] = []
    rejected: list[dict[str, str]] = []
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row, reason = _seed_row(line)
        if row is not None and row["id"] in seen:
            reason = f"id {row['id']!r} stands twice"
        if row is None or reason:
            rejected.append({"id": f"line {number}", "reason": reason, "raw": line})
        else:
            seen.add(row["id"])
            kept.append(row)
    return _tables(kept, rejected, name)


def _seed_row(line: str) -> tuple[dict[str, str] | None, str]:
    try:
        task = json.loads(line)
        instance = task["instances"][0]
        row = {
            "id": str(task["id"]),
            "source": "seed",
            "instruction": _text(task["instruction"]),
            "input": _text(instance["input"]),
            "output": _text(instance["output"]),
        }
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at column {error.colno}"
    except KeyError as error:
        return None, f"column {error.args[0]!r} is missing"
    except (TypeError, IndexError):
        return None, "no instance with input and output"
    return (row, "") if row["instruction"] and row["output"] else (None, "empty instruction or output")


def _text(value: Any) -> str:
    """A value as text without space around it; null is empty."""
    # Half a surrogate pair, which a broken writer leaves behind, fits in no file.
    return "" if value is None else str(value).encode(errors="replace").decode().strip()


def read_alpaca(text: str, name: str, most: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Instructions in Alpaca's schema, a JSON array of instruction, input and output; and the rows kept aside.

    Args:
        text: the file's contents.
        name: the file's name, for messages.
        most: read only this many rows from the start; None reads all.

    Raises:
        UserError: when the file is no JSON array of objects, or no row can be used.
    """
    kept: list[dict[str, str]] = []
    rejected: list[dict[str, str]] = []
    seen: set[tuple[str, ...]] = set()
    for number, entry in enumerate(_json_array(text, name)[:most]):
        id = f"alpaca-{number:06d}"
        reason = _alpaca_problem(entry)
        row = {column: _text(entry[column]) for column in COLUMNS[2:]} if not reason else {}
        content = tuple(row.values())
        if row and content in seen:
            reason = "an earlier row is equal"
        if reason:
            rejected.append({"id": id, "reason": reason, "raw": _text(json.dumps(entry, ensure_ascii=False))})
        else:
            seen.add(content)
            kept.append({"id": id, "source": "alpaca", **row})
    return _tables(kept, rejected, name)


def _json_array(text: str, name: str) -> list[Any]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    if not isinstance(entries, list):
        raise UserError(f"{name} must be a JSON array of objects with instruction, input and output")
    return entries


def _alpaca_problem(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "not an object"
    missing = [column for column in COLUMNS[2:] if column not in entry]
    if missing:
        return f"column {missing[0]!r} is missing"
    return "" if _text(entry["instruction"]) and _text(entry["output"]) else "empty instruction or output"


def _tables(
    kept: Iterable[dict[str, str]], rejected: list[dict[str, str]], name: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.DataFrame(kept, columns=COLUMNS, dtype="str")
    if rows.empty:
        cause = f"; first problem: {rejected[0]['id']}: {rejected[0]['reason']}" if rejected else " (it is empty)"
        raise UserError(f"{name} has no usable row{cause}")
    return rows, pd.DataFrame(rejected, columns=REJECTED_COLUMNS, dtype="str")
