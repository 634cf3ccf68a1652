"""Exact ROUGE-L near-duplicate search over a growing set of texts."""

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import LCSseq

from okapi_kedro.text.tokens import Tokenizer, rouge_tokens

Item = str | tuple[str, int]
"""A word, or a word and which of its repetitions it is, so that texts that share items share word occurrences."""

_ROUNDING = 1e-9
"""More than the floats of a score can be off; what comes this close to the threshold is decided by the score itself."""


@dataclass(frozen=True)
class Match:
    """The nearest text of an index.

    Args:
        id: the name under which the text was added.
        score: ROUGE-L F-measure with it, 0 to 1.
    """

    id: str
    score: float


def rouge_l(common: int, first: int, second: int) -> float:
    """ROUGE-L F of two texts from the length of their longest common subsequence, by rouge_score's own float steps.

    Args:
        common: tokens in the longest common subsequence.
        first: tokens in the one text.
        second: tokens in the other.
    """
    if not common:
        return 0.0
    precision, recall = common / first, common / second
    return 2 * precision * recall / (precision + recall)


class NearDuplicateIndex:
    """Keeps texts and tells of each new one whether a kept text is too close (Self-Instruct, section 2.2).

    Decisions equal those of comparing with every kept text. A near-duplicate shares at least `_least_shared` of its
    items, so it shares one even of its rarest, once all but that many less one are left out (prefix filtering:
    Chaudhuri et al., ICDE 2006); only those are indexed and asked for. Of the texts found, signatures of 64 bits rule
    out nearly all others; what is left is compared word by word.

    Args:
        threshold: a text whose ROUGE-L F with a kept one is *above* this is a near-duplicate.
        tokens: splits texts into words.
    """

    def __init__(self, threshold: float = 0.7, tokens: Tokenizer = rouge_tokens) -> None:
        self.threshold = threshold
        self._tokens = tokens
        self._ids: list[str] = []
        self._words: list[array[int]] = []
        self._lengths = array("i")
        self._signatures = array("Q")
        # Items are numbered as they come, which numbers the common ones low: a high number is a rare item.
        self._numbers: dict[Item, int] = {}
        self._postings: dict[int, array[int]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, text: str) -> Match | None:
        """The nearest kept text above the threshold, or None; of equals the one added first."""
        return self._find(self._tokens(text))

    def add(self, text: str, id: str | None = None) -> Match | None:
        """Keeps the text unless it is a near-duplicate; returns its nearest kept text in that case."""
        tokens = self._tokens(text)
        match = self._find(tokens)
        if match is None:
            self._keep(tokens, id)
        return match

    def keep(self, text: str, id: str | None = None) -> None:
        """Keeps the text without asking whether it is a near-duplicate."""
        self._keep(self._tokens(text), id)

    def _find(self, tokens: list[str]) -> Match | None:
        new = len(self._numbers)  # the number of no kept word
        words = array("i", [self._numbers.get(token, new) for token in tokens])
        best: Match | None = None
        for place in self._near(tokens):
            kept = self._words[place]
            least = max(1, math.ceil(self.threshold * (len(words) + len(kept)) / 2 - _ROUNDING))
            score = rouge_l(LCSseq.similarity(words, kept, score_cutoff=least), len(words), len(kept))
            if score > (best.score if best else self.threshold):
                best = Match(self._ids[place], score)
        return best

    def _keep(self, tokens: list[str], id: str | None) -> None:
        place = len(self._ids)
        items = sorted(map(self._number, _items(tokens)), reverse=True)
        self._ids.append(id if id is not None else str(place))
        self._words.append(array("i", map(self._number, tokens)))
        self._lengths.append(len(tokens))
        self._signatures.append(_signature(items))
        for item in items[: self._rare_items(len(items))]:
            self._postings.setdefault(item, array("i")).append(place)

    def _number(self, item: Item) -> int:
        return self._numbers.setdefault(item, len(self._numbers))

    def _near(self, tokens: list[str]) -> list[int]:
        """The places, in order, of all kept texts that may be above the threshold, and of a few others."""
        numbers = map(self._numbers.get, _items(tokens))
        known = sorted((number for number in numbers if number is not None), reverse=True)
        new = len(tokens) - len(known)  # the rarest items of all
        rare = known[: max(0, self._rare_items(len(tokens)) - new)]
        postings = [np.frombuffer(self._postings[item], np.int32) for item in rare if item in self._postings]
        if not postings:
            return []
        places = np.concatenate(postings)
        lengths = np.frombuffer(self._lengths, np.int32)[places]
        signatures = np.frombuffer(self._signatures, np.uint64)[places]
        signature = np.uint64(_signature(known))
        least = self.threshold / 2 * (lengths + len(tokens)) - _ROUNDING
        near = (np.bitwise_count(signature & ~signatures) <= len(known) - least) & (
            np.bitwise_count(signatures & ~signature) <= lengths - least
        )
        return sorted(set(places[near].tolist()))

    def _rare_items(self, length: int) -> int:
        """So many of a text's items, the rarest, hold one of any text above the threshold."""
        return length - max(1, self._least_shared(length)) + 1

    def _least_shared(self, length: int) -> int:
        """Items that a text shares at least with any text above the threshold, which may be as short as these."""
        return math.ceil(self.threshold * length / (2 - self.threshold) - _ROUNDING)


def near_duplicates(
    texts: Sequence[str], ids: Sequence[str], threshold: float = 0.7, tokens: Tokenizer = rouge_tokens
) -> dict[str, Match]:
    """Which texts of a list are near-duplicates of an earlier one that is none itself, by their ids."""
    index = NearDuplicateIndex(threshold, tokens)
    matches = {id: index.add(text, id) for text, id in zip(texts, ids, strict=True)}
    return {id: match for id, match in matches.items() if match}


def _items(tokens: list[str]) -> list[Item]:
    """Each word, with the number of its repetition from the second time on."""
    if len(set(tokens)) == len(tokens):
        return list(tokens)
    seen: Counter[str] = Counter()
    items: list[Item] = []
    for token in tokens:
        items.append((token, seen[token]) if token in seen else token)
        seen[token] += 1
    return items


def _signature(items: Sequence[int]) -> int:
    """64 bits of which each item sets one: a bit that is set here and not there is an item that is missing there."""
    bits = 0
    for item in items:
        bits |= 1 << (item & 63)
    return bits
