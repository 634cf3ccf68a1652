"""The figures of a run, as a summary and as a page."""

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.leaderboard import leaderboard, render_leaderboard
from okapi_kedro.reporting.report_page import render_report
from okapi_kedro.reporting.stage_counts import rejections, stage_row
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.training.models import ModelReference

BENCHMARKS = ("arc", "hellaswag", "mmlu")
Seconds = dict[str, float]


def collect_rejections(**rejected: pd.DataFrame) -> pd.DataFrame:
    """Why rows were kept aside, by stage and reason, with an example of each."""
    return rejections(rejected)


def count_stages(shared_seconds: Seconds, own_seconds: Seconds, **tables: Any) -> pd.DataFrame:
    """What each stage took in, kept and rejected, and its seconds; taken is counted where the rows come from.

    Raises:
        ValueError: when a stage lost a row: taken is not kept + rejected.
    """
    seconds = {**shared_seconds, **own_seconds}

    def row(stage: str, taken: int, kept: int, rejected: int, nodes: str) -> dict[str, object]:
        spent = sum(value for name, value in seconds.items() if name.startswith(nodes))
        return stage_row(stage, taken, kept, rejected, spent)

    def sizes(*names: str) -> list[int]:
        return [len(tables[name]) for name in names]

    def prompts(name: str) -> int:
        return int(tables[name]["id"].nunique())

    lines = sum(bool(line.strip()) for line in tables["seed_tasks"].splitlines())
    candidates = int(tables["generation_requests"]["candidates"].sum())
    rl_rows = int((tables["translated_instructions"]["split"] == "rl").sum())
    asked = 3 * sum(_scored_rows(tables[name]) for name in BENCHMARKS)
    evaluation = tables["evaluation"]
    scored = int(evaluation.loc[evaluation["metric"] == "acc", "n"].sum())
    return pd.DataFrame(
        [
            row("seeds", lines, *sizes("seeds", "rejected_seeds"), "generation.read_seeds"),
            row("alpaca", _alpaca_rows(tables), *sizes("alpaca_instructions", "rejected_alpaca"), "generation.read_alpaca"),
            row(
                "generation",
                candidates,
                *sizes("generated_instructions", "rejected_instructions"),
                "generation.generate_instructions",
            ),
            row(
                "translation",
                *sizes("instructions", "translated_instructions", "rejected_translations"),
                "translation.translate_instructions",
            ),
            *(
                row(f"translation {name}", *sizes(f"english_{name}", name, f"rejected_{name}"), f"translation.translate_{name}")
                for name in BENCHMARKS
            ),
            row("sft", *sizes("sft_rows", "sft_examples", "rejected_sft_examples"), "sft."),
            row("ranking", prompts("responses"), prompts("ranked_responses"), len(tables["rejected_rankings"]), "ranking."),
            row("reward", *sizes("preferences", "reward_pairs", "rejected_reward_pairs"), "reward."),
            row("rl", rl_rows, *sizes("rl_prompts", "rejected_rl_prompts"), "rl."),
            row("evaluation", asked, scored, 0, "evaluation."),
        ]
    )


def _alpaca_rows(tables: dict[str, Any]) -> int:
    rows = json.loads(tables["alpaca"])
    most = tables["alpaca_rows"]
    return len(rows[:most])


def _scored_rows(table: pd.DataFrame) -> int:
    scored = "validation" if "ind" in table.columns else "test"
    return int((table["split"] == scored).sum())


def summarise(
    language: str,
    seed: int,
    teacher: Teacher,
    base_model: ModelReference,
    stages: pd.DataFrame,
    sft_log: pd.DataFrame,
    exact_match: pd.DataFrame,
    reward_accuracy: pd.DataFrame,
    rl_log: pd.DataFrame,
    rl_comparison: pd.DataFrame,
    evaluation: pd.DataFrame,
) -> dict[str, Any]:
    """The figures of a run in one small JSON object."""
    return {
        "language": language,
        "teacher": "embedded offline teacher" if teacher.is_offline else teacher.model,
        "base_model": base_model.name,
        "seed": seed,
        "stages": stages.to_dict("records"),
        "sft": _sft_figures(sft_log, exact_match),
        "reward": reward_accuracy.to_dict("records")[0],
        "rl": _rl_figures(rl_log, rl_comparison),
        "evaluation": evaluation.to_dict("records"),
        "seconds": round(float(stages["seconds"].sum()), 1),
    }


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
        "kl": float(log["kl"].dropna().iloc[-1]),
        "prompts": len(comparison),
    }


def write_report(
    summary: dict[str, Any],
    rejected: pd.DataFrame,
    translated: pd.DataFrame,
    sft_log: pd.DataFrame,
    reward_log: pd.DataFrame,
    rl_log: pd.DataFrame,
    rl_comparison: pd.DataFrame,
    evaluation: pd.DataFrame,
) -> str:
    """The page that shows one language's data, training and results."""
    language = LANGUAGES[summary["language"]]
    packages = ("okapi-kedro", "kedro", "torch", "transformers", "trl", "lm-eval")
    how = {
        "command": f"kedro run --params lang={language.code},seed={summary['seed']}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
    }
    return render_report(
        language, summary, rejected, translated, sft_log, reward_log, rl_log, rl_comparison, evaluation, how
    )


def build_leaderboard(evaluations: dict[str, Callable[[], pd.DataFrame]]) -> tuple[pd.DataFrame, str]:
    """The scores of all languages that have any, as a table and as a page."""
    table = leaderboard({name.rsplit("/", 1)[-1]: load() for name, load in sorted(evaluations.items())})
    return table, render_leaderboard(table)
