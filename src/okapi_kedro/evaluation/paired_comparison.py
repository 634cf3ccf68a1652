"""Whether one model answers better than another, from their answers to the same questions."""

import math
from itertools import accumulate

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.scores import CHOICES

QUESTION = ["task", "id", "shots", "gold"]


def compare_answers(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """How the accuracy changes from one model to another, and whether chance alone would do that.

    Args:
        before: one row per question, see `answer_task`; for example the SFT model's.
        after: the same questions; for example the RLHF model's.

    Returns:
        One row per benchmark and metric (acc, acc_norm): task, metric, n, difference of the shares of right answers
        with its paired stderr, gained and lost (questions that only `after` or only `before` has right), and p_value
        by `mcnemar`.

    Raises:
        UserError: when the two were not asked the same questions.
    """
    pairs = before.merge(after, on=QUESTION, how="outer", suffixes=("_before", "_after"), indicator=True, sort=False)
    if (other := pairs[pairs["_merge"] != "both"]).size:
        first = other.iloc[0]
        raise UserError(
            f"{len(other)} questions are not the same in both tables, first {first['task']} {first['id']}; "
            "score both models on the same benchmarks with the same shots"
        )
    rows = []
    for task, asked in pairs.groupby("task", sort=False):
        for metric, choice in CHOICES.items():
            was, now = (asked[f"{choice}_{model}"] == asked["gold"] for model in ("before", "after"))
            gained, lost, n = int((now & ~was).sum()), int((was & ~now).sum()), len(asked)
            rows.append(
                {
                    "task": task,
                    "metric": metric,
                    "n": n,
                    "difference": (gained - lost) / n,
                    "stderr": paired_standard_error(gained, lost, n),
                    "gained": gained,
                    "lost": lost,
                    "p_value": mcnemar(gained, lost),
                }
            )
    return pd.DataFrame(rows)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p-value of the hypothesis that a question is as easily gained as lost.

    Where nothing has changed but by chance, each question that only one model has right is a fair coin:
    p = 2 P(X <= min(gained, lost)), X ~ Binomial(gained + lost, 1/2), at most 1. Answers are right or wrong, so this
    is exact for any number of questions and needs no seed, which a bootstrap of the same differences does.

    Source: McNemar 1947, in its exact form.

    Args:
        gained: questions that only the second model has right.
        lost: questions that only the first one has right.
    """
    changed = gained + lost
    # C(n, k + 1) from C(n, k): thousands of binomials of thousands of digits take milliseconds, not seconds.
    binomials = accumulate(range(min(gained, lost)), lambda term, k: term * (changed - k) // (k + 1), initial=1)
    return min(1.0, 2 * sum(binomials) / (1 << changed))


def paired_standard_error(gained: int, lost: int, n: int) -> float:
    """Standard error of the mean of n differences that are 1 (gained), -1 (lost) or 0.

    The sample deviation over the square root of n: sqrt((gained + lost - (gained - lost)^2 / n) / (n - 1) / n). It is
    smaller than that of two separate shares, as what both models find easy or hard does not count.

    Args:
        gained: questions that only the second model has right.
        lost: questions that only the first one has right.
        n: all questions; of a single one the error is nan.
    """
    return math.sqrt((gained + lost - (gained - lost) ** 2 / n) / (n - 1) / n) if n > 1 else math.nan
