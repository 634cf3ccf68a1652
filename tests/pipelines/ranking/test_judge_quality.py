"""Figures of judges whose faults are known, checked by hand."""

import math

import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.ranking.judge_quality import (
    Judgement,
    agreement,
    contradicts,
    judge_figures,
    judge_quality,
    judge_summary,
    tau_b,
)

Figures = dict[tuple[str, int], tuple[float, int]]


def ranks(*listed: int) -> dict[int, int]:
    return dict(enumerate(listed))


def figures(judgements: list[Judgement], twice: list[tuple[Judgement, Judgement]]) -> Figures:
    table = schemas.JudgeQuality.validate(judge_quality(judgements, twice))
    return {(row.figure, row.position): (row.value, row.n) for row in table.itertuples()}


@pytest.mark.parametrize(
    ("first", "second", "alike", "tau"),
    [
        (ranks(1, 2, 3, 4), ranks(1, 2, 3, 4), 1, 1),
        (ranks(1, 2, 3, 4), ranks(4, 3, 2, 1), 0, -1),
        (ranks(1, 2, 3, 4), ranks(1, 2, 4, 3), 5 / 6, 4 / 6),
        # A tie against an order: five concordant pairs, of which the second ranking knows five.
        (ranks(1, 2, 3, 4), ranks(1, 2, 3, 3), 5 / 6, 5 / math.sqrt(30)),
        (ranks(1, 1, 2, 2), ranks(1, 1, 2, 2), 1, 1),
        (ranks(1, 1, 1, 1), ranks(1, 1, 1, 1), 1, math.nan),
        (ranks(1, 1, 1, 1), ranks(1, 2, 3, 4), 0, math.nan),
        (ranks(1, 2), ranks(2, 1), 0, -1),
    ],
)
def test_agreement_and_tau_b_of_two_rankings(
    first: dict[int, int], second: dict[int, int], alike: float, tau: float
) -> None:
    assert agreement(first, second) == agreement(second, first) == pytest.approx(alike)
    assert tau_b(first, second) == pytest.approx(tau, nan_ok=True)


def test_rankings_contradict_each_other_when_more_than_half_of_the_pairs_differ() -> None:
    # 1 2 3 4 against 3 1 4 2 (three pairs turned) and against 4 1 3 2 (four).
    assert not contradicts(ranks(1, 2, 3, 4), ranks(2, 4, 1, 3))
    assert contradicts(ranks(1, 2, 3, 4), ranks(2, 4, 3, 1))


def test_a_judge_that_takes_the_first_place_is_caught() -> None:
    forwards = [Judgement((0, 1, 2, 3), ranks(1, 2, 3, 4)) for _ in range(20)]
    backwards = [Judgement((3, 2, 1, 0), ranks(4, 3, 2, 1)) for _ in range(20)]
    found = figures(forwards, list(zip(forwards, backwards, strict=True)))
    assert [found["mean_rank", place] for place in (1, 2, 3, 4)] == [(1, 20), (2, 20), (3, 20), (4, 20)]
    assert [found["best", place] for place in (1, 2, 3, 4)] == [(1, 20), (0, 20), (0, 20), (0, 20)]
    # Chi-square (15^2 + 3 * 5^2) / 5 = 60 with 3 degrees of freedom.
    assert found["best_p_value", 0] == (pytest.approx(5.88e-13, rel=0.01), 20)
    assert found["agreement", 0] == (0, 20)
    assert found["tau_b", 0] == (-1, 20)
    assert found["contradictions", 0] == (1, 20)
    assert found["earlier_preferred", 0] == (1, 120)


def test_a_judge_that_takes_the_last_place_prefers_what_was_shown_later() -> None:
    pair = Judgement((0, 1, 2), ranks(3, 2, 1)), Judgement((2, 1, 0), ranks(1, 2, 3))
    assert figures([pair[0]], [pair])["earlier_preferred", 0] == (0, 3)


def test_a_judge_that_looks_at_the_response_has_no_pair_that_turns_and_no_favourite_place() -> None:
    orders = [(0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)]
    judgements = [Judgement(order, ranks(1, 2, 3, 4)) for order in orders]
    found = figures(judgements, [(each, Judgement(each.order[::-1], each.ranks)) for each in judgements])
    assert {found["best", place] for place in (1, 2, 3, 4)} == {(0.25, 4)}
    assert {found["mean_rank", place] for place in (1, 2, 3, 4)} == {(2.5, 4)}
    assert found["best_p_value", 0] == (1, 4)
    assert found["agreement", 0] == found["tau_b", 0] == (1, 4)
    assert found["contradictions", 0] == (0, 4)
    assert ("earlier_preferred", 0) not in found


def test_ties_share_their_ranks_and_the_first_place() -> None:
    # Shown 2, 0, 1: ranks 1, 1, 2.
    found = figures([Judgement((2, 0, 1), ranks(1, 2, 1))], [])
    assert [found["mean_rank", place][0] for place in (1, 2, 3)] == [1.5, 1.5, 3]
    assert [found["best", place][0] for place in (1, 2, 3)] == [0.5, 0.5, 0]
    assert not {"best_p_value", "agreement", "tau_b", "contradictions", "earlier_preferred"} & {
        name for name, _ in found
    }


def test_a_tie_in_one_order_is_no_preference_for_a_place() -> None:
    pair = Judgement((0, 1), ranks(1, 2)), Judgement((1, 0), ranks(1, 1))
    found = figures([pair[0]], [pair])
    assert found["agreement", 0] == (0, 1)
    assert {("tau_b", 0), ("earlier_preferred", 0)}.isdisjoint(found)


def test_the_summary_gives_the_figures_of_no_single_place() -> None:
    first = Judgement((0, 1, 2, 3), ranks(1, 2, 3, 4))
    turned = Judgement((3, 2, 1, 0), ranks(1, 3, 2, 4))
    quality = judge_quality([first, first, turned, Judgement((0, 1, 2, 3), ranks(1, 1, 1, 1))], [(first, turned)])
    assert judge_figures(quality) == {
        "prompts": 4,
        "judged_twice": 1,
        "agreement": 0.8333,
        "tau_b": 0.6667,
        "contradictions": 0.0,
        "earlier_preferred": 1.0,
        "best_shown_first": 0.5625,
        "best_by_chance": 0.25,
        # Firsts 2, 0, 0, 1 of three: chi-square 11/3, 3 degrees of freedom.
        "best_p_value": pytest.approx(0.2998, abs=1e-4),
    }
    assert judge_summary(quality) == (
        "Judged in two orders: 1 prompts, 83% of their pairs ranked alike, 0% of the prompts in contradiction; "
        "the best response was shown first for 56% of 4 prompts (25% by chance)."
    )


def test_the_summary_says_when_there_is_little_or_nothing_to_judge_by() -> None:
    once = judge_quality([Judgement((0, 1), ranks(1, 2))], [])
    assert judge_figures(once)["judged_twice"] == 0
    assert judge_figures(once)["agreement"] is None
    assert judge_summary(once).startswith("No prompt was judged twice; the best response was shown first for 100% of 1")
    nothing = schemas.JudgeQuality.validate(judge_quality([], []))
    assert len(nothing) == 0
    assert set(judge_figures(nothing).values()) == {0, None}
    assert judge_summary(nothing) == "No prompt was ranked."
