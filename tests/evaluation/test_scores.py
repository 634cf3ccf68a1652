"""Accuracies are shares of right answers, by benchmark and by choice."""

import pandas as pd
import pytest
from example_answers import answers

from okapi_kedro import schemas
from okapi_kedro.evaluation.scores import scores_of


def test_each_metric_counts_its_own_choice():
    table = answers([0, 1, 2, 3], [0, 1, 2, 0], norm=[0, 0, 0, 0], shots=25)
    scores = scores_of(table.assign(truncated=[True, False, False, True]))
    assert scores.to_dict("records") == [
        {
            "task": "arc", "metric": metric, "shots": 25, "value": value,
            "stderr": pytest.approx((value * (1 - value) / 3) ** 0.5), "n": 4, "truncated": 2,
        }
        for metric, value in (("acc", 0.75), ("acc_norm", 0.25))
    ]  # fmt: skip


def test_benchmarks_keep_their_order():
    table = pd.concat([answers([0], [0], task=task) for task in ("mmlu", "arc", "hellaswag")])
    assert scores_of(table)["task"].tolist() == ["mmlu", "mmlu", "arc", "arc", "hellaswag", "hellaswag"]


def test_both_tables_pass_through_their_schemas_and_a_file(tmp_path):
    table = answers([0, 1], [0, 0])
    schemas.Answers.validate(table).to_parquet(tmp_path / "answers.parquet")
    read = pd.read_parquet(tmp_path / "answers.parquet")
    schemas.Answers.validate(read)
    assert list(read["log_likelihoods"].iloc[0]) == [-1.0, -2.0, -3.0, -4.0]
    pd.testing.assert_frame_equal(schemas.Scores.validate(scores_of(read)), scores_of(table))
