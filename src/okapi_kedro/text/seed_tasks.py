"""Reads seed tasks in Self-Instruct's schema; what cannot be used is kept aside with a reason."""

import json

import pandas as pd

from okapi_kedro.text.instruction_files import COLUMNS, REJECTED_COLUMNS, as_text, no_usable_row


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
    if not kept:
        raise no_usable_row(name, f"{rejected[0]['id']}: {rejected[0]['reason']}" if rejected else "")
    return pd.DataFrame(kept, columns=COLUMNS, dtype="str"), pd.DataFrame(
        rejected, columns=REJECTED_COLUMNS, dtype="str"
    )


def _seed_row(line: str) -> tuple[dict[str, str] | None, str]:
    try:
        task = json.loads(line)
        instance = task["instances"][0]
        row = {
            "id": str(task["id"]),
            "source": "seed",
            "instruction": as_text(task["instruction"]),
            "input": as_text(instance["input"]),
            "output": as_text(instance["output"]),
        }
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at column {error.colno}"
    except KeyError as error:
        return None, f"column {error.args[0]!r} is missing"
    except (TypeError, IndexError):
        return None, "no instance with input and output"
    return (row, "") if row["instruction"] and row["output"] else (None, "empty instruction or output")
