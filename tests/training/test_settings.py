"""Settings that no run could follow are refused with the figures at fault."""

import pytest
from pydantic import ValidationError

from .toys import training


def test_a_batch_that_micro_batches_do_not_fill_is_refused_with_both_sizes():
    with pytest.raises(ValidationError, match="batch_size 10 is no multiple of micro_batch_size 4"):
        training(batch_size=10, micro_batch_size=4)


@pytest.mark.parametrize("name", ["batch_size", "micro_batch_size", "max_length", "log_steps"])
@pytest.mark.parametrize("value", [0, -4])
def test_a_size_that_is_not_positive_is_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=rf"{name}\n.*greater than 0"):
        training(**{name: value})


def test_an_unknown_setting_is_refused_by_name():
    with pytest.raises(ValidationError, match="learning_rat"):
        training(learning_rat=0.1)


@pytest.mark.parametrize(("batch", "micro", "steps"), [(8, 8, 1), (8, 2, 4), (3, 1, 3)])
def test_micro_batches_are_accumulated_to_the_batch(batch, micro, steps):
    arguments = training(batch_size=batch, micro_batch_size=micro).trainer_arguments("out", seed=3)
    assert arguments["per_device_train_batch_size"] == micro
    assert arguments["gradient_accumulation_steps"] == steps
    assert arguments["seed"] == arguments["data_seed"] == 3


@pytest.mark.parametrize(("processes", "micro_batch_size"), [(1, 4), (1, 128), (2, 4), (8, 4), (32, 4), (3, 2)])
def test_rows_per_step_are_those_of_the_batch(processes, micro_batch_size):
    batch_size = 126 if processes == 3 else 128
    settings = training(batch_size=batch_size, micro_batch_size=micro_batch_size, processes=processes)
    arguments = settings.trainer_arguments("somewhere", seed=0)
    per_pass = arguments["per_device_train_batch_size"] * processes
    assert arguments["gradient_accumulation_steps"] * per_pass == batch_size


REFUSED = {
    "batch_size 128 is no multiple of micro_batch_size 4 times 3 processes": {"processes": 3},
    "batch_size 128 is no multiple of micro_batch_size 64 times 4 processes": {"processes": 4, "micro_batch_size": 64},
    "sharding fsdp divides a model among processes and there is 1": {"sharding": "fsdp"},
    "cpu_offload is FSDP's": {"cpu_offload": True, "processes": 2},
    "checkpoint_steps 15 is no multiple of log_steps 10": {"checkpoint_steps": 15, "log_steps": 10},
    "Input should be greater than or equal to 0": {"checkpoint_steps": -1},
    "Input should be 'none' or 'fsdp'": {"sharding": "deepspeed"},
    "Input should be greater than 0": {"early_stopping_patience": 0},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_go_together_is_refused(message):
    with pytest.raises(ValidationError) as caught:
        training(**{"batch_size": 128, "micro_batch_size": 4, **REFUSED[message]})
    assert message in str(caught.value)


def test_no_tracker_is_reported_to_unless_asked_for():
    assert training().trainer_arguments("somewhere", seed=0)["report_to"] == "none"
    assert training(report_to=["tensorboard"]).trainer_arguments("somewhere", seed=0)["report_to"] == ["tensorboard"]


def test_only_a_divided_model_gets_arguments_of_fsdp():
    assert "fsdp" not in training().trainer_arguments("somewhere", seed=0)
    divided = training(batch_size=8, processes=2, sharding="fsdp", cpu_offload=True).trainer_arguments(
        "somewhere", seed=0
    )
    assert divided["fsdp_config"] == {"version": 2, "cpu_offload": True}
