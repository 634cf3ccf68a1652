"""Which two responses to a prompt make a preference pair."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise


@dataclass(frozen=True)
class Ranked:
    """A response's text with its rank in each judgement of its prompt; 1 is best, equal ranks are ties."""

    text: str
    ranks: tuple[int, ...]


Pairs = Iterator[tuple[Ranked, Ranked]]


def preference_pairs(responses: Sequence[Ranked], kind: str) -> list[tuple[str, str]]:
    """Better and worse texts among the responses to one prompt.

    A text that was drawn twice counts once, with its best rank. The pairs are chosen by the first judgement; a pair
    that a second one orders otherwise is left out.

    Args:
        responses: all responses to the prompt, as often judged each.
        kind: `all`, `adjacent` or `best_vs_rest`.
    """
    return [(a.text, b.text) for a, b in _CHOICES[kind](_best_first(responses)) if _all_prefer(a, b)]


def _best_first(responses: Sequence[Ranked]) -> list[Ranked]:
    """Each text once, in the order of the ranks and then of the alphabet."""
    judgements: dict[str, list[tuple[int, ...]]] = {}
    for response in sorted(responses, key=lambda each: (each.ranks, each.text)):
        judgements.setdefault(response.text, []).append(response.ranks)
    return [Ranked(text, tuple(map(min, zip(*ranks, strict=True)))) for text, ranks in judgements.items()]


def _all_prefer(better: Ranked, worse: Ranked) -> bool:
    return all(first < second for first, second in zip(better.ranks, worse.ranks, strict=True))


def _best_vs_rest(best_first: Sequence[Ranked]) -> Pairs:
    """Every response of the best rank with every other one."""
    return (pair for pair in combinations(best_first, 2) if pair[0].ranks[0] == best_first[0].ranks[0])


_CHOICES: dict[str, Callable[[Sequence[Ranked]], Pairs]] = {
    "all": lambda best_first: combinations(best_first, 2),
    "adjacent": pairwise,
    "best_vs_rest": _best_vs_rest,
}
