"""The figures of a run, as a summary and as a page."""

import json
from collections.abc import Callable, Hashable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipelines.ranking.judge_quality import judge_figures, judge_summary
from okapi_kedro.reporting.figures import scores_figure
from okapi_kedro.reporting.report_page import render_report
from okapi_kedro.reporting.spending_of import spending_of
from okapi_kedro.reporting.stage_counts import rejections, stage_row
from okapi_kedro.reporting.text_lengths import text_lengths
from okapi_kedro.reporting.translation_outcomes import translation_outcomes
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.text.instruction_sources import count_human_rows

BENCHMARKS = ("arc", "hellaswag", "mmlu")
Seconds = dict[str, float]
Tables = dict[str, Callable[[], pd.DataFrame]]
NODES: dict[str, str | tuple[str, ...]] = {
    "seeds": "generation.read_seeds",
    "alpaca": "generation.read_alpaca",
    "human": "generation.read_human",
    "generation": "generation.generate_instructions",
    "translation": "translation.translate_instructions",
    **{f"translation {name}": f"translation.translate_{name}" for name in BENCHMARKS},
    "evaluation": ("evaluation.score_", "evaluation.collect_"),
    "comparison": tuple(f"evaluation.{name}_" for name in ("choose", "answer", "measure", "compare", "count", "lay")),
}
"""The nodes of a stage, by the start of their names, where they are not all those of the pipeline of its name."""


def collect_rejections(**rejected: pd.DataFrame) -> pd.DataFrame:
    """Why rows were kept aside, by stage and reason, with an example of each."""
    return rejections(rejected)


def count_outcomes(**tables: pd.DataFrame) -> pd.DataFrame:
    """What became of the rows that were to be translated, by table; a rejected table's name begins with rejected_."""
    kept = {name: table for name, table in tables.items() if not name.startswith("rejected_")}
    rejected = {name.removeprefix("rejected_"): table for name, table in tables.items() if name not in kept}
    return translation_outcomes(kept, rejected)


def measure_lengths(translated: pd.DataFrame, english_tables: Tables) -> pd.DataFrame:
    """Mean lengths of prompts and outputs beside those of their English originals, where these are there."""
    none = translated.head(0)
    read = english_tables.get("en_source/instructions", lambda: none)
    return text_lengths(translated, read())


def count_stages(shared_seconds: Seconds, own_seconds: Seconds, **tables: Any) -> pd.DataFrame:
    """What each stage took in, kept and rejected, and its seconds; taken is counted where the rows come from.

    Raises:
        ValueError: when a stage lost a row: taken is not kept + rejected.
    """
    seconds = {**shared_seconds, **own_seconds}
    rows = [
        stage_row(stage, taken, kept, rejected, _seconds_of(NODES.get(stage, f"{stage}."), seconds))
        for stage, (taken, kept, rejected) in _stage_sizes(tables).items()
    ]
    return pd.DataFrame(rows)


