"""The page with the results of all languages side by side (Okapi, tables 3 to 8)."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from okapi_kedro.evaluation.result_tables import BENCHMARK, CLASSES, FIGURES, LABELS, MODELS, Run, covers
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.english_likeness import mean_similarity
from okapi_kedro.reporting.model_changes import CHANCE
from okapi_kedro.reporting.pages import BENCHMARK_NAMES, render_page
from okapi_kedro.reporting.text_lengths import length_rows
from okapi_kedro.reporting.translation_outcomes import attempts_chart, rejection_share_chart

KINDS = ("language", "average", "gap")
Figures = Mapping[Any, Any]
NONE: Figures = dict.fromkeys((*FIGURES, "p_value"), math.nan)
"""The figures of a language that lacks a benchmark."""


@dataclass(frozen=True)
class Likeness:
    """What a run's language shares with English, as far as it was measured.

    Args:
        consistency: of the RLHF model's answers (schema Consistency).
        similarity: of the base model's states (schema EnglishSimilarity).
    """

    consistency: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["task", "metric", "value"]))
    similarity: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["layer", "similarity", "unrelated"], dtype="float64")
    )


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
    """All that the page shows of one base model: scores, and gains beside what the languages share with English."""
    benchmarks = sorted({(str(task), int(shots)) for task, shots in table[BENCHMARK].itertuples(index=False)})
    labels = sorted(dict.fromkeys(table[LABELS].itertuples(index=False, name=None)), key=_place)
    figures = {tuple(row[name] for name in (*LABELS, *BENCHMARK)): row for row in table.to_dict("records")}
    rows = [
        {
            **dict(zip(LABELS, label, strict=True)),
            "figures": [figures.get((*label, *each), NONE) for each in benchmarks],
        }
        for label in labels
    ]
    return {
        "base_model": base_model,
        "heads": [f"{BENCHMARK_NAMES.get(task, task)}, {shots}-shot" for task, shots in benchmarks],
        "rows": [
            {**row, "cells": [cell for each in row["figures"] for cell in _scores(row["kind"], each)]} for row in rows
        ],
        "gains": [
            {**row, **_gains(row["figures"], benchmarks, likeness.get((base_model, row["code"]), Likeness()))}
            for row in rows
            if row["kind"] != "gap"
        ],
    }


def _place(label: tuple[str, ...]) -> tuple[int, int, int]:
    """Languages in the paper's order, then averages from the largest group to the smallest, then gaps."""
    kind, code, _, resource_class = label
    order = list(LANGUAGES).index(code) if code else 0
    return KINDS.index(kind), order, CLASSES.index(resource_class) if resource_class else -1


def _scores(kind: str, row: Figures) -> list[dict[str, Any]]:
    """A row's cells on one benchmark; the highest score is best, but of gaps none."""
    highest = math.nan if kind == "gap" else max(row[model] for model in MODELS)
    return [{"value": row[model], "stderr": row[f"{model}_stderr"], "best": row[model] == highest} for model in MODELS]


def _gains(rows: Sequence[Figures], benchmarks: Sequence[tuple[str, int]], likeness: Likeness) -> dict[str, Any]:
    """What a row gains on each benchmark, and how alike its language is to English."""
    similarity, unrelated = mean_similarity(likeness.similarity)
    cells = [
        {
            "gain": row["gain"],
            "stderr": row["gain_stderr"],
            "beyond_chance": row["p_value"] < CHANCE,
            "same": _same_answers(likeness.consistency, task),
        }
        for (task, _), row in zip(benchmarks, rows, strict=True)
    ]
    return {"cells": cells, "similarity": similarity, "unrelated": unrelated}


def _same_answers(consistency: pd.DataFrame, task: str) -> float:
    values = consistency.loc[(consistency["task"] == task) & (consistency["metric"] == "acc_norm"), "value"]
    return float(values.iloc[0]) if len(values) else math.nan
