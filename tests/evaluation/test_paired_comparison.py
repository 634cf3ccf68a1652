"""Models are compared question by question; the p-value is exact and chance alone gives it its due share."""

import numpy as np
import pandas as pd
import pytest
from example_answers import answers
from scipy.stats import binomtest

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.paired_comparison import compare_answers, mcnemar, paired_standard_error


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 1), (1, 5), (8, 8), (40, 21), (700, 620), (3000, 0)])
def test_the_p_value_is_the_exact_binomial_tests(gained, lost):
    expected = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)


def test_the_p_value_by_hand():
    # one of six: 2 (C(6,0) + C(6,1)) / 64
    assert mcnemar(5, 1) == pytest.approx(14 / 64)


@pytest.mark.parametrize(("gained", "lost", "n"), [(5, 1, 20), (0, 0, 10), (3, 3, 6), (200, 150, 1170)])
def test_the_error_is_that_of_the_mean_of_the_differences(gained, lost, n):
    differences = [1] * gained + [-1] * lost + [0] * (n - gained - lost)
    assert paired_standard_error(gained, lost, n) == pytest.approx(np.std(differences, ddof=1) / n**0.5)


def test_a_single_question_has_no_error():
    assert np.isnan(paired_standard_error(1, 0, 1))


def test_questions_are_paired_by_their_id_whatever_the_order():
    before = answers([0] * 6, [0, 0, 0, 1, 1, 1], norm=[0] * 6)
    after = answers([0] * 6, [1, 0, 0, 0, 0, 1], norm=[0, 0, 0, 0, 2, 2]).sample(frac=1, random_state=1)
    acc, norm = compare_answers(before, after).to_dict("records")
    assert acc == {
        "task": "arc", "metric": "acc", "n": 6, "difference": pytest.approx(1 / 6),
        "stderr": pytest.approx(np.std([-1, 0, 0, 1, 1, 0], ddof=1) / 6**0.5), "gained": 2, "lost": 1, "p_value": 1.0,
    }  # fmt: skip
    assert (norm["gained"], norm["lost"], norm["p_value"]) == (0, 2, 0.5)


def test_each_benchmark_is_compared_by_itself():
    before = pd.concat([answers([0, 1], [1, 1]), answers([2], [2], task="mmlu")])
    after = pd.concat([answers([0, 1], [0, 1]), answers([2], [0], task="mmlu")])
    table = compare_answers(before, after)
    assert table["task"].tolist() == ["arc", "arc", "mmlu", "mmlu"]
    assert table["difference"].tolist() == [0.5, 0.5, -1.0, -1.0]


@pytest.mark.parametrize(
    "after",
    [answers([0, 1, 2], [0, 0, 0]), answers([0], [0]), answers([0, 2], [0, 0]), answers([0, 1], [0, 0], shots=5)],
    ids=["one more", "one less", "another gold", "other shots"],
)
def test_other_questions_are_refused(after):
    with pytest.raises(UserError, match=r"questions are not the same in both tables, first arc q\d"):
        compare_answers(answers([0, 1], [0, 0]), after)


def test_models_that_differ_by_chance_alone_are_rarely_called_different():
    draw = np.random.default_rng(0)
    right = draw.random((2, 2000, 200)) < 0.4
    gained, lost = ((right[one] & ~right[1 - one]).sum(axis=1) for one in (1, 0))
    called = sum(mcnemar(int(more), int(less)) <= 0.05 for more, less in zip(gained, lost, strict=True))
    # An exact test errs in at most 5 of 100 cases, and not much less often with a hundred changed questions.
    assert 0.02 < called / 2000 <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_a_model_that_knows_a_tenth_more_is_called_better():
    golds = [place % 4 for place in range(400)]
    before = answers(golds, [gold if place % 10 < 5 else 3 - gold for place, gold in enumerate(golds)])
    after = answers(golds, [gold if place % 10 < 6 else 3 - gold for place, gold in enumerate(golds)])
    acc = compare_answers(before, after).iloc[0]
    assert (acc["gained"], acc["lost"], acc["difference"]) == (40, 0, pytest.approx(0.1))
    assert acc["p_value"] == pytest.approx(2 / 2**40)
