"""Scores on the translated benchmarks (Okapi, section 4.1)."""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.evaluation.harness import evaluate_model
from okapi_kedro.evaluation.prompt_styles import Style
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.pipelines.evaluation.generative import GenerativeParameters
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference


class EvaluationParameters(BaseModel):
    """How models are scored.

    Args:
        style: how they are asked: `harness` as by lm-eval's own tasks, `okapi` as by Okapi's evaluation.
        batch_size: contexts in one forward pass; fixed, so that scores do not depend on the machine.
        generative: their responses to held-out instructions, compared by the teacher.
    """

    model_config = ConfigDict(extra="forbid")

    style: Style
    batch_size: int
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


def collect_scores(base: pd.DataFrame, sft: pd.DataFrame, rlhf: pd.DataFrame) -> pd.DataFrame:
    """The scores of the three models in one table."""
    named = [scores.assign(model=name) for name, scores in (("base", base), ("sft", sft), ("rlhf", rlhf))]
    table = pd.concat(named, ignore_index=True)
    return table[["model", *(column for column in table.columns if column != "model")]]
