"""The nearest earlier text against rouge_score, which compares every pair."""

import random

import pytest

from okapi_kedro.text.nearest import nearest_earlier
from okapi_kedro.text.tokens import unicode_tokens

from .test_near_duplicates import edited_texts, random_texts, their_score


def theirs(texts: list[str], first: int) -> list[tuple[int | None, float]]:
    nearest = []
    for place in range(first, len(texts)):
        scores = [their_score(texts[place], other) for other in texts[:place]]
        # Equal scores come out of rouge_score's floats a last bit apart.
        best = next((place for place, score in enumerate(scores) if score > max(scores) - 1e-12 and score), None)
        nearest.append((best, 0.0 if best is None else scores[best]))
    return nearest


@pytest.mark.parametrize("first", [0, 1, 30, 150, 151])
def test_the_nearest_is_that_of_rouge_score_to_the_last_bit(first: int) -> None:
    rng = random.Random(first)
    texts = [*edited_texts(rng, 80), *random_texts(rng, 70, 60, 12)]
    assert list(nearest_earlier(texts, first)) == theirs(texts, first)


def test_a_text_without_words_has_no_nearest_and_is_none() -> None:
    assert list(nearest_earlier(["", "...", "a word", "", "a word"], 0)) == [
        (None, 0.0),
        (None, 0.0),
        (None, 0.0),
        (None, 0.0),
        (2, 1.0),
    ]


def test_long_texts_are_counted_in_full() -> None:
    long = " ".join(f"w{number}" for number in range(5000))
    assert list(nearest_earlier([long, long], 1)) == [(0, 1.0)]


def test_any_script_has_its_words() -> None:
    texts = ["नेपालको राजधानी के हो?", "नेपालको राजधानी", "中国的首都", "中国的首都在哪里"]
    assert [place for place, _ in nearest_earlier(texts, 0, unicode_tokens)] == [None, 0, None, 2]
