"""Scoring a model gives its scores and its answers, in the prompt style that the parameters name."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from transformers import BloomConfig, BloomForCausalLM

from okapi_kedro import schemas
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.pipelines.evaluation.nodes import (
    EvaluationParameters,
    SimilarityParameters,
    collect_scores,
    compare_models,
    score_model,
)
from okapi_kedro.pipelines.evaluation.pipeline import create_pipeline
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import train_tokenizer

SAMPLES = Path(__file__).parents[3] / "data" / "01_raw" / "benchmarks"
SHOTS = {"arc": 2, "hellaswag": 0, "mmlu": 3}
OTHER_PARAMETERS = {"english_questions": None, "english_similarity": SimilarityParameters(rows=5, max_length=64)}


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    return [pd.read_json(SAMPLES / name / "sample.jsonl", lines=True).tail(30) for name in SHOTS]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    folder = tmp_path_factory.mktemp("bloom")
    tokenizer = train_tokenizer(["Question: What is the capital?\nAnswer: Lima"], 300)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BloomForCausalLM(BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=2)).save_pretrained(
            folder
        )
    tokenizer.save_pretrained(folder)
    return ModelReference(str(folder))


def scored(model: ModelReference, tables: list[pd.DataFrame], style: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    benchmarks = [BenchmarkParameters(name=name, most_rows=None, shots=0) for name in SHOTS]  # type: ignore[arg-type]
    return score_model(
        model, *tables, *benchmarks, EvaluationParameters(style=style, batch_size=8, **OTHER_PARAMETERS), 0
    )


def test_scores_are_those_of_the_answers_and_both_fit_their_schemas(model, tables):
    scores, answers = scored(model, tables, "okapi")
    schemas.Scores.validate(scores)
    schemas.Answers.validate(answers)
    pd.testing.assert_frame_equal(scores, scores_of(answers))
    asked = {name: len(table[table["split"] != "train"]) for name, table in zip(SHOTS, tables, strict=True)}
    assert answers.groupby("task", sort=False).size().to_dict() == asked
    assert [len(each) for each in answers["log_likelihoods"]] == [4] * len(answers)


def test_the_style_changes_what_is_asked(model, tables):
    (_, okapi), (_, harness) = (scored(model, tables, style) for style in ("okapi", "harness"))
    assert okapi["id"].tolist() == harness["id"].tolist()
    mmlu = [answers[answers["task"] == "mmlu"]["log_likelihoods"].tolist() for answers in (okapi, harness)]
    assert mmlu[0] != mmlu[1]


def test_an_unknown_style_fails_before_anything_is_scored():
    with pytest.raises(ValidationError, match="'harness' or 'okapi'"):
        EvaluationParameters(style="helm", batch_size=8, **OTHER_PARAMETERS)  # type: ignore[arg-type]


def test_every_model_has_scores_and_answers_of_its_own():
    outputs = {output for node in create_pipeline().nodes if node.func is score_model for output in node.outputs}
    assert outputs == {f"{model}_{what}" for model in ("base", "sft", "rlhf") for what in ("scores", "answers")}


def test_the_scores_of_three_models_stand_in_one_table(model, tables):
    scores, _ = scored(model, [table.tail(4) for table in tables], "okapi")
    table = collect_scores(scores, scores, scores, "bigscience/bloom-7b1")
    schemas.Evaluation.validate(table)
    assert table["model"].tolist() == [name for name in ("base", "sft", "rlhf") for _ in range(len(scores))]
    assert set(table["base_model"]) == {"bigscience/bloom-7b1"}


def answers(chosen: str, norm: str) -> pd.DataFrame:
    """Answers to as many questions as there are letters, the first option always being the right one."""
    rows = [
        {"task": "arc", "id": f"q{place}", "shots": 0, "gold": 0, "chosen": int(one), "chosen_norm": int(other)}
        for place, (one, other) in enumerate(zip(chosen, norm, strict=True))
    ]
    return pd.DataFrame(rows).assign(log_likelihoods=[[-1.0, -2.0]] * len(rows), truncated=False)


def test_models_are_compared_step_by_step_and_from_first_to_last():
    base, sft, rlhf = answers("1111", "1100"), answers("0111", "1100"), answers("0000", "0100")
    table = compare_models(base, sft, rlhf)
    schemas.Comparison.validate(table)
    steps = table[["before", "after", "metric", "gained", "lost"]].to_numpy().tolist()
    assert steps == [
        ["base", "sft", "acc", 1, 0],
        ["base", "sft", "acc_norm", 0, 0],
        ["sft", "rlhf", "acc", 3, 0],
        ["sft", "rlhf", "acc_norm", 1, 0],
        ["base", "rlhf", "acc", 4, 0],
        ["base", "rlhf", "acc_norm", 1, 0],
    ]
    assert table.loc[4, ["difference", "p_value"]].tolist() == [1.0, 0.125]
