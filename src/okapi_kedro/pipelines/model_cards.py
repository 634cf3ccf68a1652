"""The card that lies beside a trained model: what it was made from, how, and what was measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipelines.publish.nodes import PublishParameters
from okapi_kedro.reporting.spending_of import spending_of
from okapi_kedro.teacher.offline.server import MODELS as OFFLINE_TEACHERS
from okapi_kedro.teacher.store import Spending
from okapi_kedro.training.model_card import TrainedModel, Value, render_model_card
from okapi_kedro.training.prompt import PromptTemplate, prompt_of

_NOT_ON_THE_HUB = ("embedded", "untrained")


def model_card(
    stage: Literal["sft", "reward", "rlhf"],
    base: str,
    template: PromptTemplate,
    rows: Mapping[str, int],
    parameters: Mapping[str, Value],
    figures: Mapping[str, float],
    publish: PublishParameters,
    spending: list[Spending],
    codes: Sequence[str],
) -> str:
    """The card of a model; arguments as of TrainedModel.

    Args:
        stage: which model of the language.
        base: name of the base model, as in the parameters.
        template: of the prompts.
        rows: it was trained and measured on, by name.
        parameters: of the training, by name.
        figures: measured on held-out rows, by name.
        publish: say under which licence.
        spending: what the teacher was asked, which names it.
        codes: of the languages of its data.
    """
    teachers = sorted({each.model for code in codes for each in spending_of(code, spending)})
    return render_model_card(
        TrainedModel(
            stage=stage,
            languages=tuple(LANGUAGES[code] for code in codes),
            base=base,
            hub_id=None if base in _NOT_ON_THE_HUB or Path(base).exists() else base,
            teacher=", ".join(teachers) or "of the published data",
            stand_in=any(teacher in OFFLINE_TEACHERS for teacher in teachers),
            rows=rows,
            parameters=parameters,
            figures=figures,
            prompt=prompt_of("{instruction}", "{input}", template),
            licence=publish.licence,
        )
    )


def training_and_held_out(table: pd.DataFrame) -> dict[str, int]:
    """How many rows are trained on and how many are held out."""
    held_out = int(table["held_out"].sum())
    return {"training": len(table) - held_out, "held out": held_out}


def settings_by_name(settings: BaseModel) -> dict[str, Value]:
    """The settings by name, those of settings within settings by both names."""
    flat: dict[str, Value] = {}
    for name, value in settings:
        if isinstance(value, BaseModel):
            flat |= {f"{name}.{inner}": each for inner, each in settings_by_name(value).items()}
        else:
            flat[name] = value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
    return flat
