"""The base, SFT and RLHF models on the translated benchmarks."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.evaluation.consistency import consistency_with_english
from okapi_kedro.pipelines.evaluation.english import answer_in_english, measure_similarity
from okapi_kedro.pipelines.evaluation.nodes import collect_scores, compare_models, score_model

MODELS = ("base", "sft", "rlhf")
BENCHMARKS = ("arc", "hellaswag", "mmlu")
HOW = [*(f"params:benchmarks.{benchmark}" for benchmark in BENCHMARKS), "params:evaluation", "params:seed"]
SHARED_INPUTS = {"english_tables"}


def create_pipeline() -> Pipeline:
    """One scoring node for each model, what the scores are together, and what the language shares with English."""
    return Pipeline(
        [
            *(_score_node(model) for model in MODELS),
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
        ]
    )


def _score_node(model: str) -> Node:
    return node(
        score_model,
        [f"{model}_model", *BENCHMARKS, *HOW],
        [f"{model}_scores", f"{model}_answers"],
        name=f"score_{model}_model",
        tags=["gpu"],
    )
