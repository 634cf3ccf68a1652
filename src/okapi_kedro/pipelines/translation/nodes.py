"""Instructions and benchmarks in the target language (Okapi, section 2.2 and 4.1)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.evaluation.benchmark_files import options_and_gold, read_benchmark
from okapi_kedro.evaluation.tasks import Benchmark
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipelines.translation.translate_rows import Fields, TranslationParameters, translate_rows
from okapi_kedro.teacher.ask import Answer
from okapi_kedro.teacher.client import Teacher

INSTRUCTION_FIELDS = ("instruction", "input", "output")


class BenchmarkParameters(BaseModel):
    """One benchmark and how much of it is used.

    Args:
        name: which of the three.
        most_rows: at most so many rows of each split; None uses all.
        shots: solved examples before each question.
    """

    model_config = ConfigDict(extra="forbid")

    name: Benchmark
    most_rows: int | None
    shots: int


def translate_instructions(
    instructions: pd.DataFrame,
    splits: pd.DataFrame,
    prompt: str,
    teacher: Teacher,
    parameters: TranslationParameters,
    language: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Translates instruction, input and output of every row in one request; rows that fail the checks are kept aside.

    Returns:
        The translated rows with their split, and the rejected rows with reason and the teacher's raw text.
    """
    rows = instructions.merge(splits, on="id", validate="one_to_one")
    fields = rows[list(INSTRUCTION_FIELDS)].to_dict("records")
    answers = translate_rows(fields, prompt, teacher, parameters, LANGUAGES[language])
    return _translated_table(rows, answers), rejected_table(rows["id"], answers)


def keep_english_instructions(instructions: pd.DataFrame, splits: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The English rows as they are: for English, translation is the identity."""
    rows = instructions.merge(splits, on="id", validate="one_to_one")
    answers = [Answer({name: row[name] for name in INSTRUCTION_FIELDS}, "", "", 0) for row in rows.to_dict("records")]
    return _translated_table(rows, answers), rejected_table(rows["id"], answers)


def _translated_table(rows: pd.DataFrame, answers: Sequence[Answer[Fields]]) -> pd.DataFrame:
    translated = [
        {"id": row.id, "split": row.split, "held_out": row.held_out, **answer.value, "attempts": answer.attempts}
        for row, answer in zip(rows.itertuples(), answers, strict=True)
        if answer.value is not None
    ]
    table = pd.DataFrame(translated, columns=["id", "split", "held_out", *INSTRUCTION_FIELDS, "attempts"])
    text = dict.fromkeys(("id", "split", *INSTRUCTION_FIELDS), "str")
    return table.astype({**text, "held_out": "bool", "attempts": "int64"})


def rejected_table(ids: Sequence[str], answers: Sequence[Answer[Fields]]) -> pd.DataFrame:
    """The rows without a good answer: id, reason and the last raw text."""
    rejected = [
        {"id": id, "reason": answer.reason, "raw": answer.raw}
        for id, answer in zip(ids, answers, strict=True)
        if answer.value is None
    ]
    return pd.DataFrame(rejected, columns=["id", "reason", "raw"], dtype="str")


def read_benchmark_files(
    files: dict[str, Callable[[], str]], benchmark: BenchmarkParameters, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A benchmark in English, in the released schema, and the rows that cannot be used."""
    contents = {path: load() for path, load in files.items()}
    return read_benchmark(benchmark.name, contents, benchmark.most_rows, seed)


def translate_benchmark(
    table: pd.DataFrame,
    benchmark: BenchmarkParameters,
    prompt: str,
    teacher: Teacher,
    parameters: TranslationParameters,
    language: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Translates question and options together; the right answer keeps its place (section 4.1).

    Returns:
        The translated rows in the schema of the table, and the rejected ones; a row whose options are not distinct any
        more is rejected too.
    """
    rows = table.to_dict("records")
    fields = [_benchmark_fields(row, benchmark.name) for row in rows]
    answers = translate_rows(fields, prompt, teacher, parameters, LANGUAGES[language])
    answers = [_with_distinct_options(answer, row, benchmark.name) for answer, row in zip(answers, rows, strict=True)]
    kept = [
        _with_fields(row, answer.value, benchmark.name)
        for row, answer in zip(rows, answers, strict=True)
        if answer.value is not None
    ]
    translated = pd.DataFrame(kept, columns=table.columns).astype(table.dtypes.to_dict())
    return translated, rejected_table(table[table.columns[0]].astype("str"), answers)


def keep_english_benchmark(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The English benchmark as it is: for English, translation is the identity."""
    return table.copy(), rejected_table([], [])


def _benchmark_fields(row: dict[str, Any], benchmark: Benchmark) -> Fields:
    if benchmark != "hellaswag":
        return {name: text for name, text in row.items() if name == "instruction" or name.startswith("option_")}
    endings = {f"ending_{number}": text for number, text in enumerate(row["endings"])}
    return {name: row[name] for name in ("ctx_a", "ctx_b", "activity_label")} | endings


def _with_fields(row: dict[str, Any], fields: Fields, benchmark: Benchmark) -> dict[str, Any]:
    if benchmark != "hellaswag":
        return {**row, **fields}
    endings = [fields[f"ending_{number}"] for number in range(len(row["endings"]))]
    context = {name: fields[name] for name in ("activity_label", "ctx_a", "ctx_b")}
    return {**row, **context, "ctx": f"{fields['ctx_a']} {fields['ctx_b']}".strip(), "endings": endings}


def _with_distinct_options(answer: Answer[Fields], row: dict[str, Any], benchmark: Benchmark) -> Answer[Fields]:
    if answer.value is None:
        return answer
    options, _ = options_and_gold(benchmark, _with_fields(row, answer.value, benchmark))
    if len(set(options.values())) == len(options):
        return answer
    raw = json.dumps(answer.value, ensure_ascii=False)
    return replace(answer, value=None, reason="two options became equal", raw=raw)
