"""One SFT model for several languages: their translated rows together, in the namespace `multi`."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict

from okapi_kedro.errors import UserError
from okapi_kedro.languages import JOINT, UnknownLanguageError, parse_languages
from okapi_kedro.pipelines.sft.nodes import (
    BaseModelParameters,
    SftParameters,
    base_model,
    measure_exact_match,
    sft_examples,
)
from okapi_kedro.teacher.offline.statements import write_statements
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import PromptTemplate

Tables = dict[str, Callable[[], pd.DataFrame]]


def _codes(text: str) -> tuple[str, ...]:
    codes = parse_languages(str(text))
    if JOINT in codes:
        raise UnknownLanguageError(JOINT)
    return codes


class JointParameters(BaseModel):
    """Which languages one model learns together.

    Args:
        languages: their codes, such as `ne+vi` or `all`.
    """

    model_config = ConfigDict(extra="forbid")

    languages: Annotated[tuple[str, ...], BeforeValidator(_codes)]


def join_sft_examples(
    tables: Tables, template: PromptTemplate, joint: JointParameters, parameters: SftParameters
) -> pd.DataFrame:
    """Prompt and completion of every row that SFT uses, of all the languages; a row stays held out in each of them.

    Raises:
        UserError: for a language that is not translated yet.
    """
    missing = [code for code in joint.languages if f"{code}/translated_instructions" not in tables]
    if missing:
        raise UserError(
            f"multi: {missing[0]}.translated_instructions does not exist yet; make it first: "
            f"kedro run --pipeline=translation --params lang={'+'.join(missing)}"
        )
    translated = {code: tables[f"{code}/translated_instructions"]() for code in joint.languages}
    examples = [
        sft_examples(rows[rows["split"].isin(parameters.splits)], template, code) for code, rows in translated.items()
    ]
    return pd.concat(examples, ignore_index=True)


def prepare_joint_base_model(
    parameters: BaseModelParameters, rows: pd.DataFrame, checkpoints: Path, joint: JointParameters, seed: int
) -> ModelReference:
    """The base model: the one that is named, or a small one that has read as much of each of the languages."""

    def statements() -> list[str]:
        share = parameters.embedded.texts // len(joint.languages)
        texts = [text for code in joint.languages for text in write_statements(code, share, seed)]
        random.Random(seed).shuffle(texts)
        return texts

    return base_model(parameters, rows, checkpoints, statements, seed)


def measure_joint_exact_match(
    base: ModelReference, tuned: ModelReference, examples: pd.DataFrame, parameters: SftParameters, seed: int
) -> pd.DataFrame:
    """In each language, how often the base and the SFT model give the reference answer to held-out prompts."""
    measured = [
        measure_exact_match(base, tuned, rows, parameters, seed).assign(language=code)
        for code, rows in examples.groupby("language", sort=False)
    ]
    return pd.concat(measured, ignore_index=True)
