"""Exact match and the standard error of a share."""

import math
import statistics

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.exact_match import exact_match
from okapi_kedro.evaluation.standard_error import standard_error


def test_spacing_and_composition_do_not_count_but_letters_and_case_do():
    predictions = ["cafe\u0301 au  lait\n", "क\u093cलम", "Paris", "rome", ""]
    references = ["café au lait", "\u0958लम", "Paris ", "Rome", "x"]
    assert exact_match(predictions, references) == pytest.approx(3 / 5)


def test_different_words_do_not_match():
    assert exact_match(["a b"], ["ab"]) == 0.0


@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_texts_that_do_not_pair_up_are_an_error(predictions, references):
    with pytest.raises(UserError, match="exact match needs pairs"):
        exact_match(predictions, references)


@pytest.mark.parametrize("answers", [[0, 1], [1, 1, 0], [1] * 30 + [0] * 70, [1, 1, 1]])
def test_the_standard_error_is_that_of_a_mean_of_zeros_and_ones(answers):
    n = len(answers)
    expected = statistics.stdev(answers) / math.sqrt(n)
    assert standard_error(sum(answers) / n, n) == pytest.approx(expected)


def test_a_single_answer_has_no_standard_error():
    assert math.isnan(standard_error(1.0, 1))
