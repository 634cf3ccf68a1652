"""The reward model, trained on preference pairs."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.reward.card import write_reward_card
from okapi_kedro.pipelines.reward.nodes import fit_reward_model, set_aside_long_pairs
from okapi_kedro.pipelines.reward.quality import measure_reward_quality, score_held_out_pairs


def create_pipeline() -> Pipeline:
    """Pairs that fit, training, and what the model is worth on held-out prompts."""
    return Pipeline(
        [
            node(
                set_aside_long_pairs,
                ["preferences", "sft_model", "params:reward"],
                ["reward_pairs", "rejected_reward_pairs"],
                name="set_aside_long_pairs",
            ),
            node(
                fit_reward_model,
                ["sft_model", "reward_pairs", "params:reward", "reward_checkpoints", "params:seed"],
                ["reward_model", "reward_log"],
                name="train_reward_model",
                tags=["gpu"],
            ),
            node(
                score_held_out_pairs,
                ["reward_model", "reward_pairs", "existing_tables", "params:reward"],
                "reward_margins",
                name="score_held_out_pairs",
                tags=["gpu"],
            ),
            node(
                measure_reward_quality,
                ["reward_margins", "reward_pairs"],
                "reward_accuracy",
                name="measure_reward_quality",
            ),
            node(
                write_reward_card,
                [
                    "params:base_model.name",
                    "prompt_template",
                    "reward_pairs",
                    "reward_accuracy",
                    "params:reward",
                    "params:publish",
                    "spending",
                    "params:language",
                ],
                "reward_card",
                name="write_reward_card",
            ),
        ]
    )
