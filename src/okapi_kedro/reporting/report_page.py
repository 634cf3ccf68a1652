"""The report of one language: what came in, what was trained, what came out of it."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from okapi_kedro.languages import Language
from okapi_kedro.reporting.charts import Bar, Series, bar_chart, line_chart
from okapi_kedro.reporting.english_likeness import consistency_rows, similarity_chart
from okapi_kedro.reporting.model_changes import change_rows
from okapi_kedro.reporting.pages import BENCHMARK_NAMES, figure, percent, render_page, whole
from okapi_kedro.reporting.reward_charts import margin_chart, reliability_chart
from okapi_kedro.reporting.text_lengths import length_rows
from okapi_kedro.reporting.translation_outcomes import TABLES, attempts_chart, rejection_chart, rejection_rows
from okapi_kedro.training.calibration import reliability

STAND_IN = "embedded offline teacher"
"""How the summary names the teacher that is no language model."""

RIGHT_TO_LEFT = ("ARABIC", "HEBREW")
SAMPLES = 8
COMPARISONS = 12
WATCHED_STEPS = 4
MODEL_NAMES = {"base": "base", "sft": "SFT", "rlhf": "RLHF"}


@dataclass(frozen=True)
class Headline:
    """One figure at the top of the page.

    Args:
        label: what was measured.
        before: the figure before training; empty where there is none.
        after: the figure.
        note: error, size and unit.
    """

    label: str
    before: str
    after: str
    note: str


@dataclass(frozen=True)
class Curve:
    """A chart of training, or the sentence that says why a part of it is missing.

    Args:
        title: what is drawn.
        chart: the drawing; empty when the log holds nothing to draw.
        missing: names of the columns that the log lacks.
    """

    title: str
    chart: Markup
    missing: tuple[str, ...]


def render_report(
    language: Language,
    summary: Mapping[str, Any],
    rejected: pd.DataFrame,
    translated: pd.DataFrame,
    outcomes: pd.DataFrame,
    lengths: pd.DataFrame,
    sft_log: pd.DataFrame,
    reward_log: pd.DataFrame,
    reward_margins: pd.DataFrame,
    rl_log: pd.DataFrame,
    rl_answers: pd.DataFrame,
    rl_comparison: pd.DataFrame,
    evaluation: pd.DataFrame,
    comparison: pd.DataFrame,
    consistency: pd.DataFrame,
    similarity: pd.DataFrame,
    side_by_side: pd.DataFrame,
    how_to_reproduce: Mapping[str, str],
) -> str:
    """One HTML page that needs no other file and no network.

    Args:
        language: whose report it is.
        summary: the figures of the run: teacher, base_model, seed, stages, sft, reward, rl, generative, seconds.
        rejected: columns stage, reason, count, example.
        translated: the instructions in the language.
        outcomes: of translation, as `translation_outcomes` makes them.
        lengths: of the instructions, as `text_lengths` makes them.
        sft_log, reward_log, rl_log: one row per logged step; a figure that a log lacks is left out and named.
        reward_margins: of the held-out pairs.
        rl_answers: to some held-out prompts while RL went on; may be empty.
        rl_comparison: responses before and after RL to held-out prompts, with their rewards.
        evaluation: one row per model, benchmark and metric.
        comparison: of the models' answers (schema Comparison).
        consistency: of the RLHF model's answers with those in English (schema Consistency); may be empty.
        similarity: of the base model's states with those in English (schema EnglishSimilarity); may be empty.
        side_by_side: what the models answer to held-out instructions, with the teacher's verdicts.
        how_to_reproduce: what to run and with which versions, by name.
    """
    return render_page(
        "report.html.jinja",
        language=language,
        summary=summary,
        stand_in=summary["teacher"].startswith(STAND_IN),
        headlines=headlines(summary, evaluation),
        rejected=rejected.to_dict("records"),
        tables=[_benchmark(table) for table in TABLES],
        outcomes=rejection_rows(outcomes),
        outcome_chart=rejection_chart(outcomes),
        attempts=attempts_chart({language.name: outcomes}),
        lengths=length_rows({str(part): rows for part, rows in lengths.groupby("part", sort=False)}),
        samples=spread(translated, SAMPLES).to_dict("records"),
        sample_count=len(translated),
        right_to_left=language.script in RIGHT_TO_LEFT,
        judge=summary["judge"]["text"],
        margin_chart=margin_chart(reward_margins),
        reliability_chart=reliability_chart(reliability(reward_margins)),
        curves=[
            curve(sft_log, "SFT: loss", "cross-entropy per token", {"loss": "training", "eval_loss": "held out"}),
            curve(reward_log, "Reward model: loss", "−log σ(better − worse)", {"loss": "training"}),
            curve(reward_log, "Reward model: accuracy on training pairs", "share of pairs", {"accuracy": "training"}),
            curve(rl_log, "RL: reward", "mean reward of the draws", {"reward": "reward"}),
            curve(rl_log, "RL: divergence from the SFT model", "KL", {"kl": "KL"}),
            curve(rl_log, "RL: length of the draws", "tokens", {"response_tokens": "length"}),
            curve(rl_log, "RL: entropy of the policy", "nats at a token", {"entropy": "entropy"}),
            curve(rl_log, "RL: draws without an end", "share", {"without_eos": "without an end"}),
        ],
        watched=_watched(rl_answers),
        comparisons=_comparisons(rl_comparison, translated),
        comparison_count=len(rl_comparison),
        compared=spread(side_by_side, COMPARISONS).to_dict("records"),
        compared_count=len(side_by_side),
        model_names=MODEL_NAMES,
        scores=_score_rows(evaluation),
        score_chart=_score_chart(evaluation),
        changes=change_rows(comparison),
        consistency=consistency_rows(consistency),
        similarity_chart=similarity_chart(similarity),
        similarity_rows=0 if similarity.empty else int(similarity["n"].iloc[0]),
        how_to_reproduce=how_to_reproduce,
    )


def headlines(summary: Mapping[str, Any], evaluation: pd.DataFrame) -> list[Headline]:
    """The figures that a reader wants first: each training step by its own measure, then the benchmarks."""
    sft, reward, rl = summary["sft"], summary["reward"], summary["rl"]
    return [
        Headline(
            "SFT: exact match on held-out rows",
            f"{percent(sft['exact_match_base'])} %",
            f"{percent(sft['exact_match_sft'])} %",
            f"± {percent(sft['exact_match_stderr'])}, {whole(sft['n'])} rows; before is the base model"
            + (f"; {percent(sft['english_share'])} % of the training rows are English" if sft["english_share"] else ""),
        ),
        Headline(
            "Reward model: right on held-out pairs",
            "",
            f"{percent(reward['held_out_accuracy'])} %",
            f"± {percent(reward['stderr'])}, {whole(reward['held_out_pairs'])} pairs; a coin is right on 50 %",
        ),
        Headline(
            "RL: reward on held-out prompts",
            figure(rl["reward_before"]),
            figure(rl["reward_after"]),
            f"± {figure(rl['reward_before_stderr'])} before, ± {figure(rl['reward_after_stderr'])} after; "
            f"gain {figure(rl['gain'])} ± {figure(rl['gain_stderr'])} on {whole(rl['prompts'])} prompts; "
            + (f"KL {figure(rl['kl'])}" if rl["kl"] is not None else "no KL measured"),
        ),
        *map(_win_headline, summary["generative"]["win_rates"]),
        *(_score_headline(task, group) for task, group in _normalised(evaluation).groupby("task", sort=False)),
    ]


def _win_headline(row: Mapping[str, Any]) -> Headline:
    model, rival = (MODEL_NAMES[row[name]] for name in ("model", "rival"))
    note = (
        f"95 % interval {percent(row['low'])} to {percent(row['high'])} %; {whole(row['wins'])} wins, "
        f"{whole(row['ties'])} ties, {whole(row['losses'])} losses on held-out instructions; 50 % is no difference"
    )
    return Headline(f"{model} against {rival}: win rate", "", f"{percent(row['win_rate'])} %", note)


def _score_headline(task: Any, scores: pd.DataFrame) -> Headline:
    first, last = scores.iloc[0], scores.iloc[-1]
    note = f"± {percent(last['stderr'])}, {whole(last['n'])} questions; {first['model']}, then {last['model']}"
    before = f"{percent(first['value'])} %" if len(scores) > 1 else ""
    return Headline(f"{_benchmark(task)}: acc_norm", before, f"{percent(last['value'])} %", note)


def curve(log: pd.DataFrame, title: str, y_label: str, columns: Mapping[str, str]) -> Curve:
    """The chart of a log's columns over its steps; columns that the log lacks are named instead.

    Args:
        log: column `step` and some of the columns asked for, not every row with every value.
        title: of the chart.
        y_label: name of the y axis.
        columns: names in the legend by column.
    """
    series = {
        name: Series(label, list(zip(log["step"], log[name], strict=True)))
        for name, label in columns.items()
        if name in log.columns
    }
    drawn = {name: each for name, each in series.items() if each.finite()}
    chart = line_chart(list(drawn.values()), title, "step", y_label) if drawn else Markup("")
    return Curve(title, chart, tuple(name for name in columns if name not in drawn))


def spread(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows at equal distances from the first to the last: a look at the whole table that nobody chose."""
    if len(table) <= most:
        return table
    return table.iloc[[round(place * (len(table) - 1) / (most - 1)) for place in range(most)]]


