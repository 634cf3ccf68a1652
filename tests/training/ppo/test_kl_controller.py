"""The coefficient of the divergence, fixed and adaptive."""

import pytest

from okapi_kedro.training.ppo.kl_controller import next_kl_coefficient


def test_without_a_target_the_coefficient_stays():
    assert next_kl_coefficient(0.05, 1e9, 128, None, 10_000) == 0.05


@pytest.mark.parametrize(
    ("divergence", "factor"),
    [
        (6.0, 1.0),
        (6.6, 1 + 0.1 * 128 / 10_000),
        (5.4, 1 - 0.1 * 128 / 10_000),
        (1e9, 1 + 0.2 * 128 / 10_000),
        (0.0, 1 - 0.2 * 128 / 10_000),
        (-3.0, 1 - 0.2 * 128 / 10_000),
    ],
)
def test_the_coefficient_follows_the_error_which_is_held_within_a_fifth(divergence, factor):
    assert next_kl_coefficient(0.1, divergence, 128, 6.0, 10_000) == pytest.approx(0.1 * factor, rel=1e-12)
