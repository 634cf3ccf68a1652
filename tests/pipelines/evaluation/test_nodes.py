"""Scoring a model gives its scores and its answers, in the prompt style that the parameters name."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from transformers import BloomConfig, BloomForCausalLM

from okapi_kedro import schemas
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.pipelines.evaluation.generative import answer_held_out_prompts
from okapi_kedro.pipelines.evaluation.nodes import (
    collect_scores,
    compare_models,
    score_model,
)
from okapi_kedro.pipelines.evaluation.pipeline import create_english_pipeline, create_pipeline
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import train_tokenizer

from .tiny_parameters import evaluation_parameters

SAMPLES = Path(__file__).parents[3] / "data" / "01_raw" / "benchmarks"
SHOTS = {"arc": 2, "hellaswag": 0, "mmlu": 3}


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
    return score_model(model, *tables, *benchmarks, evaluation_parameters(style=style), 0)


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
        evaluation_parameters(style="helm")


def test_every_model_has_scores_and_answers_of_its_own():
    outputs = create_pipeline().all_outputs()
    own = {f"{model}_{what}" for model in ("base", "sft", "rlhf") for what in ("scores", "answers", "responses")}
    compared = {"held_out_prompts", "verdicts", "rejected_comparisons", "win_rates", "chrf", "side_by_side"}
    english = {"english_answers", "consistency", "english_similarity"}
    assert outputs == own | compared | english | {"evaluation", "comparison"}


@pytest.mark.parametrize("pipeline", [create_pipeline(), create_english_pipeline()])
def test_the_benchmarks_can_be_run_without_a_teacher(pipeline):
    assert "teacher" not in pipeline.only_nodes_with_tags("benchmarks").inputs()
    assert pipeline.only_nodes_with_tags("benchmarks").all_outputs() >= {"evaluation", "sft_scores", "sft_answers"}
    generative = pipeline.only_nodes_with_tags("generative")
    assert "teacher" in generative.inputs()
    assert len(generative.nodes) + len(pipeline.only_nodes_with_tags("benchmarks").nodes) == len(pipeline.nodes)


def test_a_model_answers_every_held_out_prompt(model):
    parameters = evaluation_parameters().generative
    prompts = pd.DataFrame({"id": ["a", "b", "c"], "prompt": ["Question: What", "Answer: Lima", "Question: What"]})
    responses = schemas.HeldOutResponses.validate(answer_held_out_prompts(model, prompts, parameters, 0))
    assert responses["id"].tolist() == ["a", "b", "c"]
    assert responses["response"][0] == responses["response"][2]
    assert len(schemas.HeldOutResponses.validate(answer_held_out_prompts(model, prompts.head(0), parameters, 0))) == 0


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
