"""The nearest earlier text of each text, near-duplicate or not."""

from collections.abc import Iterator, Sequence

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from okapi_kedro.text.near_duplicates import rouge_l
from okapi_kedro.text.tokens import Tokenizer, rouge_tokens

_BLOCK = 64
"""Texts compared with all earlier ones at once; with 158,000 of those that takes 60 MB."""


def nearest_earlier(
    texts: Sequence[str], first: int, tokens: Tokenizer = rouge_tokens
) -> Iterator[tuple[int | None, float]]:
    """For each text from `first` on, the place of the earlier text of highest ROUGE-L F, and that.

    Compares every pair, at some 15 ns each; all processors take part. Of equals it is the earliest; a text that shares
    no word with any earlier one has none, and 0.0.

    Args:
        texts: in the order in which they came.
        first: place of the first text that is asked about.
        tokens: splits texts into words, of which there can be a million different ones.
    """
    split = [tokens(text) for text in texts]
    characters: dict[str, str] = {}
    written = ["".join(characters.setdefault(word, chr(len(characters))) for word in words) for words in split]
    lengths = np.array([len(words) for words in split], np.float32)
    for start in range(first, len(texts), _BLOCK):
        asked = range(start, min(start + _BLOCK, len(texts)))
        earlier = written[: asked[-1]]
        common = cdist(written[start : asked[-1] + 1], earlier, scorer=LCSseq.similarity, dtype=np.uint16, workers=-1)
        # A text without words would be divided by zero.
        scores = common / np.maximum(lengths[asked, None] + lengths[: len(earlier)], 1)
        for place, row, counts in zip(asked, scores, common, strict=True):
            nearest = int(row[:place].argmax()) if place else 0
            score = rouge_l(int(counts[nearest]), len(split[place]), len(split[nearest])) if place else 0.0
            yield (nearest, score) if score else (None, 0.0)
