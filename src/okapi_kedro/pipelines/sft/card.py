"""The card of the SFT model."""

import pandas as pd

from okapi_kedro.pipelines.model_cards import model_card, settings_by_name, training_and_held_out
from okapi_kedro.pipelines.publish.nodes import PublishParameters
from okapi_kedro.pipelines.sft.nodes import SftParameters
from okapi_kedro.teacher.store import Spending
from okapi_kedro.training.prompt import PromptTemplate


def write_sft_card(
    base: str,
    template: PromptTemplate,
    examples: pd.DataFrame,
    log: pd.DataFrame,
    exact_match: pd.DataFrame,
    parameters: SftParameters,
    publish: PublishParameters,
    spending: list[Spending],
) -> str:
    """The card of the SFT model; exact match is the mean of its languages."""
    matches = exact_match.groupby("model")["exact_match"].mean()
    losses = log["eval_loss"].dropna()
    return model_card(
        "sft",
        base,
        template,
        training_and_held_out(examples),
        settings_by_name(parameters.training) | settings_by_name(parameters.recipe),
        {"loss": losses.iloc[-1], "exact match": matches["sft"], "exact match of the base": matches["base"]},
        publish,
        spending,
        examples["language"].unique().tolist(),
    )
