"""ARC, HellaSwag and MMLU as lm-eval tasks over tables, asked as Okapi's own evaluation asked them.

Every option is scored by the log-likelihood of " " + its full text, also in MMLU, whose question lists the options.
Source: the format of nlp-uoregon/mlmm-evaluation. lm-eval's own tasks score letters in MMLU and clean ARC's text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, cast, get_args

import pandas as pd
from datasets import Dataset, Features, List, Value
from lm_eval.api.task import ConfigurableTask

from okapi_kedro.errors import UserError

Benchmark = Literal["arc", "hellaswag", "mmlu"]
Row = Mapping[str, Any]
FEATURES = Features(
    {"id": Value("string"), "query": Value("string"), "choices": List(Value("string")), "gold": Value("int64")}
)


class Question(TypedDict):
    """One row made ready to be asked: the text before the answer, the options, and the place of the right one."""

    id: str
    query: str
    choices: list[str]
    gold: int


@dataclass(frozen=True)
class Format:
    """How the rows of one benchmark are read and asked.

    Args:
        columns: the columns it needs, the row's name first.
        examples: split of the few-shot examples.
        scored: split of the questions that count; HellaSwag's test labels were never published.
        options: the row's options by their letter or number.
        answer: column with the letter or number of the right option.
        query: the question's text from the row and the options kept.
    """

    columns: tuple[str, ...]
    examples: str
    scored: str
    options: Callable[[Row], dict[str, str]]
    answer: str
    query: Callable[[Row, dict[str, str]], str]


def benchmark_task(benchmark: Benchmark, table: pd.DataFrame, shots: int) -> ConfigurableTask:
    """A benchmark's table as a task that lm-eval can run, without the hub and without a dataset cache.

    Args:
        benchmark: which of the three.
        table: rows in the released schema plus `split` (train, validation or test); `endings` is a list column.
        shots: solved examples before each question: the first rows of the examples' split, the same for every question.

    Raises:
        UserError: for an unknown benchmark, missing columns, too few rows, an answer outside the options, equal ones.
    """
    how = _format(benchmark)
    missing = [column for column in how.columns if column not in table.columns]
    if missing:
        raise UserError(
            f"{benchmark}: the table lacks the column {', '.join(missing)}; it has {', '.join(table.columns)}"
        )
    examples = _questions(benchmark, table[table["split"] == how.examples].head(shots))
    scored = _questions(benchmark, table[table["split"] == how.scored])
    if not scored:
        raise UserError(f"{benchmark}: no row with split {how.scored!r}, and those are the questions that are scored")
    if len(examples) < shots:
        raise UserError(
            f"{benchmark}: {shots} shots asked for but only {len(examples)} rows have split {how.examples!r}; use fewer"
        )
    splits = {"examples": _dataset(examples), "scored": _dataset(scored)}
    return ConfigurableTask(
        config={
            "task": benchmark,
            "custom_dataset": lambda **_: splits,
            "output_type": "multiple_choice",
            "test_split": "scored",
            "fewshot_split": "examples",
            "fewshot_config": {"sampler": "first_n"},
            "num_fewshot": shots,
            "doc_to_text": "query",
            "doc_to_choice": "choices",
            "doc_to_target": "gold",
            "metric_list": [
                {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")
            ],
        }
    )


def _format(benchmark: str) -> Format:
    if benchmark not in FORMATS:
        raise UserError(f"unknown benchmark {benchmark!r}; known: {', '.join(get_args(Benchmark))}")
    return FORMATS[benchmark]


def _questions(benchmark: Benchmark, rows: pd.DataFrame) -> list[Question]:
    records = cast(Iterable[Row], rows.to_dict("records"))
    return [_question(benchmark, row) for row in records]


def _question(benchmark: Benchmark, row: Row) -> Question:
    """The row made ready, or an error that names it."""
    how = FORMATS[benchmark]
    name = _text(row[how.columns[0]])
    options = {label: option for label, option in how.options(row).items() if option.strip()}
    answer = _text(row[how.answer])
    if answer not in options:
        raise UserError(f"{benchmark} row {name}: the answer {answer!r} is none of its options ({', '.join(options)})")
    seen: dict[str, str] = {}
    for label, option in options.items():
        if (twin := seen.setdefault(option.strip(), label)) != label:
            raise UserError(f"{benchmark} row {name}: options {twin} and {label} are equal ({option!r})")
    query = how.query(row, options)
    return Question(id=name, query=query, choices=list(options.values()), gold=list(options).index(answer))


def _dataset(questions: list[Question]) -> Dataset:
    """The questions in memory; `Dataset.from_list` would lose the columns when there are none."""
    columns = {
        "id": [question["id"] for question in questions],
        "query": [question["query"] for question in questions],
        "choices": [question["choices"] for question in questions],
        "gold": [question["gold"] for question in questions],
    }
    return Dataset.from_dict(columns, features=FEATURES)


def _text(value: Any) -> str:
    """A cell as text; a missing one is empty."""
    return "" if pd.isna(value) else str(value)


def _lettered(letters: str) -> Callable[[Row], dict[str, str]]:
    return lambda row: {letter: _text(row[f"option_{letter.lower()}"]) for letter in letters}


def _without_wikihow_marks(text: str) -> str:
    """HellaSwag's text without the headings and steps that its WikiHow part was cut from."""
    unmarked = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return unmarked.replace("  ", " ")


def _endings(row: Row) -> dict[str, str]:
    endings = row["endings"]
    if isinstance(endings, str) or not isinstance(endings, Iterable):
        raise UserError(f"hellaswag row {_text(row['ind'])}: `endings` must be a list of texts, not {endings!r}")
    return {str(place): _without_wikihow_marks(_text(ending)) for place, ending in enumerate(endings)}


def _arc_query(row: Row, options: dict[str, str]) -> str:
    return f"Question: {_text(row['instruction'])}\nAnswer:"


def _hellaswag_query(row: Row, options: dict[str, str]) -> str:
    label, first, second = (_text(row[column]) for column in ("activity_label", "ctx_a", "ctx_b"))
    return _without_wikihow_marks(f"{label}: {first} {second.capitalize()}")


def _mmlu_query(row: Row, options: dict[str, str]) -> str:
    listed = "".join(f"{letter}. {option}\n" for letter, option in options.items())
    return f"Question: {_text(row['instruction'])}\nChoices:\n{listed}Answer:"


FORMATS: dict[str, Format] = {
    "arc": Format(
        columns=("id", "instruction", *(f"option_{letter}" for letter in "abcde"), "answer", "split"),
        examples="train",
        scored="test",
        options=_lettered("ABCDE"),
        answer="answer",
        query=_arc_query,
    ),
    "hellaswag": Format(
        columns=("ind", "activity_label", "ctx_a", "ctx_b", "endings", "label", "split"),
        examples="train",
        scored="validation",
        options=_endings,
        answer="label",
        query=_hellaswag_query,
    ),
    "mmlu": Format(
        columns=("id", "instruction", *(f"option_{letter}" for letter in "abcd"), "answer", "split"),
        examples="validation",
        scored="test",
        options=_lettered("ABCD"),
        answer="answer",
        query=_mmlu_query,
    ),
}
