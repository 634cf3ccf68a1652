"""Reads ARC, HellaSwag and MMLU, from their original files or files in the released Okapi schema, as tables."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.tasks import Benchmark
from okapi_kedro.text.surrogates import without_half_pairs

COLUMNS: dict[Benchmark, tuple[str, ...]] = {
    "arc": ("id", "instruction", *(f"option_{letter}" for letter in "abcde"), "answer", "split"),
    "hellaswag": (
        "ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings", "source_id", "split", "split_type", "label",
    ),
    "mmlu": ("id", "instruction", *(f"option_{letter}" for letter in "abcd"), "answer", "split"),
}  # fmt: skip
KEYS: dict[Benchmark, tuple[str, ...]] = {"arc": ("id",), "hellaswag": ("ind", "split"), "mmlu": ("id",)}
REJECTED_COLUMNS = ("id", "reason", "raw")
_NAMED_SPLIT = re.compile(r"(?:^|[/_.-])(train|val|dev|test)")
_SPLITS = {"train": "train", "val": "validation", "dev": "validation", "test": "test"}
Row = dict[str, Any]


def read_benchmark(
    benchmark: Benchmark, files: Mapping[str, str], most_rows: int | None, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A benchmark's rows in the released schema with their split, and the rows that cannot be used.

    Args:
        benchmark: which of the three.
        files: contents by path; `.jsonl` in the original or the released schema, MMLU also as headless `.csv`. The
            split is the row's own, or else the first of train, val, dev and test that the path names.
        most_rows: keep at most so many rows of each split, drawn by the seed; None keeps all.
        seed: draws these rows.

    Raises:
        UserError: when there is no file, or no row of them can be used.
    """
    kept: dict[tuple[object, ...], Row] = {}
    rejected: list[Row] = []
    for path, text in sorted(files.items()):
        for where, raw in _entries(path, text):
            row, reason = _checked(benchmark, path, where, raw)
            key = tuple(row.get(column) for column in KEYS[benchmark])
            if not reason and key in kept:
                reason = f"{KEYS[benchmark][0]} {key[0]!r} stands twice"
            if reason:
                rejected.append({"id": where, "reason": reason, "raw": _raw_text(raw)})
            else:
                kept[key] = row
    if not kept:
        cause = f"; first problem: {rejected[0]['id']}: {rejected[0]['reason']}" if rejected else ""
        raise UserError(f"{benchmark}: no usable row in {len(files)} files{cause}")
    table = pd.DataFrame(list(kept.values()), columns=list(COLUMNS[benchmark]))
    return _draw(table, most_rows, seed), pd.DataFrame(rejected, columns=list(REJECTED_COLUMNS), dtype="str")


def _entries(path: str, text: str) -> Iterator[tuple[str, Any]]:
    """Every line of a file with its place; a line that is no JSON comes as its text."""
    if path.endswith(".csv"):
        try:
            for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
                yield f"{path}:{number}", cells
        except csv.Error as error:
            raise UserError(f"{path} is no CSV: {error}; is a quotation mark never closed?") from error
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except json.JSONDecodeError:
                yield f"{path}:{number}", line


def _checked(benchmark: Benchmark, path: str, where: str, raw: Any) -> tuple[Row, str]:
    if isinstance(raw, str):
        return {}, "not JSON"
    try:
        row = _READERS[benchmark](raw, path, where)
    except KeyError as error:
        return {}, f"column {error.args[0]!r} is missing"
    except (IndexError, TypeError, ValueError) as error:
        return {}, f"not in the schema of {benchmark}: {error}"
    options, gold = options_and_gold(benchmark, row)
    if gold not in options:
        return {}, f"the answer {gold!r} is none of its options"
    if len(set(options.values())) < len(options):
        return {}, "two options are equal"
    return row, ""