def _stage_sizes(tables: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Rows taken, kept and rejected, by stage.

    Ranking counts prompts, evaluation the questions to all three models, comparison the pairs of responses.
    """

    def sizes(taken: int, kept: str, rejected: str) -> tuple[int, int, int]:
        return taken, len(tables[kept]), len(tables[rejected])

    evaluation, translated = tables["evaluation"], tables["translated_instructions"]
    human = tables["human_files"]
    candidates = int(tables["generation_requests"]["candidates"].sum())
    asked = 3 * sum(_scored_rows(tables[name]) for name in BENCHMARKS)
    scored = int(evaluation.loc[evaluation["metric"] == "acc", "n"].sum())
    ranked, drawn = (tables[name]["id"].nunique() for name in ("ranked_responses", "responses"))
    return {
        "seeds": sizes(_lines(tables["seed_tasks"]), "seeds", "rejected_seeds"),
        "alpaca": sizes(_alpaca_rows(tables), "alpaca_instructions", "rejected_alpaca"),
        **({"human": sizes(count_human_rows(human), "human_instructions", "rejected_human")} if human else {}),
        "generation": sizes(candidates, "generated_instructions", "rejected_instructions"),
        "translation": sizes(len(tables["instructions"]), "translated_instructions", "rejected_translations"),
        **{
            f"translation {name}": sizes(len(tables[f"english_{name}"]), name, f"rejected_{name}")
            for name in BENCHMARKS
        },
        "sft": sizes(len(tables["sft_rows"]), "sft_examples", "rejected_sft_examples"),
        "ranking": (drawn, ranked, len(tables["rejected_rankings"])),
        "reward": sizes(len(tables["preferences"]), "reward_pairs", "rejected_reward_pairs"),
        "rl": sizes(int((translated["split"] == "rl").sum()), "rl_prompts", "rejected_rl_prompts"),
        "evaluation": (asked, scored, 0),
        "comparison": sizes(2 * len(tables["held_out_prompts"]), "verdicts", "rejected_comparisons"),
    }


def _seconds_of(nodes: str | tuple[str, ...], seconds: Seconds) -> float:
    return round(sum(value for name, value in seconds.items() if name.startswith(nodes)), 2)


def _lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.split("\n"))


def _alpaca_rows(tables: dict[str, Any]) -> int:
    rows = json.loads(tables["alpaca"])
    most = tables["alpaca_rows"]
    return len(rows[:most])


def _scored_rows(table: pd.DataFrame) -> int:
    scored = "validation" if "ind" in table.columns else "test"
    return int((table["split"] == scored).sum())


def draw_scores(evaluation: pd.DataFrame, language: str) -> go.Figure:
    """The scores of one language's models."""
    return scores_figure({LANGUAGES[language].name: evaluation})


def summarise(
    language: str,
    seed: int,
    teacher: Teacher,
    base_model: str,
    stages: pd.DataFrame,
    sft_examples: pd.DataFrame,
    sft_log: pd.DataFrame,
    exact_match: pd.DataFrame,
    judge_quality: pd.DataFrame,
    reward_accuracy: pd.DataFrame,
    rl_log: pd.DataFrame,
    rl_comparison: pd.DataFrame,
    evaluation: pd.DataFrame,
    comparison: pd.DataFrame,
    consistency: pd.DataFrame,
    similarity: pd.DataFrame,
    win_rates: pd.DataFrame,
    chrf: pd.DataFrame,
) -> dict[str, Any]:
    """The figures of a run in one small JSON object."""
    return {
        "language": language,
        "teacher": "embedded offline teacher" if teacher.endpoint.is_offline else teacher.endpoint.model,
        "base_model": base_model,
        "seed": seed,
        "stages": stages.to_dict("records"),
        "sft": {"english_share": _english_share(sft_examples, language), **_sft_figures(sft_log, exact_match)},
        "judge": {"text": judge_summary(judge_quality), **judge_figures(judge_quality)},
        "reward": reward_accuracy.to_dict("records")[0],
        "rl": _rl_figures(rl_log, rl_comparison),
        "evaluation": evaluation.to_dict("records"),
        "comparison": comparison.to_dict("records"),
        "consistency": consistency.to_dict("records"),
        "english_similarity": similarity.to_dict("records"),
        "generative": {"win_rates": _records(win_rates), "chrf": _records(chrf)},
        "asked": [asdict(spending) for spending in spending_of(language, teacher.store.spending())],
        "seconds": round(float(stages["seconds"].sum()), 1),
    }


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The rows for JSON, which has no NaN."""
    rows: list[dict[Hashable, Any]] = table.astype("object").where(table.notna(), None).to_dict("records")
    return rows


def _english_share(examples: pd.DataFrame, language: str) -> float:
    """The share of the rows trained on that were mixed in."""
    trained = examples.loc[~examples["held_out"], "language"]
    return float((trained != language).mean())


def _sft_figures(log: pd.DataFrame, exact_match: pd.DataFrame) -> dict[str, Any]:
    by_model = exact_match.set_index("model")
    figures = {
        f"{name}_{place}": float(log[name].dropna().iloc[position])
        for name in ("loss", "eval_loss")
        for place, position in (("first", 0), ("last", -1))
    }
    return {
        **figures,
        "exact_match_base": float(by_model.at["base", "exact_match"]),
        "exact_match_sft": float(by_model.at["sft", "exact_match"]),
        "exact_match_stderr": float(by_model.at["sft", "stderr"]),
        "n": int(by_model.at["sft", "n"]),
    }


def _rl_figures(log: pd.DataFrame, comparison: pd.DataFrame) -> dict[str, Any]:
    """Mean held-out rewards with their standard errors; the gain's error is that of the paired differences."""
    before, after = comparison["sft_reward"], comparison["rlhf_reward"]
    gain = after - before
    root = np.sqrt(len(comparison))
    return {
        "reward_before": float(before.mean()),
        "reward_before_stderr": float(before.std() / root),
        "reward_after": float(after.mean()),
        "reward_after_stderr": float(after.std() / root),
        "gain": float(gain.mean()),
        "gain_stderr": float(gain.std() / root),
        "kl": float(log["kl"].dropna().iloc[-1]) if "kl" in log else None,
        "prompts": len(comparison),
    }


def write_report(
    summary: dict[str, Any],
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
) -> str:
    """The page that shows one language's data, training and results."""
    language = LANGUAGES[summary["language"]]
    packages = ("okapi-kedro", "kedro", "torch", "transformers", "trl", "lm-eval")
    how = {
        "command": f"kedro run --params lang={language.code},seed={summary['seed']}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
    }
    return render_report(
        language,
        summary,
        rejected,
        translated,
        outcomes,
        lengths,
        sft_log,
        reward_log,
        reward_margins,
        rl_log,
        rl_answers,
        rl_comparison,
        evaluation,
        comparison,
        consistency,
        similarity,
        side_by_side,
        how,
    )
