"""The reward model, trained on preference pairs."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.reward.nodes import fit_reward_model, measure_reward_accuracy, set_aside_long_pairs


def create_pipeline() -> Pipeline:
    """Pairs that fit, training, accuracy on held-out prompts."""
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
                measure_reward_accuracy,
                ["reward_model", "reward_pairs", "params:reward"],
                "reward_accuracy",
                name="measure_reward_accuracy",
                tags=["gpu"],
            ),
        ]
    )
