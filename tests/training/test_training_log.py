"""The log is a table of the trainer's figures, which go on where they were when a training is resumed."""

import logging
import time
from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from okapi_kedro import schemas
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.sft import fine_tune
from okapi_kedro.training.training_log import TrainingFigures, TrainingProgress, training_log

from .toys import RECIPE, facts, training


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until `now` is set."""
    hand = SimpleNamespace(now=0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: hand.now)
    return hand


HISTORY = [
    {"entropy": 6.0, "loss": 2.0, "learning_rate": 0.1, "num_tokens": 5.0, "epoch": 0.5, "step": 10, "step_time": 0.3},
    {"eval_loss": 1.5, "eval_runtime": 3.2, "eval_samples_per_second": 9.0, "eval_steps_per_second": 1.0, "step": 20},
    {"train_runtime": 9.9, "train_steps_per_second": 2.0, "total_flos": 1e9, "train_loss": 1.7, "step": 20},
]


def test_the_log_has_a_row_per_entry_but_the_summary_and_its_step_first():
    log = training_log(HISTORY)
    assert log.columns.tolist() == ["step", "epoch", "loss", "eval_loss", "learning_rate", "entropy"]
    assert log["step"].tolist() == [10, 20]
    assert log["loss"].dropna().tolist() == [2.0]
    assert log["eval_loss"].dropna().tolist() == [1.5]


def test_making_the_log_leaves_the_history_as_it_was():
    before = [dict(entry) for entry in HISTORY]
    training_log(HISTORY)
    assert before == HISTORY


@pytest.mark.parametrize("trained", ["knowing", "judging", "tuned"])
def test_the_logs_of_the_trainers_start_with_the_step(trained, request):
    log = request.getfixturevalue(trained)[1]
    assert log.columns[0] == "step"
    assert log["step"].is_monotonic_increasing
    assert log["loss"].notna().sum() > 1


@pytest.mark.parametrize(("trained", "schema"), [("knowing", schemas.SftLog), ("judging", schemas.RewardLog)])
def test_the_log_of_a_stage_has_the_columns_of_its_table(trained, schema, request):
    schema.validate(request.getfixturevalue(trained)[1])


def test_tokens_are_counted_without_padding(untrained, tmp_path):
    examples, tokenizer = facts(), untrained("bloom").tokenizer()
    read = examples.loc[~examples["held_out"], "prompt"] + examples.loc[~examples["held_out"], "completion"] + "</s>"
    _, log = fine_tune(
        untrained("bloom"), examples, training(epochs=2, micro_batch_size=2), RECIPE, ENGLISH, tmp_path, seed=0
    )
    per_epoch = sum(len(ids) for ids in tokenizer(read.tolist())["input_ids"])
    assert log.loc[log["eval_loss"].notna(), "tokens"].tolist() == [per_epoch, 2 * per_epoch]
    assert log["tokens"].is_monotonic_increasing


def logged(figures: TrainingFigures, state: TrainerState, entry: dict, tokens: int) -> dict:
    """An entry as the trainer makes it and the figures complete it."""
    state.num_input_tokens_seen = tokens
    state.log_history.append(entry)
    figures.on_log(TrainingArguments(), state, TrainerControl())
    return entry


def test_speed_is_that_since_the_entry_before_and_an_evaluation_has_none(clock):
    state, figures = TrainerState(), TrainingFigures()
    figures.on_train_begin(TrainingArguments(), state, TrainerControl())
    clock.now += 10
    first = logged(figures, state, {"loss": 2.0}, tokens=500)
    clock.now += 5
    evaluated = logged(figures, state, {"eval_loss": 1.5}, tokens=500)
    clock.now += 2
    second = logged(figures, state, {"loss": 1.0}, tokens=600)
    assert [entry["seconds"] for entry in (first, evaluated, second)] == [10, 15, 17]
    assert (first["tokens_per_second"], second["tokens_per_second"]) == (50, 50)
    assert "tokens_per_second" not in evaluated
    assert all(entry["peak_memory"] > 2**20 for entry in (first, evaluated, second))


def test_a_resumed_training_counts_on_without_the_time_in_between(clock):
    state = TrainerState(log_history=[{"loss": 2.0, "seconds": 100.0, "tokens": 1000}])
    figures = TrainingFigures()
    clock.now = 9e6
    figures.on_train_begin(TrainingArguments(), state, TrainerControl())
    clock.now += 4
    entry = logged(figures, state, {"loss": 1.0}, tokens=1400)
    assert (entry["seconds"], entry["tokens_per_second"]) == (104, 100)


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
