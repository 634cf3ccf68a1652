"""chrF against its definition, written out by hand."""

from collections import Counter

import pytest

from okapi_kedro.evaluation.chrf import chrf


def by_hand(response: str, reference: str) -> float:
    """Popović 2015, formula 1, with beta 2, n to 6; orders for which one of the texts is too short are left out."""
    texts = ["".join(text.split()) for text in (response, reference)]
    precisions, recalls = [], []
    for n in range(1, 7):
        grams = [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in texts]
        found, wanted = map(Counter.total, grams)
        if found and wanted:
            common = (grams[0] & grams[1]).total()
            precisions.append(common / found)
            recalls.append(common / wanted)
    if not sum(precisions):
        return 0.0
    p, r = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * 5 * p * r / (4 * p + r)


PAIRS = [
    ("काठमाडौं नेपालको राजधानी हो।", "नेपालको राजधानी काठमाडौं हो।"),
    ("the cat sat on the mat", "the cat is on the mat"),
    ("北京是首都", "中国的首都是北京"),
    ("aaaaaaaaaa", "aaa"),
    ("abcdefgh", "abcdefghabcdefgh"),
    ("ab", "abc"),
]


@pytest.mark.parametrize(("response", "reference"), PAIRS)
def test_it_is_the_published_formula(response: str, reference: str) -> None:
    assert chrf(response, [reference]) == pytest.approx(by_hand(response, reference), abs=1e-6)


def test_recall_weighs_more_than_precision() -> None:
    assert chrf("abcdefghijkl" * 2, ["abcdefghijkl"]) > chrf("abcdefghijkl", ["abcdefghijkl" * 2])


def test_the_same_text_has_100_whatever_its_spaces_and_another_or_none_has_0() -> None:
    assert chrf("एक दुई  तीन", ["एक दुई तीन"]) == pytest.approx(100)
    assert chrf("abc", ["xyz"]) == 0
    assert chrf("", ["xyz"]) == 0
