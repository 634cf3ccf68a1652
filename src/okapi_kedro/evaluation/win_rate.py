"""How often one model's response is preferred to another's, and how far that share may be off."""

import math
from statistics import NormalDist

HALVINGS = 60
"""So many halvings of an interval of length 2 leave less than the rounding of a float."""


def win_rate(wins: int, ties: int, losses: int) -> float:
    """The share of wins, a tie counting half; 1/2 is no difference, nothing at all is nan."""
    n = wins + ties + losses
    return (wins + ties / 2) / n if n else math.nan


def win_rate_interval(wins: int, ties: int, losses: int, confidence: float = 0.95) -> tuple[float, float]:
    """The confidence interval of a win rate, by Tango's score method for paired shares.

    The win rate is (1 + d) / 2, where d is the share of wins less the share of losses on the same prompts. The interval
    holds all d with |n d' - n d| <= z sqrt(n (2 q + d - d^2)), where d' is the observed difference and q the likeliest
    share of losses among those for which wins - losses = d. Unlike d' +- z standard errors it has a width where all
    prompts were won, and it stays between 0 and 1. Without ties it is Wilson's interval (1927) of the share of wins;
    d = 0 lies outside where McNemar's test, uncorrected, rejects it.

    Source: Tango 1998, Statistics in Medicine 17, "Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design".

    Args:
        wins, ties, losses: prompts.
        confidence: of the interval, both sides together.

    Returns:
        The lower and the upper end; nan where there are no prompts.
    """
    if not wins + ties + losses:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    # Turned round, wins are losses, and the upper end is the lower one.
    lower, upper = _lowest_difference(wins, ties, losses, z), -_lowest_difference(losses, ties, wins, z)
    return (1 + lower) / 2, (1 + upper) / 2


def _lowest_difference(wins: int, ties: int, losses: int, z: float) -> float:
    """The smallest d that the observed difference does not exceed by more than z standard errors."""
    n = wins + ties + losses
    outside, inside = -1.0, (wins - losses) / n
    for _ in range(HALVINGS):
        d = (outside + inside) / 2
        losing = _likeliest_losses(wins, losses, n, d)
        far_off = wins - losses - n * d > z * math.sqrt(max(n * (2 * losing + d - d * d), 0.0))
        outside, inside = (d, inside) if far_off else (outside, d)
    return inside


def _likeliest_losses(wins: int, losses: int, n: int, d: float) -> float:
    """The share of losses that makes the counts likeliest where the share of wins is greater by d.

    Where the derivative of wins log(q + d) + losses log q + ties log(1 - 2 q - d) vanishes: the larger root of
    2 n q^2 + ((2 n - wins + losses) d - wins - losses) q - losses d (1 - d) = 0.
    """
    b = (2 * n - wins + losses) * d - wins - losses
    c = -losses * d * (1 - d)
    return (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
