"""The card of the reward model."""

import pandas as pd

from okapi_kedro.pipelines.model_cards import model_card, settings_by_name, training_and_held_out
from okapi_kedro.pipelines.publish.nodes import PublishParameters
from okapi_kedro.teacher.store import Spending
from okapi_kedro.training.prompt import PromptTemplate
from okapi_kedro.training.reward import RewardSettings


def write_reward_card(
    base: str,
    template: PromptTemplate,
    pairs: pd.DataFrame,
    accuracy: pd.DataFrame,
    parameters: RewardSettings,
    publish: PublishParameters,
    spending: list[Spending],
    language: str,
) -> str:
    """The card of the reward model."""
    [figures] = accuracy.to_dict("records")
    return model_card(
        "reward",
        base,
        template,
        training_and_held_out(pairs),
        settings_by_name(parameters),
        {str(name): value for name, value in figures.items()},
        publish,
        spending,
        [language],
    )
