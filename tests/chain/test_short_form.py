"""The whole chain on embedded parts, from seeds to report, with few rows and steps."""

import hashlib
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.phrasebook import phrasebook
from okapi_kedro.training.training_log import MEASURED
from tests.executed_notebooks import execute, printed, shown

STAGES = [
    "seeds",
    "alpaca",
    "generation",
    "translation",
    "translation arc",
    "translation hellaswag",
    "translation mmlu",
    "sft",
    "ranking",
    "reward",
    "rl",
    "evaluation",
    "comparison",
]


def summary_of(data: Path, language: str) -> dict:
    return json.loads((data / "08_reporting" / language / "summary.json").read_text(encoding="utf-8"))


def table_hashes(data: Path) -> dict[str, str]:
    # Only the stage table and the logs of training hold seconds.
    paths = sorted(path for path in data.rglob("*.parquet") if path.name != "stages.parquet")
    return {str(path.relative_to(data)): hashlib.sha256(repeatable(path)).hexdigest() for path in paths}


def repeatable(table: Path) -> bytes:
    if not table.name.endswith("_log.parquet"):
        return table.read_bytes()
    return pd.read_parquet(table).drop(columns=MEASURED, errors="ignore").to_json(double_precision=15).encode()


@pytest.mark.parametrize("language", ["ne", "ar", "zh"])
def test_the_chain_ends_with_a_report_and_loses_no_row(run_chain, language):
    data = run_chain(language)
    summary = summary_of(data, language)
    assert [row["stage"] for row in summary["stages"]] == STAGES
    for row in summary["stages"]:
        assert row["in"] == row["kept"] + row["rejected"], row
        assert row["kept"] > 0, row
    rejected = {row["stage"]: row["rejected"] for row in summary["stages"]}
    assert rejected["translation"] >= 200, "the offline teacher cannot translate the 205 seed tasks and has to say so"
    page = (data / "08_reporting" / language / "report.html").read_text(encoding="utf-8")
    assert LANGUAGES[language].name in page
    assert "offline" in page


@pytest.mark.parametrize("language", ["ne", "ar", "zh"])
def test_instructions_arrive_in_the_language(run_chain, language):
    table = pd.read_parquet(run_chain(language) / "02_intermediate" / language / "translated_instructions.parquet")
    book = phrasebook(language)
    assert all(book.find_sentence(text) for text in table["instruction"])


def test_the_summary_holds_every_figure(run_chain):
    summary = summary_of(run_chain("ne"), "ne")
    assert 0 <= summary["sft"]["exact_match_base"] <= summary["sft"]["exact_match_sft"] <= 1
    assert summary["sft"]["loss_last"] < summary["sft"]["loss_first"]
    assert 0 <= summary["reward"]["held_out_accuracy"] <= 1
    assert summary["reward"]["pairs"] > summary["reward"]["held_out_pairs"] > 0
    assert all(math.isfinite(value) for value in summary["rl"].values())
    scored = {(row["model"], row["task"], row["metric"]) for row in summary["evaluation"]}
    models, tasks, metrics = ("base", "sft", "rlhf"), ("arc", "hellaswag", "mmlu"), ("acc", "acc_norm")
    assert scored == {(model, task, metric) for model in models for task in tasks for metric in metrics}
    compared = {(row["before"], row["after"], row["task"], row["metric"]) for row in summary["comparison"]}
    steps = (("base", "sft"), ("sft", "rlhf"), ("base", "rlhf"))
    assert compared == {(*step, task, metric) for step in steps for task in tasks for metric in metrics}
    assert {(row["task"], row["metric"]) for row in summary["consistency"]} == {(t, m) for t in tasks for m in metrics}
    layers = summary["english_similarity"]
    assert len(layers) >= 2
    assert all(row["unrelated"] < row["similarity"] < 0.99 for row in layers), "the states tell the texts apart"
    rates = {(row["model"], row["rival"]): row for row in summary["generative"]["win_rates"]}
    assert set(rates) == {("sft", "base"), ("rlhf", "sft")}
    assert rates["sft", "base"]["win_rate"] > 0.5
    assert [row["n"] for row in summary["generative"]["chrf"]] == [12, 12, 12]


def test_the_stage_table_and_the_report_are_printed(run_chain):
    printed = (run_chain("ne").parents[1] / "stdout.txt").read_text(encoding="utf-8")
    assert "stage" in printed
    assert "rejected" in printed
    assert "report.html" in printed


def test_models_load_in_plain_transformers(run_chain):
    models = run_chain("ne") / "06_models" / "ne"
    for name in ("base", "sft", "rlhf"):
        model, tokenizer = (cls.from_pretrained(models / name) for cls in (AutoModelForCausalLM, AutoTokenizer))
        assert model.config.vocab_size == len(tokenizer)
    reward = AutoModelForSequenceClassification.from_pretrained(models / "reward")
    assert reward.config.num_labels == 1
    assert not list(models.rglob("*.bin")), "weights are safetensors"


def test_the_same_seed_gives_byte_identical_tables_and_figures(run_chain):
    first, again = run_chain("ne"), run_chain("ne", repetition=1)
    assert table_hashes(first) == table_hashes(again)
    # Seconds differ, and so does the bill: how many requests are in flight when generation has enough rows.
    receipts = ("stages", "seconds", "asked")
    figures = [{k: v for k, v in summary_of(data, "ne").items() if k not in receipts} for data in (first, again)]
    assert figures[0] == figures[1]


def test_another_seed_gives_other_numbers(run_chain):
    first, other = summary_of(run_chain("ne"), "ne"), summary_of(run_chain("ne", seed=2), "ne")
    assert first["sft"]["loss_last"] != other["sft"]["loss_last"]
    assert first["rl"]["reward_after"] != other["rl"]["reward_after"]


def test_english_runs_without_translation(run_chain):
    data = run_chain("en")
    stages = {row["stage"]: row for row in summary_of(data, "en")["stages"]}
    assert stages["translation"]["rejected"] == 0
    table = pd.read_parquet(data / "02_intermediate" / "en" / "translated_instructions.parquet")
    english = pd.read_parquet(data / "02_intermediate" / "en_source" / "instructions.parquet")
    assert table["instruction"].tolist() == english["instruction"].tolist()


def test_the_notebooks_show_a_finished_run(run_chain):
    executed = execute(run_chain("ne").parents[1], "test")
    said = printed(executed)
    assert "does not exist yet" not in said
    assert re.search(r"right on \d+\.\d% ± \d+\.\d% of \d+ held-out pairs", said)
    figures = shown(executed, "application/vnd.plotly.v1+json")
    assert len(figures) == 11
    assert all(figure["data"] for figure in figures)
    tables = " ".join(shown(executed, "text/html"))
    assert all(text in tables for text in ("near-duplicate", "rlhf_response", "p_value", "Average, all"))


def test_english_is_english_to_the_last_answer_and_state(run_chain):
    summary = summary_of(run_chain("en"), "en")
    assert [row["value"] for row in summary["consistency"]] == [1.0] * 6
    assert [row["similarity"] for row in summary["english_similarity"]] == pytest.approx(
        [1.0] * len(summary["english_similarity"])
    )
