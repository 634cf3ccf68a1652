"""The parameters of ranking."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from okapi_kedro.training.sampling import SamplingSettings


class JudgeSettings(BaseModel):
    """How the teacher is asked to judge.

    Args:
        attempts: how often an answer in the wrong form is asked for again.
        temperature, top_p, max_tokens: of the teacher.
    """

    model_config = ConfigDict(extra="forbid")

    attempts: PositiveInt
    temperature: float
    top_p: float
    max_tokens: int


class RankingParameters(JudgeSettings):
    """How responses are drawn, ranked and paired.

    Args:
        prompts: at most so many prompts are ranked; None ranks all of the split.
        responses: responses drawn for each prompt.
        sampling: how they are drawn.
        repeats_above: a response whose ROUGE-L F with an earlier one to its prompt is above this counts as a repeat.
        judged_twice: share of the prompts that are ranked a second time, the responses shown in the reverse order.
        pairs: `all` pairs of different rank, the `adjacent` ones only, or `best_vs_rest`, as in the released data.
    """

    prompts: int | None
    responses: int = Field(ge=2)
    sampling: SamplingSettings
    repeats_above: float = Field(ge=0, le=1)
    judged_twice: float = Field(ge=0, le=1)
    pairs: Literal["all", "adjacent", "best_vs_rest"]
