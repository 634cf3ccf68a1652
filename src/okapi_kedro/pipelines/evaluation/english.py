"""What a language shares with English: a model's answers to the same questions, and its states for the same texts."""

from collections.abc import Callable, Mapping

import pandas as pd

from okapi_kedro.evaluation.english_similarity import english_similarity, parallel_texts
from okapi_kedro.evaluation.harness import evaluate_model
from okapi_kedro.pipelines.evaluation.nodes import EvaluationParameters
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference, device

Tables = Mapping[str, Callable[[], pd.DataFrame]]
SOURCE = "en_source"
"""The folder of the English originals, of which some may not be there if a language was read from published files."""


def answer_in_english(
    model: ModelReference,
    answers: pd.DataFrame,
    english_tables: Tables,
    arc_parameters: BenchmarkParameters,
    hellaswag_parameters: BenchmarkParameters,
    mmlu_parameters: BenchmarkParameters,
    parameters: EvaluationParameters,
    seed: int,
) -> pd.DataFrame:
    """The model's answers to English questions of the benchmarks whose originals are there.

    Args:
        answers: to the translated questions, in the form of these; so they come first, and their originals are there.
        english_tables: where the originals are.

    Returns:
        One row per question, see `answer_task`; none where there are no originals.
    """
    shots: dict[str, int] = {each.name: each.shots for each in (arc_parameters, hellaswag_parameters, mmlu_parameters)}
    places = {name: f"{SOURCE}/english_{name}" for name in shots}
    tables = {name: english_tables[place]() for name, place in places.items() if place in english_tables}
    if not tables:
        return answers.head(0)
    return evaluate_model(
        model.name,
        tables,
        shots,
        style=parameters.style,
        batch_size=parameters.batch_size,
        max_questions=parameters.english_questions,
        seed=seed,
    )


def measure_similarity(
    model: ModelReference,
    translated: pd.DataFrame,
    english_tables: Tables,
    parameters: EvaluationParameters,
    seed: int,
) -> pd.DataFrame:
    """How alike the base model represents instructions and their originals; no rows where there are no originals."""
    place = f"{SOURCE}/instructions"
    english = english_tables[place]() if place in english_tables else translated.head(0)
    measured = parameters.english_similarity
    texts = parallel_texts(translated, english, measured.rows, seed)
    return english_similarity(
        model.causal_lm().to(device()),
        model.tokenizer(),
        texts["text"].to_list(),
        texts["english"].to_list(),
        batch_size=parameters.batch_size,
        max_length=measured.max_length,
    )