def _comparisons(comparison: pd.DataFrame, translated: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Some held-out prompts with their responses; the instruction stands in for the prompt's English frame."""
    rows = spread(comparison, COMPARISONS)
    tasks = translated[["id", "instruction", "input"]]
    joined = rows.merge(tasks, on="id", how="left", validate="many_to_one")
    shown = joined.assign(instruction=joined["instruction"].fillna(joined["prompt"]), input=joined["input"].fillna(""))
    records: list[dict[Hashable, Any]] = shown.to_dict("records")
    return records


def _watched(answers: pd.DataFrame) -> list[dict[str, Any]]:
    """Each watched prompt with its answers, the earliest first: at most so many, at equal distances."""
    return [
        {"prompt": prompt, "answers": spread(rows.sort_values("step"), WATCHED_STEPS).to_dict("records")}
        for prompt, rows in answers.groupby("prompt", sort=False)
    ]


def _normalised(evaluation: pd.DataFrame) -> pd.DataFrame:
    return evaluation[evaluation["metric"] == "acc_norm"]


def _score_rows(evaluation: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per benchmark and model with both metrics, a benchmark's models together."""
    return [
        {
            "task": _benchmark(task),
            "model": model,
            "shots": shots,
            "n": group["n"].iloc[0],
            "truncated": group["truncated"].iloc[0],
            "metrics": group.set_index("metric")[["value", "stderr"]].to_dict("index"),
        }
        for task, scores in evaluation.groupby("task", sort=False)
        for (model, shots), group in scores.groupby(["model", "shots"], sort=False)
    ]


def _score_chart(evaluation: pd.DataFrame) -> Markup:
    scores = _normalised(evaluation)
    percents = (scores[["value", "stderr"]] * 100).itertuples(index=False, name=None)
    bars = [
        Bar(_benchmark(task), model, value, error)
        for task, model, (value, error) in zip(scores["task"], scores["model"], percents, strict=True)
    ]
    return bar_chart(bars, "Scores on the benchmarks", "acc_norm, %") if bars else Markup("")


def _benchmark(task: Any) -> str:
    return BENCHMARK_NAMES.get(task, str(task))
