"""How far a judge can be trusted: whether it says the same twice, and whether it likes a place."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd
import torch

Ranks = Mapping[int, int]
"""Ranks by response; 1 is best, equal ranks are ties."""


@dataclass(frozen=True)
class Judgement:
    """One ranking of the responses to a prompt.

    Args:
        order: the responses in the order in which they were shown.
        ranks: what the judge made of them.
    """

    order: tuple[int, ...]
    ranks: Ranks


def pairs_alike(first: Ranks, second: Ranks) -> tuple[int, int]:
    """How many pairs of responses two rankings order alike, ties included, and how many pairs there are."""
    alike = [_order(first, pair) == _order(second, pair) for pair in combinations(sorted(first), 2)]
    return sum(alike), len(alike)


def agreement(first: Ranks, second: Ranks) -> float:
    """The share of pairs of responses that two rankings order alike."""
    alike, pairs = pairs_alike(first, second)
    return alike / pairs


def contradicts(first: Ranks, second: Ranks) -> bool:
    """Whether two rankings of the same responses order more than half of the pairs differently."""
    return agreement(first, second) < 0.5


def tau_b(first: Ranks, second: Ranks) -> float:
    """Kendall's rank correlation with its correction for ties (Kendall 1945); NaN where a ranking is one tie."""
    orders = [(_order(first, pair), _order(second, pair)) for pair in combinations(sorted(first), 2)]
    untied = math.prod(sum(order != 0 for order in orders) for orders in zip(*orders, strict=True))
    return sum(a * b for a, b in orders) / math.sqrt(untied) if untied else math.nan


def judge_quality(judgements: Sequence[Judgement], twice: Sequence[tuple[Judgement, Judgement]]) -> pd.DataFrame:
    """The figures of a judge, a line each; those that are of nothing are left out.

    Args:
        judgements: one of every prompt, the responses shown in a random order, the same number each.
        twice: the prompts that were ranked in two orders, the second the reverse of the first.

    Returns:
        Columns figure, position (0 where the figure is of no single place), value and n:

        mean_rank: of the responses shown at a place, tied ones sharing their mean rank; with k responses, a judge
            without a favourite place comes to (k + 1) / 2 everywhere.
        best: how often the best response stood at a place, a tie counting in parts; 1 / k everywhere.
        best_p_value: that so uneven places come by chance (chi-square test over prompts with a single best).
        agreement: mean share of pairs that both rankings order alike; n counts prompts.
        tau_b: mean rank correlation of both rankings.
        contradictions: share of the prompts whose rankings order more than half of the pairs differently.
        earlier_preferred: of the pairs whose order turns with the order shown, the share in which both times the
            response shown first is preferred; 1 is a judge that likes what it reads first, 0 what it reads last.
    """
    rows = [*_by_position(judgements), _best_p_value(judgements), *_of_both(twice)]
    table = pd.DataFrame([row for row in rows if row[-1]], columns=["figure", "position", "value", "n"])
    return table.astype({"figure": "str", "position": "int64", "value": "float64", "n": "int64"})


def judge_figures(quality: pd.DataFrame) -> dict[str, float | int | None]:
    """What a summary says of the judge; None for a figure that is of nothing."""
    rows = {(row.figure, row.position): row for row in quality.itertuples()}

    def value(figure: str, position: int = 0) -> float | None:
        row = rows.get((figure, position))
        return round(row.value, 4) if row else None

    return {
        "prompts": int(rows["best", 1].n) if rows else 0,
        "judged_twice": int(rows["agreement", 0].n) if ("agreement", 0) in rows else 0,
        **{name: value(name) for name in ("agreement", "tau_b", "contradictions", "earlier_preferred")},
        "best_shown_first": value("best", 1),
        "best_by_chance": round(1 / int(quality["position"].max()), 4) if rows else None,
        "best_p_value": value("best_p_value"),
    }


