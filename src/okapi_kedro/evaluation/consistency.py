"""How often a model answers a translated question as the English original is answered."""

import pandas as pd

from okapi_kedro.evaluation.scores import CHOICES
from okapi_kedro.evaluation.standard_error import standard_error

COLUMNS = {"task": "str", "metric": "str", "value": "float64", "stderr": "float64", "n": "int64", "moved": "int64"}


def consistency_with_english(answers: pd.DataFrame, english: pd.DataFrame) -> pd.DataFrame:
    """The share of questions with the same answer in both languages, right or wrong.

    Args:
        answers: one row per question, see `answer_task`, in any language.
        english: answers to the English questions.

    Returns:
        One row per benchmark and metric (acc, acc_norm; that is, by which of their choices): task, metric, value,
        stderr, n, the questions that stand in both tables, and moved, those of them that are left out because the
        right option stands at another place, so that places say nothing.
    """
    pairs = answers.merge(english, on=["task", "id"], suffixes=("", "_english"))
    parallel = pairs["gold"] == pairs["gold_english"]
    rows = []
    for task, asked in pairs[parallel].groupby("task", sort=False):
        for metric, choice in CHOICES.items():
            share = float((asked[choice] == asked[f"{choice}_english"]).mean())
            rows.append(
                {
                    "task": task,
                    "metric": metric,
                    "value": share,
                    "stderr": standard_error(share, len(asked)),
                    "n": len(asked),
                    "moved": int((~parallel & (pairs["task"] == task)).sum()),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
