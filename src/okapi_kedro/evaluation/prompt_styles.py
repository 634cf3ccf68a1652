"""How a benchmark's rows become questions: as lm-eval's own Okapi tasks ask them, or as Okapi's evaluation asked them.

|           | harness                                         | okapi                                          |
|-----------|-------------------------------------------------|------------------------------------------------|
| ARC       | texts without brackets; shots drawn each time   | texts as they are; the first training rows     |
| HellaSwag | shots drawn among the other scored rows         | the first of the other scored rows             |
| MMLU      | letters are scored; the first validation rows   | the options' texts are scored; the same shots  |
| BOS       | where the tokenizer puts one                    | none                                           |

Both leave HellaSwag's text without its WikiHow marks, and neither depends on the language: all have the English frame.
MMLU's first validation rows are its development rows, five of a subject, in the order of the files.

Sources: lm_eval/tasks/okapi (arc, hellaswag, m_mmlu) of lm-eval 0.4, which lacks HellaSwag for Chinese and English and
ARC for English, and nlp-uoregon/mlmm-evaluation. That draws the shots anew for every question; here they are the first
rows, so that all questions share them and they go through the model once.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from okapi_kedro.errors import UserError

Style = Literal["harness", "okapi"]
Row = Mapping[str, Any]
Options = dict[str, str]


@dataclass(frozen=True)
class Format:
    """How the rows of one benchmark are read and asked.

    Args:
        columns: the columns it needs, the row's name first.
        examples: split of the few-shot examples.
        scored: split of the questions that count; HellaSwag's test labels were never published.
        shots: the first examples for every question, or drawn for each; never the question itself.
        options: the row's options by their letter or number.
        answer: column with the letter or number of the right option.
        query: the question's text from the row and its options.
        choices: what is scored for each option, after a space.
    """

    columns: tuple[str, ...]
    examples: str
    scored: str
    shots: Literal["first", "drawn"]
    options: Callable[[Row], Options]
    answer: str
    query: Callable[[Row, Options], str]
    choices: Callable[[Options], list[str]]


@dataclass(frozen=True)
class PromptStyle:
    """How all benchmarks are asked.

    Args:
        formats: by benchmark.
        add_bos: whether a BOS stands before the text; None leaves it to the tokenizer.
    """

    formats: Mapping[str, Format]
    add_bos: bool | None


def text_of(value: Any) -> str:
    """A cell as text; a missing one is empty."""
    return "" if pd.isna(value) else str(value)


def without_wikihow_marks(text: str) -> str:
    """HellaSwag's text without the headings and steps that its WikiHow part was cut from."""
    unmarked = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return unmarked.replace("  ", " ")


def _lettered(row: Row, letters: str) -> Options:
    return {letter: text_of(row[f"option_{letter.lower()}"]) for letter in letters}


def _filled(options: Options) -> Options:
    """The options that are not empty: few ARC questions have a fifth."""
    return {label: option for label, option in options.items() if option.strip()}


def _endings(row: Row) -> Options:
    endings = row["endings"]
    if isinstance(endings, str) or not isinstance(endings, Iterable):
        raise UserError(f"hellaswag row {text_of(row['ind'])}: `endings` must be a list of texts, not {endings!r}")
    return _filled({str(place): text_of(ending) for place, ending in enumerate(endings)})


def _texts(options: Options) -> list[str]:
    return list(options.values())


def _unmarked_texts(options: Options) -> list[str]:
    return [without_wikihow_marks(option) for option in options.values()]


def _question(row: Row, options: Options) -> str:
    return f"Question: {text_of(row['instruction'])}\nAnswer:"


def _unmarked_question(row: Row, options: Options) -> str:
    return f"Question: {without_wikihow_marks(text_of(row['instruction']))}\nAnswer:"


def _continued_context(row: Row, options: Options) -> str:
    label, first, second = (text_of(row[column]) for column in ("activity_label", "ctx_a", "ctx_b"))
    return without_wikihow_marks(f"{label}: {first} {second.capitalize()}")


def _listed(options: Options) -> str:
    return "".join(f"{letter}. {option}\n" for letter, option in options.items())


def _question_with_choices(row: Row, options: Options) -> str:
    return f"Question: {text_of(row['instruction'])}\nChoices:\n{_listed(options)}Answer:"


def _bare_question_with_choices(row: Row, options: Options) -> str:
    return f"{text_of(row['instruction']).strip()}\n{_listed(options)}Answer:"


_OKAPI = {
    "arc": Format(
        columns=("id", "instruction", *(f"option_{letter}" for letter in "abcde"), "answer", "split"),
        examples="train",
        scored="test",
        shots="first",
        options=lambda row: _filled(_lettered(row, "ABCDE")),
        answer="answer",
        query=_question,
        choices=_texts,
    ),
    "hellaswag": Format(
        columns=("ind", "activity_label", "ctx_a", "ctx_b", "endings", "label", "split"),
        examples="validation",
        scored="validation",
        shots="first",
        options=_endings,
        answer="label",
        query=_continued_context,
        choices=_unmarked_texts,
    ),
    "mmlu": Format(
        columns=("id", "instruction", *(f"option_{letter}" for letter in "abcd"), "answer", "split"),
        examples="validation",
        scored="test",
        shots="first",
        options=lambda row: _filled(_lettered(row, "ABCD")),
        answer="answer",
        query=_question_with_choices,
        choices=_texts,
    ),
}
_HARNESS = {
    "arc": replace(_OKAPI["arc"], shots="drawn", query=_unmarked_question, choices=_unmarked_texts),
    "hellaswag": replace(_OKAPI["hellaswag"], shots="drawn"),
    "mmlu": replace(
        _OKAPI["mmlu"], options=lambda row: _lettered(row, "ABCD"), query=_bare_question_with_choices, choices=list
    ),
}
STYLES: dict[Style, PromptStyle] = {
    "harness": PromptStyle(_HARNESS, add_bos=None),
    "okapi": PromptStyle(_OKAPI, add_bos=False),
}
