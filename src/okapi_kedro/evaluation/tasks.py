"""ARC, HellaSwag and MMLU as lm-eval tasks over tables, asked in one of the prompt styles."""

from collections.abc import Iterable
from typing import Literal, TypedDict, cast, get_args

import pandas as pd
from datasets import Dataset, Features, List, Value
from lm_eval.api.task import ConfigurableTask

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.prompt_styles import STYLES, Format, Row, Style, text_of

Benchmark = Literal["arc", "hellaswag", "mmlu"]
FEATURES = Features(
    {"id": Value("string"), "query": Value("string"), "choices": List(Value("string")), "gold": Value("int64")}
)
SAMPLERS = {"first": "first_n", "drawn": "default"}
FEWSHOT_SEED = 1234


class Question(TypedDict):
    """One row made ready to be asked: the text before the answer, the options, and the place of the right one."""

    id: str
    query: str
    choices: list[str]
    gold: int


def benchmark_task(benchmark: Benchmark, table: pd.DataFrame, shots: int, style: Style) -> ConfigurableTask:
    """A benchmark's table as a task that lm-eval can run, without the hub and without a dataset cache.

    Args:
        benchmark: which of the three.
        table: rows in the released schema plus `split` (train, validation or test); `endings` is a list column.
        shots: solved examples before each question; those that are drawn are drawn by lm-eval's own default seed.
        style: how the rows are asked.

    Raises:
        UserError: for an unknown benchmark, missing columns, too few rows, an answer outside the options, equal ones.
    """
    how = _format(benchmark, style)
    missing = [column for column in how.columns if column not in table.columns]
    if missing:
        raise UserError(
            f"{benchmark}: the table lacks the column {', '.join(missing)}; it has {', '.join(table.columns)}"
        )
    splits = _splits(benchmark, how, table, shots)
    task = ConfigurableTask(
        config={
            "task": benchmark,
            "custom_dataset": lambda **_: splits,
            "output_type": "multiple_choice",
            "test_split": "scored",
            "fewshot_split": "examples" if "examples" in splits else "scored",
            "fewshot_config": {"sampler": SAMPLERS[how.shots]},
            "num_fewshot": shots,
            "doc_to_text": "query",
            "doc_to_choice": "choices",
            "doc_to_target": "gold",
            "metric_list": [
                {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")
            ],
        }
    )
    task.set_fewshot_seed(FEWSHOT_SEED)
    return task


def _splits(benchmark: str, how: Format, table: pd.DataFrame, shots: int) -> dict[str, Dataset]:
    """The questions that are scored, and the examples where they are others; of these no more than are needed."""
    scored = _questions(benchmark, how, table[table["split"] == how.scored])
    if not scored:
        raise UserError(f"{benchmark}: no row with split {how.scored!r}, and those are the questions that are scored")
    if how.examples == how.scored:
        available = len(scored) - 1
        splits = {"scored": _dataset(scored)}
    else:
        rows = table[table["split"] == how.examples]
        examples = _questions(benchmark, how, rows if shots and how.shots == "drawn" else rows.head(shots))
        available = len(examples)
        splits = {"scored": _dataset(scored), "examples": _dataset(examples)}
    if available < shots:
        raise UserError(
            f"{benchmark}: {shots} shots asked for but only {available} rows have split {how.examples!r}; use fewer"
        )
    return splits


def _format(benchmark: str, style: Style) -> Format:
    formats = STYLES[style].formats
    if benchmark not in formats:
        raise UserError(f"unknown benchmark {benchmark!r}; known: {', '.join(get_args(Benchmark))}")
    return formats[benchmark]


def _questions(benchmark: str, how: Format, rows: pd.DataFrame) -> list[Question]:
    records = cast(Iterable[Row], rows.to_dict("records"))
    return [_question(benchmark, how, row) for row in records]


def _question(benchmark: str, how: Format, row: Row) -> Question:
    """The row made ready, or an error that names it."""
    name = text_of(row[how.columns[0]])
    options = how.options(row)
    filled = {label: option.strip() for label, option in options.items() if option.strip()}
    answer = text_of(row[how.answer])
    if answer not in filled:
        raise UserError(f"{benchmark} row {name}: the answer {answer!r} is none of its options ({', '.join(filled)})")
    seen: dict[str, str] = {}
    for label, option in filled.items():
        if (twin := seen.setdefault(option, label)) != label:
            raise UserError(f"{benchmark} row {name}: options {twin} and {label} are equal ({option!r})")
    gold = list(options).index(answer)
    return Question(id=name, query=how.query(row, options), choices=how.choices(options), gold=gold)


def _dataset(questions: list[Question]) -> Dataset:
    """The questions in memory; `Dataset.from_list` would lose the columns when there are none."""
    columns = {
        "id": [question["id"] for question in questions],
        "query": [question["query"] for question in questions],
        "choices": [question["choices"] for question in questions],
        "gold": [question["gold"] for question in questions],
    }
    return Dataset.from_dict(columns, features=FEATURES)
