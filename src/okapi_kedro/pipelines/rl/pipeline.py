"""Reinforcement learning against the reward model."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.rl.card import write_rlhf_card
from okapi_kedro.pipelines.rl.nodes import build_rl_prompts, compare_policies, tune_policy


def create_pipeline() -> Pipeline:
    """Prompts, tuning, and the responses before and after on held-out prompts."""
    return Pipeline(
        [
            node(
                build_rl_prompts,
                ["translated_instructions", "prompt_template", "sft_model", "params:rl"],
                ["rl_prompts", "rejected_rl_prompts"],
                name="build_rl_prompts",
            ),
            node(
                tune_policy,
                [
                    "sft_model",
                    "reward_model",
                    "rl_prompts",
                    "reward_pairs",
                    "params:rl",
                    "rl_checkpoints",
                    "params:seed",
                ],
                ["rlhf_model", "rl_log", "rl_answers"],
                name="tune_policy",
                tags=["gpu"],
            ),
            node(
                compare_policies,
                ["sft_model", "rlhf_model", "reward_model", "rl_prompts", "params:rl", "params:seed"],
                "rl_comparison",
                name="compare_policies",
                tags=["gpu"],
            ),
            node(
                write_rlhf_card,
                [
                    "params:base_model.name",
                    "prompt_template",
                    "rl_prompts",
                    "rl_comparison",
                    "params:rl",
                    "params:publish",
                    "spending",
                    "params:language",
                ],
                "rlhf_card",
                name="write_rlhf_card",
            ),
        ]
    )
