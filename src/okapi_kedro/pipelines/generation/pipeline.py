"""Self-Instruct in English; shared by all languages."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.generation.nodes import (
    collect_instructions,
    read_alpaca_instructions,
    read_human_instructions,
    read_seeds,
    split_instructions,
)
from okapi_kedro.pipelines.generation.self_instruct import generate_instructions


def create_pipeline() -> Pipeline:
    """Seeds, rows of Alpaca and of the user's files, new tasks by the teacher that differ; one table, split by use."""
    return Pipeline(
        [
            node(read_seeds, ["seed_tasks"], ["seeds", "rejected_seeds"], name="read_seeds"),
            node(
                read_alpaca_instructions,
                ["alpaca", "params:alpaca"],
                ["alpaca_instructions", "rejected_alpaca", "alpaca_defects"],
                name="read_alpaca",
            ),
            node(
                read_human_instructions,
                ["human_files", "params:human"],
                ["human_instructions", "rejected_human", "human_defects"],
                name="read_human",
            ),
            node(
                generate_instructions,
                [
                    "seeds",
                    "alpaca_instructions",
                    "human_instructions",
                    "generation_prompt",
                    "teacher",
                    "params:generation",
                    "params:seed",
                ],
                ["generated_instructions", "rejected_instructions", "generation_requests"],
                name="generate_instructions",
                tags=["teacher"],
            ),
            node(
                collect_instructions,
                ["seeds", "alpaca_instructions", "human_instructions", "generated_instructions"],
                "instructions",
                name="collect_instructions",
            ),
            node(split_instructions, ["instructions", "params:split"], "instruction_splits", name="split_instructions"),
        ]
    )
