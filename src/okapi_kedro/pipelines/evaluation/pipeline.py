"""The base, SFT and RLHF models on the translated benchmarks, and their responses to held-out instructions."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.evaluation.consistency import consistency_with_english
from okapi_kedro.evaluation.verdicts import win_rates
from okapi_kedro.pipelines.evaluation.english import answer_in_english, measure_similarity
from okapi_kedro.pipelines.evaluation.generative import (
    MODELS,
    answer_held_out_prompts,
    choose_held_out_prompts,
    compare_english_responses,
    compare_responses,
    lay_side_by_side,
    measure_chrf,
)
from okapi_kedro.pipelines.evaluation.nodes import collect_scores, compare_models, score_model

BENCHMARKS = ("arc", "hellaswag", "mmlu")
HOW = [*(f"params:benchmarks.{benchmark}" for benchmark in BENCHMARKS), "params:evaluation", "params:seed"]
SHARED_INPUTS = {"english_tables"}

_RESPONSES = [f"{model}_responses" for model in MODELS]
_VERDICTS = ["verdicts", "rejected_comparisons"]


def create_pipeline() -> Pipeline:
    """Scores on the benchmarks; responses, put into English and compared."""
    compare = node(
        compare_responses,
        [
            "held_out_prompts",
            *_RESPONSES,
            "ranking_translation_prompt",
            "comparison_prompt",
            "teacher",
            "params:evaluation.generative",
            "params:language",
            "params:seed",
        ],
        _VERDICTS,
        name="compare_responses",
        tags=["teacher"],
    )
    return _benchmarks() + _generative(compare)


def create_english_pipeline() -> Pipeline:
    """Scores on the benchmarks; responses, compared as they are."""
    compare = node(
        compare_english_responses,
        [
            "held_out_prompts",
            *_RESPONSES,
            "comparison_prompt",
            "teacher",
            "params:evaluation.generative",
            "params:language",
            "params:seed",
        ],
        _VERDICTS,
        name="compare_english_responses",
        tags=["teacher"],
    )
    return _benchmarks() + _generative(compare)


def _benchmarks() -> Pipeline:
    """A scoring node for each model, what the scores are together, and what the language shares with English.

    These ask no teacher.
    """
    return Pipeline(
        [
            *map(_score_node, MODELS),
            node(
                collect_scores,
                [*(f"{model}_scores" for model in MODELS), "params:base_model.name"],
                "evaluation",
                name="collect_scores",
            ),
            node(compare_models, [f"{model}_answers" for model in MODELS], "comparison", name="compare_models"),
            node(
                answer_in_english,
                ["rlhf_model", "rlhf_answers", "english_tables", *HOW],
                "english_answers",
                name="answer_in_english",
                tags=["gpu"],
            ),
            node(
                consistency_with_english,
                ["rlhf_answers", "english_answers"],
                "consistency",
                name="measure_consistency",
            ),
            node(
                measure_similarity,
                ["base_model", "translated_instructions", "english_tables", "params:evaluation", "params:seed"],
                "english_similarity",
                name="measure_similarity",
                tags=["gpu"],
            ),
        ],
        tags=["benchmarks"],
    )


def _score_node(model: str) -> Node:
    return node(
        score_model,
        [f"{model}_model", *BENCHMARKS, *HOW],
        [f"{model}_scores", f"{model}_answers"],
        name=f"score_{model}_model",
        tags=["gpu"],
    )


def _generative(compare: Node) -> Pipeline:
    """One answering node for each model, around the node that has their responses compared."""
    choose = node(
        choose_held_out_prompts,
        ["translated_instructions", "prompt_template", "params:evaluation.generative", "params:seed"],
        "held_out_prompts",
        name="choose_held_out_prompts",
    )
    measure = node(measure_chrf, ["held_out_prompts", *_RESPONSES], "chrf", name="measure_chrf")
    rates = node(win_rates, ["verdicts"], "win_rates", name="count_win_rates")
    side_by_side = node(
        lay_side_by_side, ["held_out_prompts", *_RESPONSES, "verdicts"], "side_by_side", name="lay_side_by_side"
    )
    return Pipeline([choose, *map(_answer_node, MODELS), measure, compare, rates, side_by_side], tags=["generative"])


def _answer_node(model: str) -> Node:
    return node(
        answer_held_out_prompts,
        [f"{model}_model", "held_out_prompts", "params:evaluation.generative", "params:seed"],
        f"{model}_responses",
        name=f"answer_with_{model}_model",
        tags=["gpu"],
    )
