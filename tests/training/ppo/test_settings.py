"""Parameters that do not fit together are refused before anything runs."""

import pytest
from pydantic import ValidationError

from .toy_loops import ppo_settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rollouts": 10}, "rollouts 10 is no multiple of minibatch_size 4"),
        ({"micro_batch_size": 3}, "minibatch_size 4 is no multiple of micro_batch_size 3"),
        ({"generation_batch_size": 5}, "generation_batch_size 5 is no multiple of micro_batch_size 2"),
        ({"processes": 4}, "minibatch_size / micro_batch_size 2 is no multiple of processes 4"),
        ({"sharding": "fsdp"}, "sharding fsdp divides a model among processes and there is 1"),
        ({"sharding": "zero3", "processes": 2}, "sharding"),
        ({"num_unfrozen": 4}, "num_unfrozen"),
        ({"kl": {"coefficient": -0.1, "target": None}}, "coefficient"),
        ({"stop": {"distinct_floor": 1.5}}, "distinct_floor"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ValidationError, match=message):
        ppo_settings(**changes)
