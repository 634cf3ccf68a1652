"""Figures that their reader can zoom and point at, for the notebooks and for the lineage in kedro-viz."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from okapi_kedro.reporting.pages import BENCHMARK_NAMES

COLOURS = ("#2a6fc4", "#cf5f1d", "#1b8a68", "#7a55c0", "#a37a00", "#bd3f78")
COLUMNS = 3
PANEL_HEIGHT = 260
LAYOUT = {"template": "plotly_white", "font": {"family": "system-ui, sans-serif"}, "margin": {"t": 60, "r": 20}}


@dataclass(frozen=True)
class Panel:
    """One chart of a training.

    Args:
        title: what is drawn, with its unit.
        curves: what the curves are called, by the column of the log.
    """

    title: str
    curves: Mapping[str, str]


PANELS: Mapping[str, tuple[Panel, ...]] = {
    "sft": (
        Panel("SFT: cross-entropy per token", {"loss": "training", "eval_loss": "held out"}),
        Panel(
            "SFT: share of tokens right", {"mean_token_accuracy": "training", "eval_mean_token_accuracy": "held out"}
        ),
    ),
    "reward": (
        Panel("Reward model: −log σ(better − worse)", {"loss": "training"}),
        Panel("Reward model: share of pairs right", {"accuracy": "training"}),
        Panel("Reward model: margin", {"margin": "training"}),
    ),
    "rl": (
        Panel("RL: mean reward of the draws", {"reward": "training"}),
        Panel("RL: KL to the SFT model", {"kl": "training"}),
        Panel("RL: tokens of a draw", {"response_tokens": "training"}),
        Panel("RL: entropy in nats at a token", {"entropy": "training"}),
    ),
}
"""The charts of each stage that trains."""


def training_figure(**logs: pd.DataFrame) -> go.Figure:
    """The curves of some trainings over their steps, a panel for each measure; what a log lacks is left out.

    Args:
        logs: by stage (sft, reward, rl), one row per logged step, not every row with every value.
    """
    drawn = [
        (panel.title, log, curves)
        for stage, log in logs.items()
        for panel in PANELS[stage]
        if (curves := {name: label for name, label in panel.curves.items() if name in log and log[name].notna().any()})
    ]
    rows = max(-(-len(drawn) // COLUMNS), 1)
    figure = make_subplots(rows, COLUMNS, subplot_titles=[title for title, _, _ in drawn], vertical_spacing=0.28 / rows)
    labels = list(dict.fromkeys(label for _, _, curves in drawn for label in curves.values()))
    for place, (_, log, curves) in enumerate(drawn):
        for name, label in curves.items():
            curve = _curve(log["step"], log[name], label, COLOURS[labels.index(label)])
            figure.add_trace(curve, place // COLUMNS + 1, place % COLUMNS + 1)
    return _laid_out(figure, PANEL_HEIGHT * rows + 60)


def _curve(steps: pd.Series, values: pd.Series, label: str, colour: str) -> go.Scatter:
    known = values.notna()
    return go.Scatter(
        x=steps[known].tolist(),
        y=values[known].tolist(),
        name=label,
        legendgroup=label,
        mode="lines",
        line={"color": colour},
        hovertemplate="step %{x}: %{y:.4g}",
    )


def scores_figure(evaluations: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Scores of models on the benchmarks with one standard error, a panel for each benchmark.

    Args:
        evaluations: by the name of a language, columns model, task, metric, value and stderr (from 0 to 1).
    """
    named = [table.assign(language=name) for name, table in evaluations.items()]
    scores = pd.concat(named, ignore_index=True).query("metric == 'acc_norm'")
    tasks, models = scores["task"].unique().tolist(), scores["model"].unique().tolist()
    titles = [BENCHMARK_NAMES.get(task, task) for task in tasks]
    figure = make_subplots(1, max(len(tasks), 1), subplot_titles=titles, shared_yaxes=True)
    for (task, model), group in scores.groupby(["task", "model"], sort=False):
        bars = _bars(group, model, COLOURS[models.index(model) % len(COLOURS)])
        figure.add_trace(bars, 1, tasks.index(task) + 1)
    return _laid_out(figure, 380).update_yaxes(title_text="acc_norm, %", col=1)


def _bars(scores: pd.DataFrame, model: str, colour: str) -> go.Bar:
    return go.Bar(
        x=scores["language"].tolist(),
        y=(100 * scores["value"]).tolist(),
        error_y={"type": "data", "array": (100 * scores["stderr"]).tolist(), "thickness": 1},
        name=model,
        legendgroup=model,
        marker={"color": colour},
        hovertemplate="%{x}: %{y:.1f} ± %{error_y.array:.1f} %",
    )


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    """The figure in the project's style, each name once in its legend."""
    names = [trace.name for trace in figure.data]
    for place, trace in enumerate(figure.data):
        trace.showlegend = trace.name not in names[:place]
    return figure.update_layout(LAYOUT, height=height).update_annotations(font_size=13)
