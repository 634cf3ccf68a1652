"""The page with the results of all languages side by side (Okapi, tables 3 to 8)."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from okapi_kedro.evaluation.result_tables import BENCHMARK, CLASSES, LABELS, MODELS, Run, covers
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.english_likeness import mean_similarity
from okapi_kedro.reporting.model_changes import CHANCE
from okapi_kedro.reporting.pages import BENCHMARK_NAMES, render_page
from okapi_kedro.reporting.text_lengths import length_rows
from okapi_kedro.reporting.translation_outcomes import attempts_chart, rejection_share_chart

KINDS = ("language", "average", "gap")
Benchmark = tuple[str, int]


@dataclass(frozen=True)
class Likeness:
    """What a run's language shares with English.

    Args:
        consistency: of the RLHF model's answers (schema Consistency); may be empty.
        similarity: of the base model's states (schema EnglishSimilarity); may be empty.
    """

    consistency: pd.DataFrame
    similarity: pd.DataFrame


def render_leaderboard(
    table: pd.DataFrame,
    likeness: Mapping[Run, Likeness],
    lengths: Mapping[str, pd.DataFrame],
    outcomes: Mapping[str, pd.DataFrame],
) -> str:
    """The leaderboard as one HTML page that needs no other file and no network.

    Args:
        table: as `result_tables` makes it.
        likeness: by base model and language, of the runs in the table and of those that it leaves out.
        lengths: of the texts by the name of the language, as `text_lengths` makes them; not of every language.
        outcomes: of translation by the name of the language, as `translation_outcomes` makes them; not of every one.
    """
    of_all = {name: each.query("part == 'all'") for name, each in lengths.items()}
    return render_page(
        "leaderboard.html.jinja",
        boards=[_board(str(name), rows, likeness) for name, rows in table.groupby("base_model")],
        models=MODELS,
        left_out=_left_out(likeness.keys()),
        lengths=length_rows(of_all),
        outcome_chart=rejection_share_chart(outcomes),
        attempts=attempts_chart(outcomes),
    )


def _left_out(runs: Collection[Run]) -> dict[str, list[str]]:
    """The languages by base model that were evaluated but are in no table of it."""
    outside = [run for run in runs if not covers(*run)]
    return {
        name: [language.name for code, language in LANGUAGES.items() if (name, code) in outside]
        for name in sorted({name for name, _ in outside})
    }


def _board(base_model: str, table: pd.DataFrame, likeness: Mapping[Run, Likeness]) -> dict[str, Any]:
    """All that the page shows of one base model: scores, gains with what the language shares with English."""
    benchmarks = sorted({(str(task), int(shots)) for task, shots in table[BENCHMARK].itertuples(index=False)})
    figures = {(*row[BENCHMARK], *row[LABELS]): row for _, row in table.iterrows()}
    labels = sorted(dict.fromkeys(table[LABELS].itertuples(index=False, name=None)), key=_place)
    return {
        "base_model": base_model,
        "heads": [f"{BENCHMARK_NAMES.get(task, task)}, {shots}-shot" for task, shots in benchmarks],
        "rows": [
            {**_named(label), "cells": [cell for each in benchmarks for cell in _scores(figures.get((*each, *label)))]}
            for label in labels
        ],
        "gains": [
            {**_named(label), **_gains(label, benchmarks, figures, likeness.get((base_model, label[1])))}
            for label in labels
            if label[0] != "gap"
        ],
    }


def _place(label: tuple[str, ...]) -> tuple[int, int, int]:
    """Languages in the paper's order, then averages from the largest group to the smallest, then gaps."""
    kind, code, _, resource_class = label
    order = list(LANGUAGES).index(code) if code else 0
    return KINDS.index(kind), order, CLASSES.index(resource_class) if resource_class else -1


def _named(label: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(LABELS, label, strict=True))


def _scores(row: pd.Series | None) -> list[dict[str, Any]]:
    """A row's cells on one benchmark; the highest score is best, but of gaps none."""
    if row is None:
        return [{"value": math.nan, "stderr": math.nan, "best": False} for _ in MODELS]
    highest = math.nan if row["kind"] == "gap" else row[list(MODELS)].max()
    return [{"value": row[model], "stderr": row[f"{model}_stderr"], "best": row[model] == highest} for model in MODELS]


def _gains(
    label: tuple[str, ...],
    benchmarks: Sequence[Benchmark],
    figures: Mapping[tuple[Any, ...], pd.Series],
    likeness: Likeness | None,
) -> dict[str, Any]:
    """What a row gains on each benchmark, and the likeness to English if the row is a language's."""
    rows = [figures.get((*benchmark, *label)) for benchmark in benchmarks]
    cells = [
        {
            "gain": math.nan if row is None else row["gain"],
            "stderr": math.nan if row is None else row["gain_stderr"],
            "beyond_chance": row is not None and row["p_value"] < CHANCE,
            "same": math.nan if likeness is None else _same_answers(likeness.consistency, task),
        }
        for (task, _), row in zip(benchmarks, rows, strict=True)
    ]
    similarity, unrelated = (math.nan, math.nan) if likeness is None else mean_similarity(likeness.similarity)
    return {"cells": cells, "similarity": similarity, "unrelated": unrelated}


def _same_answers(consistency: pd.DataFrame, task: str) -> float:
    values = consistency.loc[(consistency["task"] == task) & (consistency["metric"] == "acc_norm"), "value"]
    return float(values.iloc[0]) if len(values) else math.nan
