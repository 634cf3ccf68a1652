"""The interval of a win rate against its definition, maximised by brute force, and against Wilson's where they meet."""

import itertools
import math

import pytest

from okapi_kedro.evaluation.win_rate import win_rate, win_rate_interval

Z = 1.959963984540054


def likelihood(wins: int, ties: int, losses: int, d: float, losing: float) -> float:
    """The log-likelihood of the counts when the share of losses is `losing` and that of wins greater by d."""
    shares = ((wins, losing + d), (losses, losing), (ties, 1 - 2 * losing - d))
    return sum(count * math.log(max(share, 1e-300)) for count, share in shares if count)


def score(wins: int, ties: int, losses: int, d: float) -> float:
    """How many standard errors the observed difference lies from d, its variance at the likeliest shares of a grid."""
    n, (low, high) = wins + ties + losses, (max(0.0, -d), (1 - d) / 2)
    grid = (low + (high - low) * step / 20_000 for step in range(20_001))
    losing = max(grid, key=lambda q: likelihood(wins, ties, losses, d, q))
    return (wins - losses - n * d) / math.sqrt(n * (2 * losing + d - d * d))


def wilson(wins: int, n: int) -> tuple[float, float]:
    share, spread = wins / n, Z * math.sqrt(wins / n * (1 - wins / n) / n + Z * Z / (4 * n * n))
    return tuple((share + Z * Z / (2 * n) + side * spread) / (1 + Z * Z / n) for side in (-1, 1))


@pytest.mark.parametrize("counts", [(12, 36, 2), (30, 5, 25), (3, 0, 1), (0, 40, 3), (1, 100, 0), (7, 2, 9)])
def test_at_its_ends_the_observed_difference_is_just_z_standard_errors_away(counts: tuple[int, int, int]) -> None:
    lower, upper = (2 * end - 1 for end in win_rate_interval(*counts))
    assert score(*counts, lower) == pytest.approx(Z, abs=2e-3)
    assert score(*counts, upper) == pytest.approx(-Z, abs=2e-3)


@pytest.mark.parametrize(("wins", "n"), [(7, 10), (1, 3), (50, 100), (99, 100), (10, 10), (0, 4)])
def test_without_ties_it_is_wilsons_interval(wins: int, n: int) -> None:
    assert win_rate_interval(wins, 0, n - wins) == pytest.approx(wilson(wins, n), abs=1e-9)


def test_it_holds_the_win_rate_and_stays_between_0_and_1() -> None:
    for counts in itertools.product((0, 1, 2, 5, 40), repeat=3):
        if any(counts):
            lower, upper = win_rate_interval(*counts)
            assert 0 <= lower <= win_rate(*counts) <= upper <= 1, counts
            assert upper - lower > 0.005


def test_turned_round_it_is_the_same_seen_from_the_rival() -> None:
    lower, upper = win_rate_interval(14, 9, 4)
    assert win_rate_interval(4, 9, 14) == pytest.approx((1 - upper, 1 - lower))


def test_one_half_is_left_out_just_where_mcnemars_statistic_rejects() -> None:
    for wins, losses in itertools.product(range(0, 40, 3), range(0, 40, 3)):
        if wins + losses:
            rejected = abs(wins - losses) / math.sqrt(wins + losses) > Z
            lower, upper = win_rate_interval(wins, 20, losses)
            assert (lower > 0.5 or upper < 0.5) == rejected, (wins, losses)


def test_more_prompts_more_confidence_or_more_ties_make_it_narrower() -> None:
    def width(*counts: int, **confidence: float) -> float:
        lower, upper = win_rate_interval(*counts, **confidence)
        return upper - lower

    assert width(60, 20, 20) < width(6, 2, 2)
    assert width(6, 2, 2, confidence=0.8) < width(6, 2, 2)
    assert width(5, 90, 5) < width(50, 0, 50)


def test_nothing_compared_has_neither_rate_nor_interval() -> None:
    assert math.isnan(win_rate(0, 0, 0))
    assert all(map(math.isnan, win_rate_interval(0, 0, 0)))


def test_a_tie_is_half_a_win() -> None:
    assert win_rate(3, 4, 1) == 0.625
