"""What the instructions ask for: their most frequent root verbs and the objects of these (Okapi, figure 1)."""

from html import escape
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from okapi_kedro.reporting.pages import percent, whole

COLOURS = (
    ("#2a6fc4", "#bcd6f5"),
    ("#cf5f1d", "#f8d0b6"),
    ("#1b8a68", "#b5e3d3"),
    ("#7a55c0", "#d9cbf3"),
    ("#a37a00", "#f0dfa4"),
    ("#bd3f78", "#f5c6da"),
    ("#0f7f93", "#b3e0e8"),
    ("#6b7d1e", "#dbe4ad"),
    ("#9c4a3c", "#eac8c1"),
    ("#56636f", "#d0d7dd"),
)
"""Of a verb and of its objects, by the verb's place; they repeat after the last."""

LONGEST_LABEL = 24
SIZE = 680
CAPTION_WIDTH = 100
"""Characters in a line of the caption, which plotly does not wrap by itself."""


def top_pairs(verbs: pd.DataFrame, most_verbs: int, most_objects: int) -> pd.DataFrame:
    """The most frequent verbs with the most frequent objects of each.

    Args:
        verbs: one row per instruction, columns verb and object; empty where the parser found none.
        most_verbs: verbs, by the instructions in which they have an object.
        most_objects: objects of each verb.

    Returns:
        Columns verb, object and rows, the most frequent verb first, and of a verb the most frequent object first.
    """
    counts = verbs[verbs["object"] != ""].groupby(["verb", "object"]).size().reset_index(name="rows")
    counts["of_verb"] = counts.groupby("verb")["rows"].transform("sum")
    ordered = counts.sort_values(["of_verb", "verb", "rows", "object"], ascending=[False, True, False, True])
    shown = ordered[ordered["verb"].isin(ordered["verb"].unique()[:most_verbs])]
    return shown.groupby("verb", sort=False).head(most_objects)[["verb", "object", "rows"]].reset_index(drop=True)


def describe_pairs(verbs: pd.DataFrame, pairs: pd.DataFrame, parser: str) -> str:
    """The caption: which parser read how many instructions, and what share of them the shown pairs are.

    Args:
        verbs: one row per instruction, columns verb and object.
        pairs: those that are shown, as `top_pairs` makes them.
        parser: what read the instructions, in words.
    """
    total = max(len(verbs), 1)
    parsed, shown = int((verbs["object"] != "").sum()), int(pairs["rows"].sum())
    return (
        f"The {pairs['verb'].nunique()} most frequent root verbs (inner ring) and their most frequent direct objects "
        f"(outer ring). Parsed by {parser}: a verb with an object was found in {whole(parsed)} of "
        f"{whole(len(verbs))} instructions ({percent(parsed / total)} %). The pairs shown cover {whole(shown)} "
        f"({percent(shown / total)} %)."
    )


def verb_sunburst(pairs: pd.DataFrame, caption: str) -> go.Figure:
    """Verbs as the inner ring, their objects as the outer one; a sector is as wide as its number of instructions.

    Args:
        pairs: columns verb, object and rows.
        caption: told under the figure.
    """
    sums = pairs.groupby("verb", sort=False)["rows"].sum()
    colours = {verb: COLOURS[place % len(COLOURS)] for place, verb in enumerate(sums.index)}
    sectors = go.Sunburst(
        ids=[*(f"{verb}/" for verb in sums.index), *(f"{row.verb}/{row.object}" for row in pairs.itertuples())],
        labels=[_label(text) for text in (*sums.index, *pairs["object"])],
        parents=["" for _ in sums] + [f"{verb}/" for verb in pairs["verb"]],
        values=[*sums.tolist(), *pairs["rows"].tolist()],
        branchvalues="total",
        sort=False,
        rotation=90,
        leaf={"opacity": 1},
        insidetextorientation="auto",
        marker={
            "colors": [colours[verb][0] for verb in sums.index] + [colours[verb][1] for verb in pairs["verb"]],
            "line": {"color": "#ffffff", "width": 1.5},
        },
        textfont={"color": ["#ffffff"] * len(sums) + ["#1d2126"] * len(pairs)},
        hovertemplate="%{label}: %{value:,} instructions<extra></extra>",
    )
    return go.Figure(
        sectors,
        {
            "template": "none",
            "width": SIZE,
            "height": SIZE + 90,
            "margin": {"l": 10, "r": 10, "t": 10, "b": 100},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 14},
            "annotations": [_under_the_figure(caption)],
        },
    )


def _label(text: str) -> str:
    """A word as plotly is to draw it: what looks like markup stays text."""
    return escape(text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…", quote=False)


def _under_the_figure(caption: str) -> dict[str, object]:
    return {
        "text": "<br>".join(escape(line, quote=False) for line in wrap(caption, CAPTION_WIDTH)),
        "x": 0,
        "y": 0,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "top",
        "yshift": -10,
        "align": "left",
        "showarrow": False,
        "font": {"size": 12, "color": "#5c646e"},
    }