def judge_summary(quality: pd.DataFrame) -> str:
    """The same in one line of English."""
    figures = judge_figures(quality)
    if not figures["prompts"]:
        return "No prompt was ranked."
    places = (
        f"the best response was shown first for {_percent(figures['best_shown_first'])} of {figures['prompts']:,} "
        f"prompts ({_percent(figures['best_by_chance'])} by chance)."
    )
    if not figures["judged_twice"]:
        return f"No prompt was judged twice; {places}"
    alike, contradicting = (_percent(figures[name]) for name in ("agreement", "contradictions"))
    return (
        f"Judged in two orders: {figures['judged_twice']:,} prompts, {alike} of their pairs ranked alike, "
        f"{contradicting} of the prompts in contradiction; {places}"
    )


def _percent(share: float | None) -> str:
    return f"{share:.0%}"


def _order(ranks: Ranks, pair: tuple[int, int]) -> int:
    """-1 where the first of a pair is better, 1 where the second is, 0 for a tie."""
    a, b = ranks[pair[0]], ranks[pair[1]]
    return (a > b) - (a < b)


Row = tuple[str, int, float, int]


def _by_position(judgements: Sequence[Judgement]) -> list[Row]:
    n = len(judgements)
    places = range(1, len(judgements[0].order) + 1) if judgements else range(0)
    means = [_mean(_shared_ranks(each)[place - 1] for each in judgements) for place in places]
    best = [_mean(_best_share(each)[place - 1] for each in judgements) for place in places]
    return [
        *(("mean_rank", place, value, n) for place, value in zip(places, means, strict=True)),
        *(("best", place, value, n) for place, value in zip(places, best, strict=True)),
    ]


def _shared_ranks(judgement: Judgement) -> list[float]:
    """The rank of each place, 1 to k, where tied responses share the mean of the ranks they take up."""
    ranks = [judgement.ranks[response] for response in judgement.order]
    return [sum(other < rank for other in ranks) + (ranks.count(rank) + 1) / 2 for rank in ranks]


def _best_share(judgement: Judgement) -> list[float]:
    """1 for the place of the best response and 0 for the others, divided among the best where they tie."""
    ranks = [judgement.ranks[response] for response in judgement.order]
    return [(rank == min(ranks)) / ranks.count(min(ranks)) for rank in ranks]


def _best_p_value(judgements: Sequence[Judgement]) -> Row:
    """Chi-square test that the single best response stands at each place equally often."""
    best = [shares.index(1.0) for shares in map(_best_share, judgements) if 1.0 in shares]
    if not best:
        return ("best_p_value", 0, math.nan, 0)
    places = len(judgements[0].order)
    expected = len(best) / places
    counts = Counter(best)
    chi_square = sum((counts[place] - expected) ** 2 / expected for place in range(places))
    # The upper tail of the chi-square distribution with places - 1 degrees of freedom.
    tail = torch.special.gammaincc(*torch.tensor([(places - 1) / 2, chi_square / 2], dtype=torch.float64))
    return ("best_p_value", 0, float(tail), len(best))


def _of_both(twice: Sequence[tuple[Judgement, Judgement]]) -> list[Row]:
    ranks = [(first.ranks, second.ranks) for first, second in twice]
    taus = [tau for tau in (tau_b(*each) for each in ranks) if not math.isnan(tau)]
    turned = [earlier for each in twice for earlier in _turned(*each)]
    return [
        ("agreement", 0, _mean(agreement(*each) for each in ranks), len(ranks)),
        ("tau_b", 0, _mean(taus), len(taus)),
        ("contradictions", 0, _mean(contradicts(*each) for each in ranks), len(ranks)),
        ("earlier_preferred", 0, _mean(turned), len(turned)),
    ]


def _turned(first: Judgement, second: Judgement) -> list[bool]:
    """For each pair whose strict order turned with the order shown: whether the one shown earlier was preferred."""
    pairs = combinations(first.order, 2)
    return [
        _order(first.ranks, pair) < 0 for pair in pairs if _order(first.ranks, pair) * _order(second.ranks, pair) < 0
    ]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else math.nan
