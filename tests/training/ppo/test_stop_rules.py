"""Limits, one by one, and how often they have to be passed."""

import math

import pytest

from okapi_kedro.training.ppo.settings import StopSettings
from okapi_kedro.training.ppo.stop_rules import passed_limits, reason_to_stop

SOUND = {"kl": 5.0, "entropy": 2.0, "distinct_responses": 0.9, "without_eos": 0.1}
LIMITS = {"kl_ceiling": 20.0, "entropy_floor": 0.5, "distinct_floor": 0.3, "without_eos_ceiling": 0.6}


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        ("kl_ceiling", {"kl": 20.5}, "kl 20.5 is above 20"),
        ("entropy_floor", {"entropy": 0.25}, "entropy 0.25 is below 0.5"),
        ("distinct_floor", {"distinct_responses": 0.0078125}, "distinct_responses 0.007812 is below 0.3"),
        ("without_eos_ceiling", {"without_eos": 1.0}, "without_eos 1 is above 0.6"),
    ],
)
def test_each_limit_is_on_its_own_figure(rule, change, words):
    row = {**SOUND, **change}
    assert passed_limits(row, StopSettings(**LIMITS)) == {rule: words}
    assert passed_limits(row, StopSettings()) == {}
    assert reason_to_stop([row], StopSettings(**LIMITS)) == f"{rule}: {words}"


def test_at_a_limit_training_goes_on():
    row = {"kl": 20.0, "entropy": 0.5, "distinct_responses": 0.3, "without_eos": 0.6}
    assert reason_to_stop([row], StopSettings(**LIMITS)) is None


def test_a_limit_has_to_be_passed_in_a_row():
    settings = StopSettings(**LIMITS, patience=2)
    high, low = {**SOUND, "kl": 21.0}, {**SOUND, "entropy": 0.1}
    assert reason_to_stop([high], settings) is None
    assert reason_to_stop([high, SOUND, high], settings) is None
    assert reason_to_stop([high, low], settings) is None
    assert reason_to_stop([SOUND, high, high], settings) == "kl_ceiling: kl 21 is above 20"


def test_no_limits_are_no_limits():
    assert not StopSettings().has_limits
    assert StopSettings(kl_ceiling=1.0).has_limits
    assert reason_to_stop([{**SOUND, "kl": math.inf}] * 3, StopSettings(patience=3)) is None
