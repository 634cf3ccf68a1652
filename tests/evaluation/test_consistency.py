"""Answers in two languages are compared question by question where both were asked."""

import pandas as pd
import pytest
from example_answers import answers

from okapi_kedro.evaluation.consistency import consistency_with_english


def test_the_same_answer_counts_whether_it_is_right_or_wrong():
    english = answers([0, 1, 2, 3], [0, 1, 0, 0], norm=[0, 0, 0, 0])
    nepali = answers([0, 1, 2, 3], [0, 2, 0, 3], norm=[0, 0, 0, 0])
    acc, norm = consistency_with_english(nepali, english).to_dict("records")
    assert acc == {
        "task": "arc", "metric": "acc", "value": 0.5, "stderr": pytest.approx((0.25 / 3) ** 0.5), "n": 4, "moved": 0,
    }  # fmt: skip
    assert norm["value"] == 1.0


def test_only_questions_that_both_languages_have_are_compared():
    english = answers([0, 1, 2, 3], [0, 0, 0, 0])
    nepali = answers([0, 1, 2, 3], [0, 1, 1, 1]).iloc[[3, 0]]
    acc = consistency_with_english(nepali, english).iloc[0]
    assert (acc["value"], acc["n"]) == (0.5, 2)


def test_questions_whose_options_stand_at_other_places_are_counted_and_left_out():
    acc = consistency_with_english(answers([0, 1, 2], [0, 1, 2]), answers([0, 1, 3], [0, 2, 2])).iloc[0]
    assert (acc["value"], acc["n"], acc["moved"]) == (0.5, 2, 1)


def test_the_same_id_in_two_benchmarks_is_two_questions():
    english = pd.concat([answers([0], [0]), answers([0], [1], task="mmlu")])
    nepali = pd.concat([answers([0], [0]), answers([0], [0], task="mmlu")])
    table = consistency_with_english(nepali, english)
    assert table[table["metric"] == "acc"][["task", "value"]].to_numpy().tolist() == [["arc", 1.0], ["mmlu", 0.0]]


def test_shots_may_differ_between_the_languages():
    assert consistency_with_english(answers([0], [0], shots=5), answers([0], [0])).iloc[0]["value"] == 1.0


def test_tables_without_a_common_question_give_no_rows():
    table = consistency_with_english(answers([0], [0]), answers([0], [0], task="mmlu"))
    assert table.columns.tolist() == ["task", "metric", "value", "stderr", "n", "moved"]
    assert table.empty
