"""The base model and supervised fine-tuning."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.pipelines.sft.card import write_sft_card
from okapi_kedro.pipelines.sft.joint import join_sft_examples, measure_joint_exact_match, prepare_joint_base_model
from okapi_kedro.pipelines.sft.nodes import (
    build_sft_examples,
    measure_exact_match,
    prepare_base_model,
    set_aside_long_examples,
    train_sft_model,
)


def create_pipeline() -> Pipeline:
    """Base model, prompts and completions, fine-tuning, exact match on held-out rows."""
    return _around(
        node(
            build_sft_examples,
            [
                "translated_instructions",
                "english_tables",
                "prompt_template",
                "params:sft",
                "params:language",
                "params:seed",
            ],
            "sft_rows",
            name="build_sft_examples",
        ),
        node(
            prepare_base_model,
            ["params:base_model", "sft_rows", "base_checkpoints", "params:language", "params:seed"],
            "base_model",
            name="prepare_base_model",
            tags=["gpu"],
        ),
        node(
            measure_exact_match,
            ["base_model", "sft_model", "sft_examples", "params:sft", "params:seed"],
            "exact_match",
            name="measure_exact_match",
            tags=["gpu"],
        ),
    )


def create_joint_pipeline() -> Pipeline:
    """The same for several languages together, which have to be translated already."""
    return _around(
        node(
            join_sft_examples,
            ["english_tables", "prompt_template", "params:joint", "params:sft"],
            "sft_rows",
            name="join_sft_examples",
        ),
        node(
            prepare_joint_base_model,
            ["params:base_model", "sft_rows", "base_checkpoints", "params:joint", "params:seed"],
            "base_model",
            name="prepare_joint_base_model",
            tags=["gpu"],
        ),
        node(
            measure_joint_exact_match,
            ["base_model", "sft_model", "sft_examples", "params:sft", "params:seed"],
            "exact_match",
            name="measure_joint_exact_match",
            tags=["gpu"],
        ),
    )


def _around(examples: Node, base_model: Node, exact_match: Node) -> Pipeline:
    return Pipeline(
        [
            examples,
            base_model,
            exact_match,
            node(
                set_aside_long_examples,
                ["sft_rows", "base_model", "params:sft"],
                ["sft_examples", "rejected_sft_examples"],
                name="set_aside_long_examples",
            ),
            node(
                train_sft_model,
                ["base_model", "sft_examples", "prompt_template", "params:sft", "sft_checkpoints", "params:seed"],
                ["sft_model", "sft_log"],
                name="train_sft_model",
                tags=["gpu"],
            ),
            node(
                write_sft_card,
                [
                    "params:base_model.name",
                    "prompt_template",
                    "sft_examples",
                    "sft_log",
                    "exact_match",
                    "params:sft",
                    "params:publish",
                    "spending",
                ],
                "sft_card",
                name="write_sft_card",
            ),
        ]
    )
