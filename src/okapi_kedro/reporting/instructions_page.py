"""The page on the English instructions: where they come from, what was dropped, and what they ask for."""

import base64
import hashlib
import json
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from okapi_kedro.reporting.charts import histogram
from okapi_kedro.reporting.pages import render_page

BIN = 0.05
SPLITS = ("sft", "ranking", "rl")
DRAW = """
const place = document.getElementById("sunburst");
const figure = JSON.parse(document.getElementById("sunburst-data").textContent);
Plotly.newPlot(place, figure.data, figure.layout, {displaylogo: false, displayModeBar: false, responsive: true});
"""
"""The page's own script."""


def render_instructions_page(
    instructions: pd.DataFrame,
    splits: pd.DataFrame,
    defects: Mapping[str, pd.DataFrame],
    requests: pd.DataFrame,
    rejected: pd.DataFrame,
    pairs: pd.DataFrame,
    caption: str,
    sunburst: go.Figure,
) -> str:
    """One HTML page that needs no other file and no network; it holds plotly.js (5 MB) and runs no other script.

    Args:
        instructions: all English instructions, with max_rouge_l, nan where a row was not compared.
        splits: columns id, split and held_out.
        defects: by source, columns defect, rows and action.
        requests: the teacher's, columns request and candidates.
        rejected: candidates that were dropped, columns id, reason, nearest_id, rouge_l and raw.
        pairs: the verbs and objects that the sunburst shows, columns verb, object and rows.
        caption: of the sunburst.
        sunburst: the figure of the pairs.
    """
    scripts = [Markup(get_plotlyjs()), Markup(DRAW)]
    generated = instructions[instructions["source"] == "generated"]
    return render_page(
        "instructions.html.jinja",
        rows=len(instructions),
        sources=_sources(instructions, splits),
        split_names=SPLITS,
        defects={name: _met(table) for name, table in defects.items()},
        asked=len(requests),
        candidates=int(requests["candidates"].sum()),
        kept=len(generated),
        dropped=_dropped(rejected, instructions),
        nearest=_nearest(generated["max_rouge_l"]),
        verbs=_verbs(pairs),
        caption=caption,
        sunburst=_without_caption(sunburst),
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
    )


def _sources(instructions: pd.DataFrame, splits: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of each source, by split, and the sums over all sources."""
    rows = instructions[["id", "source"]].merge(splits, on="id", how="left", validate="one_to_one")
    groups = [*rows.groupby("source", sort=False), ("all", rows)]
    return [
        {
            "source": source,
            "rows": len(group),
            "share": len(group) / max(len(rows), 1),
            "splits": [int((group["split"] == name).sum()) for name in SPLITS],
            "held_out": int(group["held_out"].sum()),
        }
        for source, group in groups
    ]


def _met(defects: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The defects that any row has, the most frequent first."""
    met: list[dict[Hashable, Any]] = (
        defects[defects["rows"] > 0].sort_values("rows", ascending=False, kind="stable").to_dict("records")
    )
    return met


def _dropped(rejected: pd.DataFrame, instructions: pd.DataFrame) -> list[dict[str, Any]]:
    """The filters that dropped candidates, the most frequent first, each with its first candidate as an example."""
    known = instructions.set_index("id")["instruction"]
    groups = sorted(rejected.groupby("reason", sort=False), key=lambda group: len(group[1]), reverse=True)
    return [
        {
            "reason": reason,
            "rows": len(group),
            "example": group["raw"].iloc[0],
            "nearest": known.get(group["nearest_id"].iloc[0], ""),
            "rouge_l": float(group["rouge_l"].iloc[0]),
        }
        for reason, group in groups
    ]


def _nearest(scores: pd.Series) -> Markup:
    """How alike the generated instructions are to their nearest ones; empty when none was compared."""
    if not scores.notna().any():
        return Markup("")
    return histogram(scores.tolist(), BIN, "ROUGE-L with the nearest earlier instruction", "ROUGE-L", "instructions")


def _verbs(pairs: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"verb": verb, "rows": int(group["rows"].sum()), "objects": group[["object", "rows"]].to_dict("records")}
        for verb, group in pairs.groupby("verb", sort=False)
    ]


def _without_caption(sunburst: go.Figure) -> dict[str, Any]:
    """The figure as plain values, as wide as its place; the page tells the caption itself, where it can wrap."""
    plain = json.loads(sunburst.to_json())
    kept = {name: value for name, value in plain["layout"].items() if name not in ("annotations", "width", "height")}
    return {"data": plain["data"], "layout": {**kept, "margin": dict.fromkeys("lrtb", 4), "autosize": True}}


def _hash(script: str) -> str:
    """The script as the page's content policy names it: the browser runs this text and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
