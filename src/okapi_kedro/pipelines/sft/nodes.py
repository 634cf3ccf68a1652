"""The base model and its supervised fine-tuning (Okapi, section 3.1)."""

import logging
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from okapi_kedro.evaluation.exact_match import exact_match
from okapi_kedro.evaluation.standard_error import standard_error
from okapi_kedro.pipelines.sft.english_mix import Tables, english_rows
from okapi_kedro.teacher.offline.statements import write_statements
from okapi_kedro.training.lengths import set_aside_long, token_counts
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import SmallModel, pretrain, save_untrained
from okapi_kedro.training.prompt import ENGLISH, PromptTemplate, completion_of, prompt_of
from okapi_kedro.training.sampling import SamplingSettings, respond
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.sft import fine_tune
from okapi_kedro.training.sft_recipe import SftRecipe

logger = logging.getLogger(__name__)


class BaseModelParameters(BaseModel):
    """Where the base model comes from.

    Args:
        name: `embedded` pretrains a small one on the offline teacher's phrasebook, `untrained` makes one that knows
            nothing; anything else is a directory or a hub id.
        embedded: shape and pretraining of the small one.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    embedded: SmallModel


class SftParameters(BaseModel):
    """Fine-tuning and its check on held-out rows.

    Args:
        splits: rows of these splits are trained on.
        english_mix: share of the rows trained on that are English ones, untranslated, before rows that are too long are
            set aside; for English itself it is ignored.
        training: optimisation.
        recipe: what the loss is on, how rows share a batch, which weights are trained.
        checked_rows: so many held-out rows are answered to measure exact match.
        answers: how they are answered.
    """

    model_config = ConfigDict(extra="forbid")

    splits: list[str]
    english_mix: float = Field(ge=0, lt=1)
    training: TrainingSettings
    recipe: SftRecipe
    checked_rows: int
    answers: SamplingSettings

    @model_validator(mode="after")
    def _adapter_is_whole(self) -> "SftParameters":
        if self.recipe.adapter.kind != "none" and self.training.sharding == "fsdp":
            raise ValueError("recipe.adapter does not go with training.sharding=fsdp, which it does not need: set none")
        return self


def prepare_base_model(
    parameters: BaseModelParameters, rows: pd.DataFrame, checkpoints: Path, language: str, seed: int
) -> ModelReference:
    """The base model: the one that is named, or a small one made now, whose tokenizer has seen the rows of SFT."""
    write = partial(write_statements, language, parameters.embedded.texts, seed)
    return base_model(parameters, rows, checkpoints, write, seed)


def base_model(
    parameters: BaseModelParameters, rows: pd.DataFrame, checkpoints: Path, write: Callable[[], list[str]], seed: int
) -> ModelReference:
    """The same, with what writes the texts that a small one learns its languages from."""
    training = rows[~rows["held_out"]]
    seen = (training["prompt"] + training["completion"]).tolist()
    if parameters.name == "embedded":
        return pretrain(write(), seen, parameters.embedded, checkpoints, seed)
    if parameters.name == "untrained":
        return save_untrained(seen, parameters.embedded, new_directory(), seed)
    return ModelReference(parameters.name)


def new_directory() -> Path:
    """An empty directory for a model until the catalog moves it to its place."""
    return Path(tempfile.mkdtemp(prefix="okapi-"))


def build_sft_examples(
    translated: pd.DataFrame,
    english_tables: Tables,
    template: PromptTemplate,
    parameters: SftParameters,
    language: str,
    seed: int,
) -> pd.DataFrame:
    """Prompt and completion of every row that SFT uses: the language's own, then the English ones that are mixed in."""
    own = translated[translated["split"].isin(parameters.splits)]
    if language == "en":
        if parameters.english_mix:
            logger.warning("sft.english_mix=%s is ignored for English, whose rows are English", parameters.english_mix)
        return sft_examples(own, template, language)
    english = english_rows(own, english_tables, parameters.english_mix, seed)
    return pd.concat([sft_examples(own, template, language), sft_examples(english, ENGLISH, "en")], ignore_index=True)


def sft_examples(rows: pd.DataFrame, template: PromptTemplate, language: str) -> pd.DataFrame:
    """Prompt and completion of translated rows of one language."""
    return pd.DataFrame(
        {
            "id": rows["id"].astype("str"),
            "language": pd.Series(language, index=rows.index, dtype="str"),
            "prompt": pd.Series(
                [prompt_of(row.instruction, row.input, template) for row in rows.itertuples()],
                index=rows.index,
                dtype="str",
            ),
            "completion": pd.Series(
                [completion_of(output) for output in rows["output"]], index=rows.index, dtype="str"
            ),
            "held_out": rows["held_out"],
        }
    ).reset_index(drop=True)


def set_aside_long_examples(
    examples: pd.DataFrame, base: ModelReference, parameters: SftParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The examples that fit into the model's length, and those that do not: cut off, they would teach not to end."""
    texts = (examples["prompt"] + examples["completion"]).tolist()
    lengths = [count + 1 for count in token_counts(base.tokenizer(), texts)]
    return set_aside_long(examples, lengths, parameters.training.max_length, key=("id", "language"))


def train_sft_model(
    base: ModelReference,
    examples: pd.DataFrame,
    template: PromptTemplate,
    parameters: SftParameters,
    checkpoints: Path,
    seed: int,
) -> tuple[ModelReference, pd.DataFrame]:
    """The base model fine-tuned to follow instructions, and its training log."""
    return fine_tune(base, examples, parameters.training, parameters.recipe, template, checkpoints, seed)


def measure_exact_match(
    base: ModelReference, tuned: ModelReference, examples: pd.DataFrame, parameters: SftParameters, seed: int
) -> pd.DataFrame:
    """How often the base and the SFT model give the reference answer to held-out prompts, letter by letter."""
    held_out = examples[examples["held_out"]].head(parameters.checked_rows)
    references = held_out["completion"].str.strip().tolist()
    rows = []
    for name, model in (("base", base), ("sft", tuned)):
        responses = respond(model, held_out["prompt"].tolist(), parameters.answers, seed, f"{name} on held-out rows")
        texts = [response.text for response in responses]
        value = exact_match(texts, references)
        rows.append({"model": name, "exact_match": value, "stderr": standard_error(value, len(texts)), "n": len(texts)})
    return pd.DataFrame(rows)
