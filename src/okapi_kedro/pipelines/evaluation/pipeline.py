"""The base, SFT and RLHF models on the translated benchmarks."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.pipelines.evaluation.nodes import collect_scores, score_model


def create_pipeline() -> Pipeline:
    """One scoring node for each model, and their scores together."""
    models = ("base", "sft", "rlhf")
    return Pipeline(
        [
            *(_score_node(model) for model in models),
            node(collect_scores, [f"{model}_scores" for model in models], "evaluation", name="collect_scores"),
        ]
    )


def _score_node(model: str) -> Node:
    benchmarks = ("arc", "hellaswag", "mmlu")
    parameters = [f"params:benchmarks.{benchmark}" for benchmark in benchmarks]
    return node(
        score_model,
        [f"{model}_model", *benchmarks, *parameters, "params:evaluation", "params:seed"],
        [f"{model}_scores", f"{model}_answers"],
        name=f"score_{model}_model",
        tags=["gpu"],
    )
