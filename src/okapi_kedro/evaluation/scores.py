"""Accuracies of a model from its answers, question by question."""

import pandas as pd

from okapi_kedro.evaluation.standard_error import standard_error

CHOICES = {"acc": "chosen", "acc_norm": "chosen_norm"}


def scores_of(answers: pd.DataFrame) -> pd.DataFrame:
    """The share of right answers in each benchmark.

    Args:
        answers: one row per question, see `answer_task`.

    Returns:
        One row per benchmark and metric (acc, acc_norm): task, metric, shots, value, stderr, n, and truncated, the
        number of questions that lost text on the left.
    """
    rows = []
    for (task, shots), asked in answers.groupby(["task", "shots"], sort=False):
        for metric, choice in CHOICES.items():
            share = float((asked[choice] == asked["gold"]).mean())
            rows.append(
                {
                    "task": task,
                    "metric": metric,
                    "shots": shots,
                    "value": share,
                    "stderr": standard_error(share, len(asked)),
                    "n": len(asked),
                    "truncated": int(asked["truncated"].sum()),
                }
            )
    return pd.DataFrame(rows)