def options_and_gold(benchmark: Benchmark, row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The options that are not empty, by letter or number, and which one is right."""
    if benchmark == "hellaswag":
        return {str(i): text.strip() for i, text in enumerate(row["endings"])}, str(row["label"])
    letters = [column[-1] for column in COLUMNS[benchmark] if column.startswith("option_")]
    texts = {letter.upper(): str(row[f"option_{letter}"]).strip() for letter in letters}
    return {letter: text for letter, text in texts.items() if text}, str(row["answer"])


def _read_arc(raw: Row, path: str, where: str) -> Row:
    if "choices" not in raw:
        return {**_texts(raw, COLUMNS["arc"][:-1]), "split": _own_split(raw, path)}
    labels = [_letter(label) for label in raw["choices"]["label"]]
    texts = dict(zip(labels, map(_text, raw["choices"]["text"]), strict=True))
    if len(texts) < len(labels) or not set(texts) <= set("ABCDE"):
        raise ValueError(f"options labelled {', '.join(labels)}")
    question = raw["question"]["stem"] if isinstance(raw["question"], dict) else raw["question"]
    options = {f"option_{letter.lower()}": texts.get(letter, "") for letter in "ABCDE"}
    gold = _letter(raw["answerKey"])
    return {"id": str(raw["id"]), "instruction": _text(question), **options, "answer": gold, "split": _split(path)}


def _letter(label: object) -> str:
    """ARC numbers the options of some questions 1 to 5 instead of A to E."""
    return dict(zip("12345", "ABCDE", strict=True)).get(str(label), str(label))


def _read_hellaswag(raw: Row, path: str, where: str) -> Row:
    texts = {name: _text(raw.get(name) or "") for name in ("source_id", "split_type", "ctx_b")}
    endings = [_text(ending) for ending in raw["endings"]]
    if len(endings) != 4 or not all(endings):
        raise ValueError("not four endings")
    return {
        **texts,
        "ind": int(raw["ind"]),
        "activity_label": _text(raw["activity_label"]),
        "ctx_a": _text(raw.get("ctx_a", raw["ctx"])),
        "ctx": _text(raw["ctx"]),
        "endings": endings,
        "split": _own_split(raw, path),
        "label": int(raw["label"]),
    }


def _read_mmlu(raw: Any, path: str, where: str) -> Row:
    if isinstance(raw, dict):
        return {**_texts(raw, COLUMNS["mmlu"][:-1]), "split": _own_split(raw, path)}
    question, *options, answer = raw
    if len(options) != 4:
        raise ValueError(f"{len(raw)} cells instead of 6")
    named, number = _named_split(path), where.rsplit(":", 1)[1]
    subject = PurePath(path).stem.removesuffix("_dev").removesuffix("_val").removesuffix("_test")
    lettered = {f"option_{letter}": text for letter, text in zip("abcd", options, strict=True)}
    # With the file's own word for the split, as dev and val are both validation.
    id = f"{subject}/{named}/{number}"
    return {"id": id, "instruction": question, **lettered, "answer": answer, "split": _SPLITS[named]}


_READERS: dict[Benchmark, Callable[[Any, str, str], Row]] = {
    "arc": _read_arc,
    "hellaswag": _read_hellaswag,
    "mmlu": _read_mmlu,
}


def _texts(raw: Row, columns: tuple[str, ...]) -> Row:
    """The named columns as text; only the fifth option may be absent, few questions have one."""
    return {column: _text((raw.get(column) or "") if column == "option_e" else raw[column]) for column in columns}


def _text(value: Any) -> str:
    """A value as text; half a surrogate pair, which fits in no file, is replaced."""
    if value is None:
        raise ValueError("a text is null")
    return without_half_pairs(str(value))


def _own_split(raw: Row, path: str) -> str:
    """The split that the row names, or else its path."""
    return _split(str(raw["split"])) if raw.get("split") else _split(path)


def _split(path: str) -> str:
    return _SPLITS[_named_split(path)]


def _named_split(path: str) -> str:
    named = _NAMED_SPLIT.search(path.lower())
    if named is None:
        raise ValueError("neither the row nor the path names a split")
    return named[1]


def _raw_text(raw: Any) -> str:
    return _text(raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False))


def _draw(table: pd.DataFrame, most_rows: int | None, seed: int) -> pd.DataFrame:
    """At most so many rows of each split, in the table's order; the seed and a row's id decide which."""
    if most_rows is None:
        return table
    places = table[table.columns[0]].map(lambda id: hashlib.sha256(f"{seed} {id}".encode()).hexdigest())
    chosen = places.groupby(table["split"]).rank(method="first") <= most_rows
    return table[chosen].reset_index(drop=True)
