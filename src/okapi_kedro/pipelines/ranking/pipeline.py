"""Responses drawn from the SFT model, ranked by the teacher, paired."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.pipelines.ranking.nodes import (
    build_preferences,
    rank_english_responses,
    rank_responses,
    sample_responses,
)


def create_pipeline() -> Pipeline:
    """Sample, rank in two turns, pair."""
    rank = node(
        rank_responses,
        [
            "responses",
            "translated_instructions",
            "ranking_translation_prompt",
            "ranking_prompt",
            "teacher",
            "params:ranking",
            "params:language",
            "params:seed",
        ],
        ["ranked_responses", "rejected_rankings", "judge_quality"],
        name="rank_responses",
        tags=["teacher"],
    )
    return _around(rank)


def create_english_pipeline() -> Pipeline:
    """Sample, rank in one turn, pair."""
    rank = node(
        rank_english_responses,
        [
            "responses",
            "translated_instructions",
            "ranking_prompt",
            "teacher",
            "params:ranking",
            "params:language",
            "params:seed",
        ],
        ["ranked_responses", "rejected_rankings", "judge_quality"],
        name="rank_english_responses",
        tags=["teacher"],
    )
    return _around(rank)


def _around(rank: Node) -> Pipeline:
    return Pipeline(
        [
            node(
                sample_responses,
                [
                    "sft_model",
                    "translated_instructions",
                    "prompt_template",
                    "response_parts",
                    "params:ranking",
                    "params:seed",
                ],
                "responses",
                name="sample_responses",
                tags=["gpu"],
            ),
            rank,
            node(
                build_preferences,
                ["ranked_responses", "responses", "translated_instructions", "prompt_template", "params:ranking"],
                "preferences",
                name="build_preferences",
            ),
        ]
    )
