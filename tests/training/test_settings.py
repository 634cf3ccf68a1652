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
