"""The charts show every margin, also negative and equal ones, and read as the figures do."""

import re

import pandas as pd
import pytest

from okapi_kedro.reporting import reward_charts
from okapi_kedro.reporting.charts import Series
from okapi_kedro.reporting.reward_charts import margin_chart, reliability_chart
from okapi_kedro.training.calibration import reliability


def margins(values: list[float], distances: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame({"margin": values, "rank_distance": pd.array(distances, dtype="Int64")})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Series]:
    """The series that a chart is drawn from."""
    series: list[Series] = []
    draw = reward_charts.line_chart

    def watched(given: list[Series], *labels: str) -> object:
        series.extend(given)
        return draw(given, *labels)

    monkeypatch.setattr(reward_charts, "line_chart", watched)
    return series


def area(series: Series) -> float:
    """Percent of the pairs that the outline's steps hold."""
    return sum(height for _, height in series.points[1:-1:2])


def test_a_known_distance_of_ranks_has_a_curve_that_holds_all_its_pairs(drawn: list[Series]) -> None:
    margin_chart(margins([-2.0, 0.5, 1.0, 3.0], [1, 1, 2, None]))
    assert [each.name for each in drawn] == ["ranks apart: 1", "ranks apart: 2"]
    assert [area(each) for each in drawn] == pytest.approx([100, 100])
    assert (drawn[0].points[0], drawn[0].points[-1]) == ((-2.0, 0.0), (3.0, 0.0))


def test_without_ranks_there_is_one_curve_of_all_pairs(drawn: list[Series]) -> None:
    margin_chart(margins([-2.0, 0.5], [None, None]))
    assert [each.name for each in drawn] == ["all pairs"]
    assert area(drawn[0]) == pytest.approx(100)


@pytest.mark.parametrize("values", [[0.0], [1.0, 1.0], [-1e6, 1e6], [1e-9, 0.0]])
def test_any_margins_make_a_chart(values: list[float]) -> None:
    chart = margin_chart(margins(values, [None] * len(values)))
    assert chart.startswith("<svg")
    assert not re.search("nan|inf", chart)


def test_the_reliability_chart_has_the_bins_and_the_diagonal(drawn: list[Series]) -> None:
    reliability_chart(reliability(margins([0.1, -0.1, 5.0], [None] * 3)))
    model, diagonal = drawn
    assert [right for _, right in model.points] == [50.0, 100.0]
    assert diagonal.points == [(50.0, 50.0), (100.0, 100.0)]
