"""How figures are written."""

import math

import pytest

from okapi_kedro.reporting.pages import duration, figure, percent, points, whole


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (41.26, "41.3 s"),
        (61, "1 min 01 s"),
        (3599.6, "1 h 00 min"),
        (4473, "1 h 14 min"),
        (90000, "25 h 00 min"),
    ],
)
def test_durations_have_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_figures_have_fixed_decimals_and_a_sign_for_no_value() -> None:
    assert [percent(value) for value in (0, 0.6467, 1, None, math.nan)] == ["0.0", "64.7", "100.0", "–", "–"]
    assert [points(value) for value in (0.0123, -0.05, 0.0, math.nan)] == ["+1.2", "−5.0", "+0.0", "–"]
    assert [figure(value) for value in (-0.2, 1.2345, None)] == ["−0.200", "1.234", "–"]
    assert whole(1234567) == "1\u202f234\u202f567"
