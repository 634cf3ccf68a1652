"""How far a share of right answers may be off."""

import math


def standard_error(share: float, n: int) -> float:
    """Standard error of a share: the sample deviation of n right-or-wrong answers over the square root of n.

    For answers that are 0 or 1 this is sqrt(share (1 - share) / (n - 1)), the figure that lm-eval reports for a mean.

    Args:
        share: part of the answers that are right, 0 to 1.
        n: number of answers; a single answer has no spread, its error is nan.
    """
    return math.sqrt(share * (1 - share) / (n - 1)) if n > 1 else math.nan
