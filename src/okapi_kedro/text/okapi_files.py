"""The files that Okapi published for a language: what they are called, and how a row of theirs is read as text."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from okapi_kedro.text.instruction_files import Entry, read_json_array
from okapi_kedro.text.surrogates import without_half_pairs

INSTRUCTIONS = {
    "sft": "multilingual-alpaca-52k",
    "ranking": "multilingual-ranking-instructions-42k",
    "rl": "multilingual-rl-tuning-64k",
}
"""Folder of the instructions of each split. Okapi published no references for those that it ranked responses to; the
folder of that split is ours."""
PREFERENCES = "multilingual-ranking-data-42k"
BENCHMARKS = ("arc", "hellaswag", "mmlu")
BENCHMARK_SPLITS = ("train", "validation", "test")


def instruction_file(split: str, language: str) -> str:
    """Name of the file with a split's instructions, without its ending, as all names here."""
    return f"{INSTRUCTIONS[split]}/{language}"


def preference_file(language: str) -> str:
    """Name of the file with pairs of responses."""
    return f"{PREFERENCES}/{language}"


def benchmark_file(benchmark: str, language: str, split: str) -> str:
    """Name of the file with a split of a benchmark."""
    return f"m_{benchmark}/{language}_{split}"


def files_by_table(language: str) -> dict[str, list[str]]:
    """The files that each of our tables is read from."""
    return {
        "translated_instructions": [instruction_file(split, language) for split in INSTRUCTIONS],
        "preferences": [preference_file(language)],
        **{name: [benchmark_file(name, language, split) for split in BENCHMARK_SPLITS] for name in BENCHMARKS},
    }


@dataclass(frozen=True)
class Read:
    """A row, read.

    Args:
        texts: the columns asked for, as text.
        conversions: for each column that was no text, which one it was and what it was.
        problem: why the row cannot be used; empty if it can.
    """

    texts: dict[str, str]
    conversions: tuple[str, ...] = ()
    problem: str = ""


def read_columns(entry: Entry, required: Sequence[str], optional: Sequence[str] = ()) -> Read:
    """Columns of a row as text; numbers are the text that they are written as, and an optional one may be missing."""
    if not isinstance(entry.value, dict):
        return Read({}, problem="not an object")
    missing = [column for column in required if column not in entry.value]
    if missing:
        return Read({}, problem=f"column {missing[0]!r} is missing")
    read = {column: _as_text(entry.value.get(column, "")) for column in (*required, *optional)}
    strange = [column for column, (text, _) in read.items() if text is None]
    if strange:
        return Read({}, problem=f"column {strange[0]!r} is {read[strange[0]][1]}")
    conversions = tuple(f"{column} is {was}" for column, (_, was) in read.items() if was)
    return Read({column: text or "" for column, (text, _) in read.items()}, conversions)


def is_count(text: str) -> bool:
    """Whether a text is a whole number of at most nine digits."""
    return text.isascii() and text.isdigit() and len(text) < 10


def held_out_problem(held_out: Any) -> str:
    """What is wrong with a row's own `held_out`; empty if nothing is, or the row does not say so."""
    return "" if isinstance(held_out, bool | None) else "column 'held_out' is neither true nor false"


def _as_text(value: Any) -> tuple[str | None, str]:
    """A value as text, None where it cannot be; and what it was if it was none."""
    match value:
        case str():
            return without_half_pairs(value), ""
        case None:
            return "", "null"
        case bool():
            return json.dumps(value), "true or false"
        case list() if all(isinstance(each, str | bool) for each in value):
            return "\n".join(_as_text(each)[0] or "" for each in value), "a list"
        case list():
            return None, "a list of more than texts"
        case _:
            return None, "an object"


def conversion_counts(conversions: Counter[str]) -> pd.DataFrame:
    """How many values were no text, by column and kind; null became empty, the others are kept."""
    rows = [
        {"defect": name, "rows": count, "action": "clear" if name.endswith("is null") else "keep"}
        for name, count in sorted(conversions.items())
    ]
    table = pd.DataFrame(rows, columns=["defect", "rows", "action"])
    return table.astype({"defect": "str", "rows": "int64", "action": "str"})


def as_json_lines(name: str, text: str) -> str:
    """A file that holds a JSON array or one object a line, as one object a line.

    Raises:
        UserError: when an array cannot be read.
    """
    text = text.removeprefix("\ufeff")
    if not text.lstrip().startswith("["):
        return text
    return "\n".join(entry.raw for entry in read_json_array(name, text))
