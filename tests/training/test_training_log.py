"""The log is a table of the trainer's figures, the same for every run with the same seed."""

import logging

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from okapi_kedro.training.training_log import TrainingProgress, training_log

HISTORY = [
    {"loss": 2.0, "learning_rate": 0.1, "epoch": 0.5, "step": 10, "step_time": 0.3},
    {"eval_loss": 1.5, "eval_runtime": 3.2, "eval_samples_per_second": 9.0, "eval_steps_per_second": 1.0, "step": 20},
    {"train_runtime": 9.9, "train_steps_per_second": 2.0, "total_flos": 1e9, "train_loss": 1.7, "step": 20},
]
TIMING_WORDS = ("runtime", "time", "second", "flos")


def test_the_log_has_a_row_per_entry_and_its_step_first():
    log = training_log(HISTORY)
    assert log.columns.tolist() == ["step", "loss", "learning_rate", "epoch", "eval_loss", "train_loss"]
    assert log["step"].tolist() == [10, 20, 20]
    assert log["loss"].dropna().tolist() == [2.0]
    assert log["eval_loss"].dropna().tolist() == [1.5]
    assert log["train_loss"].dropna().tolist() == [1.7]


def test_making_the_log_leaves_the_history_as_it_was():
    before = [dict(entry) for entry in HISTORY]
    training_log(HISTORY)
    assert before == HISTORY


@pytest.mark.parametrize("trained", ["knowing", "judging", "tuned"])
def test_the_logs_of_the_trainers_have_no_timings_and_start_with_the_step(trained, request):
    log = request.getfixturevalue(trained)[1]
    assert log.columns[0] == "step"
    assert not [name for name in log.columns if any(word in name for word in TIMING_WORDS)]
    assert log["step"].is_monotonic_increasing
    assert log["loss"].notna().sum() > 1


def test_at_the_end_one_line_tells_the_first_and_the_last_loss(tmp_path, caplog):
    state = TrainerState(max_steps=2, global_step=2, log_history=[{"loss": 2.0}, {"eval_loss": 9.0}, {"loss": 0.5}])
    arguments = TrainingArguments(output_dir=str(tmp_path))
    progress = TrainingProgress("SFT")
    with caplog.at_level(logging.INFO, logger="okapi_kedro"):
        progress.on_train_begin(arguments, state, TrainerControl())
        progress.on_step_end(arguments, state, TrainerControl())
        progress.on_log(arguments, state, TrainerControl(), logs={"loss": 2.0})
        progress.on_train_end(arguments, state, TrainerControl())
    assert [record.getMessage() for record in caplog.records] == ["SFT: 2 steps, loss 2.000 at first, 0.500 at last"]
