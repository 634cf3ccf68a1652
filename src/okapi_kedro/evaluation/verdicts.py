"""Verdicts on two models' responses to the same prompts, each given in both orders, and what they come to."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from okapi_kedro.evaluation.paired_comparison import mcnemar
from okapi_kedro.evaluation.win_rate import win_rate, win_rate_interval

Verdict = Literal["win", "tie", "loss"]
TIE: Verdict = "tie"

_WIN_RATES = {
    **dict.fromkeys(("model", "rival"), "str"),
    **dict.fromkeys(("n", "wins", "ties", "losses"), "int64"),
    **dict.fromkeys(("win_rate", "low", "high", "p_value"), "float64"),
    "judged": "int64",
    **dict.fromkeys(("changed", "first_preferred"), "float64"),
}


def agreed(shown_first: Verdict, shown_second: Verdict) -> Verdict:
    """The verdict of both orders: what both say, and a tie where they contradict each other.

    Source: Zheng et al. 2023, "Judging LLM-as-a-judge with MT-Bench and Chatbot Arena", section 3.4.
    """
    return shown_first if shown_first == shown_second else TIE


def win_rates(verdicts: pd.DataFrame) -> pd.DataFrame:
    """How often each model is preferred to its rival, and whether the judge likes a place.

    Args:
        verdicts: one row per prompt and comparison: model, rival, verdict (win, tie or loss of the model), identical
            (equal responses, a tie that nobody judged), shown_first and shown_second (the verdict when the model's
            response was shown first, and second).

    Returns:
        One row per comparison: model, rival, n (prompts), wins, ties, losses, win_rate with its 95 % interval low to
        high (see `win_rate_interval`), p_value by `mcnemar` on wins and losses, judged (prompts that were judged),
        changed (the share of them whose verdict hangs on the order) and first_preferred (of the verdicts, two of each
        judged prompt, that prefer a response: the share that prefers the one shown first; a judge without a favourite
        place comes to 1/2). The shares are nan where they are of nothing.
    """
    rows = [
        {"model": model, "rival": rival, **_counts(group), **_places(group[~group["identical"]])}
        for (model, rival), group in verdicts.groupby(["model", "rival"], sort=False)
    ]
    return pd.DataFrame(rows, columns=list(_WIN_RATES)).astype(_WIN_RATES)


def _counts(verdicts: pd.DataFrame) -> dict[str, float]:
    count = Counter(verdicts["verdict"])
    wins, ties, losses = (count[verdict] for verdict in ("win", "tie", "loss"))
    low, high = win_rate_interval(wins, ties, losses)
    return {
        "n": len(verdicts),
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "win_rate": win_rate(wins, ties, losses),
        "low": low,
        "high": high,
        "p_value": mcnemar(wins, losses),
    }


def _places(judged: pd.DataFrame) -> dict[str, float]:
    first, second = judged["shown_first"], judged["shown_second"]
    first_preferred = [*(first[first != "tie"] == "win"), *(second[second != "tie"] == "loss")]
    return {"judged": len(judged), "changed": _share(first != second), "first_preferred": _share(first_preferred)}


def _share(flags: Sequence[bool] | pd.Series) -> float:
    return float(pd.Series(flags, dtype="float64").mean())
