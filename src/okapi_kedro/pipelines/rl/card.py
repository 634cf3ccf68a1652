"""The card of the model tuned by reinforcement learning."""

import pandas as pd

from okapi_kedro.pipelines.model_cards import model_card, settings_by_name, training_and_held_out
from okapi_kedro.pipelines.publish.nodes import PublishParameters
from okapi_kedro.pipelines.rl.nodes import RlParameters
from okapi_kedro.teacher.store import Spending
from okapi_kedro.training.prompt import PromptTemplate


def write_rlhf_card(
    base: str,
    template: PromptTemplate,
    prompts: pd.DataFrame,
    comparison: pd.DataFrame,
    parameters: RlParameters,
    publish: PublishParameters,
    spending: list[Spending],
    language: str,
) -> str:
    """The card of the model tuned by reinforcement learning."""
    before, after = comparison["sft_reward"].mean(), comparison["rlhf_reward"].mean()
    return model_card(
        "rlhf",
        base,
        template,
        training_and_held_out(prompts),
        {"algorithm": parameters.algorithm} | settings_by_name(parameters.settings),
        {"mean reward": after, "mean reward before": before},
        publish,
        spending,
        [language],
    )
