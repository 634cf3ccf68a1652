"""The scores of all languages side by side (Okapi, tables 3 to 8)."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES, Language, UnknownLanguageError
from okapi_kedro.reporting.pages import BENCHMARK_NAMES, render_page
from okapi_kedro.reporting.text_lengths import length_rows
from okapi_kedro.reporting.translation_outcomes import attempts_chart, rejection_share_chart

LABELS = ["code", "language", "resource_class"]
CLASSES = ("high", "medium", "low")


def leaderboard(evaluations: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per language and then the averages over all languages and per resource class.

    An average of a benchmark is over the languages in which every model has a score on it, so that its models are
    compared on the same languages. English is shown, but enters no average: the paper's are over its 26 others.

    Args:
        evaluations: by language code a table with the columns model, task, metric, shots, value, stderr, n, truncated.

    Returns:
        Columns code (empty for averages), language, resource_class (empty for the average over all) and one column per
        benchmark, shots and model, such as `arc 25-shot sft`, with acc_norm from 0 to 1, nan where there is none.

    Raises:
        UnknownLanguageError: for a code that is not in the table of languages.
        UserError: when a language has two scores for one model on one benchmark.
    """
    order = _in_order(evaluations)
    scores = {code: _normalised(code, table) for code, table in evaluations.items()}
    columns = list(dict.fromkeys(name for language in order for name in scores[language.code]))
    columns.sort(key=lambda name: name.split(" ", 2)[:2])
    rows = [
        {"code": each.code, "language": each.name, "resource_class": each.resource_class, **scores[each.code]}
        for each in order
    ]
    table = pd.DataFrame(rows, columns=[*LABELS, *columns]).astype(
        dict.fromkeys(LABELS, "str") | dict.fromkeys(columns, float)
    )
    return pd.concat([table, _averages(table, columns)], ignore_index=True)


def _in_order(by_code: Mapping[str, pd.DataFrame]) -> list[Language]:
    """The languages of the codes, in the paper's order.

    Raises:
        UnknownLanguageError: for a code that is not in the table of languages.
    """
    for code in by_code:
        if code not in LANGUAGES:
            raise UnknownLanguageError(code)
    return [language for code, language in LANGUAGES.items() if code in by_code]


def _normalised(code: str, table: pd.DataFrame) -> dict[str, float]:
    """A language's acc_norm by column of the leaderboard."""
    rows = table[table["metric"] == "acc_norm"]
    names = rows["task"] + " " + rows["shots"].astype("str") + "-shot " + rows["model"]
    if names.duplicated().any():
        raise UserError(f"evaluation of {code}: two scores for {names[names.duplicated()].iloc[0]}; keep one")
    return dict(zip(names, rows["value"], strict=True))


def _averages(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The row over all languages and one per resource class that has a language."""
    paper = table[table["code"] != "en"]
    groups = {"": paper} | {name: paper[paper["resource_class"] == name] for name in CLASSES}
    benchmarks = _by_benchmark(columns)
    rows = [
        {"code": "", "language": f"Average, {name or 'all'}", "resource_class": name}
        | {column: mean for names in benchmarks.values() for column, mean in group[names].dropna().mean().items()}
        for name, group in groups.items()
        if len(group)
    ]
    return pd.DataFrame(rows, columns=table.columns).astype(table.dtypes)


def _by_benchmark(columns: list[str]) -> dict[str, list[str]]:
    """The columns of each benchmark with its shots."""
    names = list(dict.fromkeys(column.split("-shot ", 1)[0] for column in columns))
    return {f"{name}-shot": [column for column in columns if column.startswith(f"{name}-shot ")] for name in names}


def render_leaderboard(
    table: pd.DataFrame, lengths: Mapping[str, pd.DataFrame], outcomes: Mapping[str, pd.DataFrame]
) -> str:
    """The leaderboard as one HTML page that needs no other file and no network.

    Args:
        table: as `leaderboard` makes it.
        lengths: of the texts by language code, as `text_lengths` makes them; not of every language.
        outcomes: of translation by language code, as `translation_outcomes` makes them; not of every language.

    Raises:
        UnknownLanguageError: for a code that is not in the table of languages.
    """
    of_all = {each.name: lengths[each.code].query("part == 'all'") for each in _in_order(lengths)}
    by_name = {each.name: outcomes[each.code] for each in _in_order(outcomes)}
    benchmarks = _by_benchmark([column for column in table.columns if column not in LABELS])
    rows: list[dict[str, Any]] = [
        {
            **{label: row[label] for label in LABELS},
            "cells": [_cell(row, names, name) for names in benchmarks.values() for name in names],
        }
        for row in table.to_dict("records")
    ]
    heads = {
        _title(benchmark): [name.removeprefix(f"{benchmark} ") for name in names]
        for benchmark, names in benchmarks.items()
    }
    return render_page(
        "leaderboard.html.jinja",
        heads=heads,
        rows=rows,
        lengths=length_rows(of_all),
        outcome_chart=rejection_share_chart(by_name),
        attempts=attempts_chart(by_name),
    )


def _cell(row: dict[Any, Any], names: list[str], name: str) -> dict[str, Any]:
    """A score and whether it is the highest of its row on the benchmark."""
    highest = max((row[each] for each in names if not math.isnan(row[each])), default=math.nan)
    return {"value": row[name], "best": len(names) > 1 and row[name] == highest, "first": name == names[0]}


def _title(benchmark: str) -> str:
    task, shots = benchmark.split(" ", 1)
    return f"{BENCHMARK_NAMES.get(task, task)}, {shots}"
