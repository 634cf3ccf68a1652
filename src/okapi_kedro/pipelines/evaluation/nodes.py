"""Scores on the translated benchmarks (Okapi, section 4.1)."""

import pandas as pd
from pydantic import BaseModel, ConfigDict, PositiveInt

from okapi_kedro.evaluation.harness import evaluate_model
from okapi_kedro.evaluation.paired_comparison import compare_answers
from okapi_kedro.evaluation.prompt_styles import Style
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.pipelines.evaluation.generative import GenerativeParameters
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference


class SimilarityParameters(BaseModel):
    """How much of the instructions is read to compare a model's states with those of the English originals.

    Args:
        rows: how many instructions, drawn by the seed.
        max_length: tokens of each.
    """

    model_config = ConfigDict(extra="forbid")

    rows: PositiveInt
    max_length: PositiveInt


class EvaluationParameters(BaseModel):
    """How models are scored.

    Args:
        style: how they are asked: `harness` as by lm-eval's own tasks, `okapi` as by Okapi's evaluation.
        batch_size: contexts in one forward pass; fixed, so that scores do not depend on the machine.
        english_questions: of each benchmark that the RLHF model also answers in English; None for all.
        english_similarity: of the base model's states to those of the English originals.
        generative: their responses to held-out instructions, compared by the teacher.
    """

    model_config = ConfigDict(extra="forbid")

    style: Style
    batch_size: int
    english_questions: PositiveInt | None
    english_similarity: SimilarityParameters
    generative: GenerativeParameters


def score_model(
    model: ModelReference,
    arc: pd.DataFrame,
    hellaswag: pd.DataFrame,
    mmlu: pd.DataFrame,
    arc_parameters: BenchmarkParameters,
    hellaswag_parameters: BenchmarkParameters,
    mmlu_parameters: BenchmarkParameters,
    parameters: EvaluationParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy of one model on the three benchmarks, and its answer to every question."""
    tables = {"arc": arc, "hellaswag": hellaswag, "mmlu": mmlu}
    shots: dict[str, int] = {each.name: each.shots for each in (arc_parameters, hellaswag_parameters, mmlu_parameters)}
    answers = evaluate_model(
        model.name,
        tables,
        shots,
        style=parameters.style,
        batch_size=parameters.batch_size,
        max_questions=None,
        seed=seed,
    )
    return scores_of(answers), answers


def collect_scores(base: pd.DataFrame, sft: pd.DataFrame, rlhf: pd.DataFrame, base_model: str) -> pd.DataFrame:
    """The scores of the three models in one table, with the name of the first."""
    named = [scores.assign(model=name) for name, scores in (("base", base), ("sft", sft), ("rlhf", rlhf))]
    table = pd.concat(named, ignore_index=True).assign(base_model=base_model)
    first = ["base_model", "model"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def compare_models(base: pd.DataFrame, sft: pd.DataFrame, rlhf: pd.DataFrame) -> pd.DataFrame:
    """How many questions each model gains and loses on those before it, from the answers of all three."""
    answers = {"base": base, "sft": sft, "rlhf": rlhf}
    steps = (("base", "sft"), ("sft", "rlhf"), ("base", "rlhf"))
    tables = [compare_answers(answers[before], answers[after]) for before, after in steps]
    named = zip(steps, tables, strict=True)
    table = pd.concat([each.assign(before=before, after=after) for (before, after), each in named], ignore_index=True)
    return table[["before", "after", *tables[0].columns]]
