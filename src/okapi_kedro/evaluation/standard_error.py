"""How far a share of right answers may be off, and a mean of such shares."""

import math
from collections.abc import Sequence

import pandas as pd


def standard_error(share: float, n: int) -> float:
    """Standard error of a share: the sample deviation of n right-or-wrong answers over the square root of n.

    For answers that are 0 or 1 this is sqrt(share (1 - share) / (n - 1)), the figure that lm-eval reports for a mean.

    Args:
        share: part of the answers that are right, 0 to 1.
        n: number of answers; a single answer has no spread, its error is nan.
    """
    return math.sqrt(share * (1 - share) / (n - 1)) if n > 1 else math.nan


def clustered_standard_error(tables: Sequence[pd.DataFrame]) -> pd.Series:
    """Standard error of the mean over T tables of their columns' means, where rows of one name come from one draw.

    A question that is hard in one language is so in others too: the tables are no independent samples, and the error
    of their mean is larger than theirs divided by sqrt(T). For questions g, of which G are in any table,
    sqrt(G / (G - 1) sum_g (sum_t (x_tg - m_t) / (n_t T))^2) where m_t and n_t are a table's mean and length. For one
    table of right and wrong answers this is `standard_error`.

    Source: the cluster-robust variance of a mean (Liang and Zeger 1986) with questions as the clusters.

    Args:
        tables: at least one, of the same columns; the index names the questions.

    Returns:
        One error for each column; nan where there is a single question.
    """
    parts = [(table - table.mean()) / (len(table) * len(tables)) for table in tables]
    sums = pd.concat(parts).groupby(level=0).sum()
    questions = len(sums)
    return ((sums**2).sum() * (questions / (questions - 1) if questions > 1 else math.nan)) ** 0.5
