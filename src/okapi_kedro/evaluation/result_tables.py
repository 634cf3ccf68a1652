"""Accuracies by language, base model and benchmark, with averages, gaps and their errors (Okapi, tables 3 to 8)."""

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.paired_comparison import mcnemar
from okapi_kedro.evaluation.standard_error import clustered_standard_error
from okapi_kedro.languages import LANGUAGES, Language, UnknownLanguageError

MODELS = ("base", "sft", "rlhf")
CLASSES = ("high", "medium", "low")
BENCHMARK = ["task", "shots"]
LABELS = ["kind", "code", "language", "resource_class"]
FIGURES = [column for name in (*MODELS, "gain") for column in (name, f"{name}_stderr")]
COLUMNS = ["base_model", *BENCHMARK, *LABELS, "languages", "questions", *FIGURES, "p_value"]
_FIRST_LLAMA = re.compile(r"llama[-_]?\d+b", re.IGNORECASE)

Run = tuple[str, str]
"""A base model and the code of the language that it was tuned for."""


def covers(base_model: str, code: str) -> bool:
    """Whether the paper has the language in its tables of the base model: LLaMA's lack twelve that it does not know."""
    return LANGUAGES[code].llama or not _FIRST_LLAMA.search(base_model)


def right_answers(answers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Which questions each model of a run has right, by log-likelihood per character (acc_norm).

    Args:
        answers: by model (base, sft, rlhf), see `answer_task`.

    Returns:
        A column for each model, 1 for right and 0 for wrong; the index is task, shots and id.

    Raises:
        UserError: when the models were not asked the same questions.
    """
    right = {
        model: (table["chosen_norm"] == table["gold"]).set_axis(pd.MultiIndex.from_frame(table[[*BENCHMARK, "id"]]))
        for model, table in answers.items()
    }
    together = pd.concat(right, axis=1, sort=False)
    if (other := together[together.isna().any(axis=1)]).size:
        task, _, id = other.index[0]
        raise UserError(f"{len(other)} questions were not asked of all models, first {task} {id}; score all again")
    return together.astype(float)


def result_tables(right: Mapping[Run, pd.DataFrame]) -> pd.DataFrame:
    """For each base model and benchmark the languages in the paper's order, their averages and the gaps between them.

    Languages that `covers` excludes are left out. English is shown, but enters neither averages nor gaps: the paper's
    are over its 26 others.

    Args:
        right: by base model and language, as `right_answers` makes it.

    Returns:
        One row per base_model, task, shots and label. The kind of a row is language; average, over all languages or
        those of a resource_class; or gap, best minus worst language and standard deviation of the languages. languages
        and questions count what the row is about. For each model the share of right answers and its stderr; gain is
        that of RLHF on the base model, question by question, and p_value its chance by `mcnemar`, nan where there are
        several languages. Gaps have no errors, and their gain says whether the gap has grown.

    Raises:
        UnknownLanguageError: for a code that is not in the table of languages.
    """
    unknown = [code for _, code in right if code not in LANGUAGES]
    if unknown:
        raise UnknownLanguageError(unknown[0])
    rows = [
        {"base_model": base_model, "task": task, "shots": shots, **row}
        for base_model in sorted({name for name, _ in right})
        for (task, shots), languages in _by_benchmark(right, base_model).items()
        for row in _rows(languages)
    ]
    texts = dict.fromkeys(("base_model", "task", *LABELS), "str")
    counts = dict.fromkeys(("shots", "languages", "questions"), "int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype(texts | counts | dict.fromkeys((*FIGURES, "p_value"), "float64"))


def _by_benchmark(right: Mapping[Run, pd.DataFrame], base_model: str) -> dict[tuple[str, int], dict[str, pd.DataFrame]]:
    """By benchmark and shots the answers in each language, in the paper's order; the gain is a column like a model."""
    own = {code: right[base_model, code] for code in LANGUAGES if (base_model, code) in right}
    parts = [
        (benchmark, code, asked.droplevel(BENCHMARK).assign(gain=lambda table: table["rlhf"] - table["base"]))
        for code, table in own.items()
        if covers(base_model, code)
        for benchmark, asked in table.groupby(level=BENCHMARK)
    ]
    return {
        benchmark: {code: asked for each, code, asked in parts if each == benchmark}
        for benchmark in sorted({benchmark for benchmark, _, _ in parts})
    }


def _rows(asked: Mapping[str, pd.DataFrame]) -> list[dict[str, object]]:
    """The rows of one table: languages, averages, gaps."""
    paper = [LANGUAGES[code] for code in asked if code != "en"]
    groups: dict[str, list[Language]] = {"": paper} | {
        name: [language for language in paper if language.resource_class == name] for name in CLASSES
    }
    languages = [
        {"kind": "language", "code": code, "language": LANGUAGES[code].name}
        | {"resource_class": LANGUAGES[code].resource_class, **_figures([table]), "p_value": _chance(table["gain"])}
        for code, table in asked.items()
    ]
    averages = [
        {"kind": "average", "code": "", "language": f"Average, {name or 'all'}", "resource_class": name}
        | {**_figures([asked[language.code] for language in group]), "p_value": math.nan}
        for name, group in groups.items()
        if group
    ]
    return [*languages, *averages, *_gaps([row for row in languages if row["code"] != "en"])]


def _figures(tables: Sequence[pd.DataFrame]) -> dict[str, object]:
    """The means over languages, and their errors; questions that are translations of each other count as one."""
    means = pd.concat([table.mean() for table in tables], axis=1).mean(axis=1)
    errors = clustered_standard_error(tables)
    return {
        "languages": len(tables),
        "questions": len(set[str]().union(*(table.index for table in tables))),
        **means.to_dict(),
        **errors.add_suffix("_stderr").to_dict(),
    }


def _chance(gains: pd.Series) -> float:
    return mcnemar(int((gains > 0).sum()), int((gains < 0).sum()))


def _gaps(languages: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """How far the languages lie apart, in each model; nothing of a single language."""
    values = pd.DataFrame(languages, columns=[*MODELS]).astype(float)
    gaps = {"Best minus worst": values.max() - values.min(), "Standard deviation": values.std()}
    return [
        {"kind": "gap", "code": "", "language": name, "resource_class": "", "languages": len(values), "questions": 0}
        | {**gap.to_dict(), "gain": gap["rlhf"] - gap["base"]}
        for name, gap in gaps.items()
        if len(values) > 1
    ]
