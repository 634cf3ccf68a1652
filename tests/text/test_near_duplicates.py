"""Near-duplicate decisions against rouge_score itself, which compares every pair."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from okapi_kedro.text.near_duplicates import Match, NearDuplicateIndex, near_duplicates, rouge_l
from okapi_kedro.text.tokens import unicode_tokens

THEIRS = RougeScorer(["rougeL"], use_stemmer=False)


def their_score(first: str, second: str) -> float:
    return THEIRS.score(first, second)["rougeL"].fmeasure


def their_decisions(texts: Iterable[str], threshold: float) -> list[tuple[str, float] | None]:
    """For each text its nearest kept one and the score when that is above the threshold, by comparing with all."""
    kept: list[tuple[str, str]] = []
    decisions = []
    for number, text in enumerate(texts):
        scores = [(id, their_score(text, other)) for id, other in kept]
        id, score = max(scores, key=lambda each: each[1], default=("", 0.0))
        decisions.append((id, score) if score > threshold else None)
        if score <= threshold:
            kept.append((str(number), text))
    return decisions


def our_decisions(texts: Iterable[str], threshold: float) -> list[tuple[str, float] | None]:
    index = NearDuplicateIndex(threshold)
    matches = [index.add(text, str(number)) for number, text in enumerate(texts)]
    return [(match.id, match.score) if match else None for match in matches]


def random_texts(rng: random.Random, count: int, words: int, longest: int) -> list[str]:
    return [" ".join(f"w{rng.randrange(words)}" for _ in range(rng.randint(0, longest))) for _ in range(count)]


def edited_texts(rng: random.Random, count: int) -> list[str]:
    """Texts of which most are an earlier one with some words changed, moved, doubled or left out."""
    texts = [random_texts(rng, 1, 50, 30)[0]]
    while len(texts) < count:
        words = rng.choice(texts).split()
        for _ in range(rng.randint(0, 8)):
            place, other = (rng.randrange(len(words) + 1) for _ in range(2))
            words[place:place] = [f"w{rng.randrange(50)}"]
            words[other : other + rng.randint(0, 2)] = []
        if rng.random() < 0.1:
            rng.shuffle(words)
        texts.append(" ".join(words))
    return texts


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize(("words", "longest"), [(2, 6), (5, 12), (40, 20)])
def test_random_texts_are_decided_on_as_by_rouge_score(threshold: float, words: int, longest: int) -> None:
    texts = random_texts(random.Random(f"{threshold} {words}"), 60, words, longest)
    assert our_decisions(texts, threshold) == their_decisions(texts, threshold)


@pytest.mark.parametrize("seed", range(4))
def test_edited_texts_are_decided_on_as_by_rouge_score(seed: int) -> None:
    texts = edited_texts(random.Random(seed), 90)
    decisions = our_decisions(texts, 0.7)
    assert decisions == their_decisions(texts, 0.7)
    assert 10 < decisions.count(None) < 80


def texts_at_exactly(common: int, first: int, second: int) -> tuple[str, str]:
    shared = [f"c{i}" for i in range(common)]
    return (
        " ".join([*shared, *(f"a{i}" for i in range(first - common))]),
        " ".join([*(f"b{i}" for i in range(second - common)), *shared]),
    )


AT_THRESHOLD = [(7 * n, a, 20 * n - a) for n in range(1, 6) for a in range(7 * n, 13 * n + 1)]
"""All ways to reach 2 LCS / (m + n) = 7/10 with up to 100 words in all: LCS, m, n."""


def test_a_score_of_seven_tenths_is_above_or_at_the_threshold_as_rouge_scores_own_floats_have_it() -> None:
    pairs = [texts_at_exactly(*lengths) for lengths in AT_THRESHOLD]
    expected = [their_score(*pair) > 0.7 for pair in pairs]
    assert {True, False} == set(expected), "the floats fall on both sides of 0.7, or this test shows nothing"
    assert [our_decisions(pair, 0.7)[1] is not None for pair in pairs] == expected


@pytest.mark.parametrize("lengths", [(1, 1, 1), (1, 3, 7), (7, 10, 10), (13, 17, 41), (3, 9, 3)])
def test_the_score_is_rouge_scores_to_the_last_bit(lengths: tuple[int, int, int]) -> None:
    first, second = texts_at_exactly(*lengths)
    assert rouge_l(*lengths) == their_score(first, second)


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("a a a a a a a a a a", "a"),
        ("a b a b a b a b", "b a b a b a b a"),
        ("a b c d e f g h i j", "j i h g f e d c b a"),
        ("one two three", "ONE, two... three!"),
        ("", ""),
        ("", "word"),
        ("नेपालको राजधानी", "नेपालको राजधानी"),
        ("In 2015?", "in 2015"),
        ("नेपाल 2015", "中国 2015"),
        ("x_y-z don't", "x y z don t"),
        ("İstanbul \u212a9 ﬁne", "i̇stanbul k9 fine"),
    ],
)
@pytest.mark.parametrize("threshold", [0.0, 0.7])
def test_ugly_pairs_are_decided_on_as_by_rouge_score(kept: str, asked: str, threshold: float) -> None:
    assert our_decisions([kept, asked], threshold) == their_decisions([kept, asked], threshold)
    assert our_decisions([asked, kept], threshold) == their_decisions([asked, kept], threshold)


def test_the_nearest_text_is_the_one_of_highest_score_and_of_equals_the_first() -> None:
    index = NearDuplicateIndex(0.2)
    for id, text in [("far", "a b x y"), ("first", "a b c x"), ("second", "a b c y")]:
        index.keep(text, id)
    match = index.find("a b c z")
    assert match is not None
    assert (match.id, match.score) == ("first", 0.75)


def test_a_near_duplicate_is_not_kept_and_cannot_lead_to_others() -> None:
    index = NearDuplicateIndex(0.7)
    assert index.add("a b c d e f", "first") is None
    assert index.add("a b c d e x", "second") is not None
    assert len(index) == 1
    assert index.add("g h c d e x", "like the second alone") is None


def test_finding_keeps_nothing() -> None:
    index = NearDuplicateIndex()
    assert index.find("the same words") is None
    assert index.find("the same words") is None
    assert len(index) == 0


def test_more_different_words_than_there_are_characters_before_the_surrogates_do_not_confuse_it() -> None:
    index = NearDuplicateIndex(0.7)
    for start in range(0, 70_000, 1000):
        assert index.add(" ".join(f"w{number}" for number in range(start, start + 1000)), str(start)) is None
    for start in (0, 55_000, 65_000):
        match = index.find(" ".join(f"w{number}" for number in range(start + 100, start + 1000)))
        assert match is not None
        assert (match.id, match.score) == (str(start), rouge_l(900, 900, 1000))


WORDS = st.one_of(st.sampled_from(["a", "b", "c"]), st.integers(0, 60).map(lambda number: f"w{number}"))
"""Few words, so that texts repeat and reorder them, and a tail of rarer ones."""
TEXTS = st.lists(st.lists(WORDS, max_size=14).map(" ".join), max_size=25)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from([0.0, 0.25, 0.5, 2 / 3, 0.7, 0.8, 1.0]))
def test_any_texts_are_decided_on_as_by_rouge_score(texts: list[str], threshold: float) -> None:
    assert our_decisions(texts, threshold) == their_decisions(texts, threshold)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, min_size=140, max_size=160), st.data())
def test_long_texts_with_some_words_changed_are_decided_on_as_by_rouge_score(
    words: list[str], data: st.DataObject
) -> None:
    changed = [f"x{n}" if data.draw(st.booleans()) else word for n, word in enumerate(words[:60])] + words[60:]
    texts = [" ".join(words), " ".join(changed), " ".join(reversed(words)), " ".join(words[:75]), " ".join(words[75:])]
    assert our_decisions(texts, 0.7) == their_decisions(texts, 0.7)


@pytest.mark.parametrize("copies", [1, 63, 64, 65, 150])
def test_words_whose_signatures_collide_are_told_apart(copies: int) -> None:
    # Item numbers that are equal modulo 64 set the same bit.
    texts = [" ".join(f"w{number}" for number in range(start, start + 5)) for start in range(0, 5 * copies, 5)]
    texts += [" ".join(f"w{64 * number}" for number in range(5)), texts[-1]]
    assert our_decisions(texts, 0.7) == their_decisions(texts, 0.7)


@pytest.mark.parametrize(
    ("text", "close", "far"),
    [
        ("नेपालको राजधानी के हो भन्नुहोस्", "नेपालको राजधानी के हो बताउनुहोस्", "यो वाक्य नेपालीमा लेख"),
        ("தமிழ்நாட்டின் தலைநகரம் எது என்று சொல்", "தமிழ்நாட்டின் தலைநகரம் எது என்று கூறு", "ஒரு கவிதை எழுது"),
        ("ما هي عاصمة مصر اليوم", "ما هي عاصمة مصر الآن", "اكتب قصيدة قصيرة عن البحر"),
        ("中国的首都是哪座城市", "中国的首都是哪个城市", "写一首关于春天的诗"),
    ],
)
def test_any_script_is_compared_by_its_own_words(text: str, close: str, far: str) -> None:
    index = NearDuplicateIndex(0.7, unicode_tokens)
    assert index.add(text, "first") is None
    assert index.find(text) == Match("first", 1.0)
    assert index.find(close) is not None
    assert index.find(far) is None
    assert our_decisions([text, text], 0.7) == [None, None], "the stock tokenizer sees no word in them"


def test_a_list_of_texts_is_searched_in_one_go() -> None:
    found = near_duplicates(["a b c d", "x y z", "a b c d", "a b c d e"], ["1", "2", "3", "4"])
    assert found == {"3": Match("1", 1.0), "4": Match("1", rouge_l(4, 5, 4))}
