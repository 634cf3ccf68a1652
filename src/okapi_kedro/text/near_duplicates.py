"""Exact ROUGE-L near-duplicate search over a growing set of texts."""

import re
from array import array
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
from rapidfuzz.distance import LCSseq

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Match:
    """The nearest text of an index.

    Args:
        id: the name under which the text was added.
        score: ROUGE-L F-measure with it, 0 to 1.
    """

    id: str
    score: float


def rouge_tokens(text: str) -> list[str]:
    """The words that rouge_score's default tokenizer finds (lower case, a-z and 0-9, no stemmer)."""
    return _WORD.findall(text.lower())


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


@cache
def _least_common(first: int, second: int, threshold: float) -> int:
    """The shortest common subsequence whose ROUGE-L exceeds the threshold."""
    return next((n for n in range(1, first + 1) if rouge_l(n, first, second) > threshold), first + second)


class NearDuplicateIndex:
    """Keeps texts and tells of each new one whether a kept text is too close (Self-Instruct, section 2.2).

    A text shares at least as many words as its longest common subsequence has, so only kept texts that share enough
    word occurrences are compared; decisions equal those of comparing with every kept text.

    Args:
        threshold: a text whose ROUGE-L F with a kept one is *above* this is a near-duplicate.
    """

    def __init__(self, threshold: float = 0.7) -> None:
        self.threshold = threshold
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._characters: dict[str, str] = {}
        self._postings: dict[tuple[str, int], array[int]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, text: str) -> Match | None:
        """The nearest kept text above the threshold, or None; of equals the one added first."""
        tokens = rouge_tokens(text)
        encoded = self._encode(tokens)
        best: Match | None = None
        for position in self._candidates(tokens):
            kept = self._texts[position]
            least = _least_common(len(encoded), len(kept), self.threshold)
            common = LCSseq.similarity(encoded, kept, score_cutoff=least)
            score = rouge_l(common, len(encoded), len(kept))
            if common >= least and (best is None or score > best.score):
                best = Match(self._ids[position], score)
        return best

    def add(self, text: str, id: str | None = None) -> Match | None:
        """Keeps the text unless it is a near-duplicate; returns its nearest kept text in that case."""
        match = self.find(text)
        if match is None:
            self.keep(text, id)
        return match

    def keep(self, text: str, id: str | None = None) -> None:
        """Keeps the text without asking whether it is a near-duplicate."""
        position = len(self._ids)
        tokens = rouge_tokens(text)
        self._ids.append(id if id is not None else str(position))
        self._texts.append(self._encode(tokens))
        for occurrence in _occurrences(tokens):
            self._postings.setdefault(occurrence, array("i")).append(position)

    def _candidates(self, tokens: list[str]) -> list[int]:
        lists = [self._postings[occurrence] for occurrence in _occurrences(tokens) if occurrence in self._postings]
        if not lists:
            return []
        shared = np.bincount(np.concatenate([np.frombuffer(positions, dtype=np.int32) for positions in lists]))
        return [
            int(position)
            for position in np.flatnonzero(shared)
            if shared[position] >= _least_common(len(tokens), len(self._texts[position]), self.threshold)
        ]

    def _encode(self, tokens: list[str]) -> str:
        """One character per token, which is what the bit-parallel comparison is fastest on."""
        return "".join(self._characters.setdefault(token, chr(0x100 + len(self._characters))) for token in tokens)


def _occurrences(tokens: list[str]) -> list[tuple[str, int]]:
    """Each token with its running number, so that overlap of sets is overlap of multisets."""
    seen: Counter[str] = Counter()
    occurrences = []
    for token in tokens:
        seen[token] += 1
        occurrences.append((token, seen[token]))
    return occurrences
