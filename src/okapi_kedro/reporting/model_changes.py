"""Whether one model answers better than another, in figures and in words."""

from typing import Any

import pandas as pd

from okapi_kedro.reporting.pages import BENCHMARK_NAMES

CHANCE = 0.05
"""A change that chance alone makes as rarely as this, or more rarely, is taken for one."""


def change_rows(comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """The changes in acc_norm as the page shows them, those of a benchmark together, each with its verdict.

    Args:
        comparison: of the models' answers (schema Comparison).
    """
    rows = comparison[comparison["metric"] == "acc_norm"].sort_values("task", kind="stable").to_dict("records")
    return [{**row, "task": BENCHMARK_NAMES.get(row["task"], row["task"]), "verdict": _verdict(row)} for row in rows]


def _verdict(row: Any) -> str:
    if row["gained"] == row["lost"] == 0:
        return "no difference"
    if row["p_value"] >= CHANCE:
        return "within chance"
    return "better" if row["gained"] > row["lost"] else "worse"
