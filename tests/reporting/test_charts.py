"""Charts as SVG: the drawn places are checked against the axes that the reader sees."""

import math
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from okapi_kedro.reporting.charts import (
    WIDE,
    WIDTH,
    Bar,
    Segment,
    Series,
    bar_chart,
    histogram,
    line_chart,
    nice_ticks,
    stacked_bars,
)


def parse(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart))


def texts(chart: Markup) -> list[str]:
    return [element.text or "" for element in parse(chart).iter("text")]


def axis(chart: Markup, coordinate: str, anchor: str) -> list[tuple[float, float]]:
    """(place, value) of the tick labels of one axis, as a reader finds them."""
    found = []
    for element in parse(chart).iter("text"):
        label = (element.text or "").replace("−", "-").replace("\u202f", "")
        if (
            element.get("text-anchor") == anchor
            and element.get(coordinate)
            and label.lstrip("-").replace(".", "").isdigit()
        ):
            found.append((float(element.attrib[coordinate]), float(label)))
    return found


def read_off(place: float, ticks: Sequence[tuple[float, float]]) -> float:
    """The value at a place on a linear axis with these ticks."""
    (first, low), (last, high) = ticks[0], ticks[-1]
    return low + (place - first) * (high - low) / (last - first)


def test_a_reader_of_the_axes_finds_the_values_of_the_curve() -> None:
    values = [(10.0, -1.25), (20.0, 0.0), (40.0, 3.5)]
    chart = line_chart([Series("reward", values)], "RL", "step", "reward")
    heights = [(place - 4, value) for place, value in axis(chart, "y", "end")]
    steps = axis(chart, "x", "middle")
    curve = next(parse(chart).iter("polyline")).attrib["points"]
    found = [tuple(map(float, point.split(","))) for point in curve.split()]
    assert [read_off(x, steps) for x, _ in found] == pytest.approx([x for x, _ in values], abs=0.05)
    assert [read_off(y, heights) for _, y in found] == pytest.approx([y for _, y in values], abs=0.01)


def test_a_reader_of_the_axes_finds_the_values_of_bars_and_their_errors() -> None:
    chart = bar_chart([Bar("ARC", "base", 26.0, 1.5), Bar("ARC", "sft", 33.0, math.nan)], "Scores", "%")
    heights = [(place - 4, value) for place, value in axis(chart, "y", "end")]
    bars = [element for element in parse(chart).iter("rect") if element.find("title") is not None]
    tops = [read_off(float(bar.attrib["y"]), heights) for bar in bars]
    bottoms = [read_off(float(bar.attrib["y"]) + float(bar.attrib["height"]), heights) for bar in bars]
    whiskers = [element.attrib["d"] for element in parse(chart).iter("path")]
    assert tops == pytest.approx([26, 33], abs=0.1)
    assert bottoms == pytest.approx([0, 0], abs=0.1)
    assert len(whiskers) == 1
    ends = [float(whiskers[0].split("M")[1].split()[1].split("V")[side]) for side in (0, 1)]
    assert [read_off(end, heights) for end in ends] == pytest.approx([27.5, 24.5], abs=0.1)


@pytest.mark.parametrize(
    "values",
    [[0, 1], [0.2, 0.21], [-3, 7], [1e-6, 3e-6], [0, 123456], [5, 5], [0, 0], [-2, -2], [1, 1 + 1e-15], [99, 101]],
)
def test_ticks_are_few_round_and_enclose_the_values(values: list[float]) -> None:
    ticks = nice_ticks(values)
    steps = [second - first for first, second in pairwise(ticks)]
    mantissa = round(steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9), 6)
    assert 3 <= len(ticks) <= 8
    assert mantissa in (1, 2, 5)
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert ticks[0] <= min(values) + 1e-12
    assert ticks[-1] >= max(values) - 1e-12


def test_tick_labels_tell_neighbours_apart_and_have_true_minus_signs() -> None:
    labels = texts(line_chart([Series("a", [(0, -0.02), (1000, 0.02)])], "t", "step", "loss"))
    assert {"−0.02", "−0.01", "0.00", "0.01", "0.02", "1\u202f000"} <= set(labels)


def test_points_that_are_not_finite_are_left_out() -> None:
    series = Series("loss", [(1, 2.0), (2, math.nan), (3, math.inf), (4, 1.0)])
    curve = next(parse(line_chart([series], "SFT", "step", "loss")).iter("polyline")).attrib["points"]
    assert len(curve.split()) == 2
    assert "nan" not in curve


def test_a_single_point_and_a_constant_curve_can_be_drawn() -> None:
    for points in ([(5.0, 0.0)], [(1.0, 2.0), (9.0, 2.0)]):
        chart = line_chart([Series("loss", points)], "SFT", "step", "loss")
        assert "nan" not in chart
        assert len(list(parse(chart).iter("circle"))) == len(points)


def test_no_point_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="SFT"):
        line_chart([Series("loss", [(1, math.nan)])], "SFT", "step", "loss")


def test_several_curves_have_a_legend_and_own_colours_and_one_has_none() -> None:
    points = [(0.0, 1.0), (1.0, 2.0)]
    both = line_chart([Series("training", points), Series("held out", points)], "t", "step", "loss")
    assert {"training", "held out"} <= set(texts(both))
    assert [curve.get("class") for curve in parse(both).iter("polyline")] == ["curve series-1", "curve series-2"]
    assert "training" not in texts(line_chart([Series("training", points)], "t", "step", "loss"))


def test_a_legend_that_is_wider_than_the_chart_goes_on_above_it() -> None:
    points = [(0.0, 1.0), (1.0, 2.0)]
    series = [Series(f"ranks apart: {distance}", points) for distance in range(1, 8)]
    chart = parse(line_chart(series, "Margins", "margin", "%"))
    _, top, width, height = map(float, chart.attrib["viewBox"].split())
    boxes = [(float(box.attrib["x"]), float(box.attrib["y"])) for box in chart.iter("rect")]
    assert len(set(boxes)) == 7
    assert all(0 < x < width - 100 and top < y < 30 for x, y in boxes)
    assert len({y for _, y in boxes}) == 3
    assert top + height == float(parse(line_chart(series[:2], "Margins", "margin", "%")).attrib["viewBox"].split()[3])


@pytest.mark.parametrize(("first", "last"), [(1, 990), (1, 3), (0, 1), (-5, 2000), (0.1, 0.101)])
def test_an_axis_of_steps_has_at_least_three_labels(first: float, last: float) -> None:
    chart = line_chart([Series("loss", [(first, 1.0), (last, 2.0)])], "SFT", "step", "loss")
    places = [place for place, _ in axis(chart, "x", "middle")]
    assert 3 <= len(places) <= 8
    assert all(40 < place < WIDTH for place in places)


def test_many_models_with_long_names_widen_the_bar_chart() -> None:
    bars = [Bar(task, f"a-model-with-a-long-name-{n}", 30, 1) for task in ("ARC", "MMLU") for n in range(8)]
    chart = parse(bar_chart(bars, "Scores", "%"))
    width = float(chart.attrib["viewBox"].split()[2])
    assert width > WIDTH
    assert all(0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"]) for box in chart.iter("rect"))


def test_bars_of_nothing_stand_on_the_axis() -> None:
    chart = bar_chart([Bar("ARC", "base", 0.0, 0.0)], "Scores", "%")
    assert min(value for _, value in axis(chart, "y", "end")) == 0


def test_names_cannot_become_markup() -> None:
    evil = '</title><script>alert("1")</script>&'
    points = [(0.0, 1.0), (1.0, 2.0)]
    for chart in (
        line_chart([Series(evil, points), Series("b", points)], evil, evil, evil),
        bar_chart([Bar(evil, evil, 1, 0.1), Bar(evil, "b", 1, 0.1)], evil, evil),
        stacked_bars([Segment(evil, evil, 1, evil), Segment(evil, "b", 1, evil)], evil, evil),
    ):
        assert "<script" not in chart
        assert evil in texts(chart)
        assert parse(chart).attrib["aria-label"] == evil


def test_a_reader_of_the_axes_finds_the_counts_of_a_histogram() -> None:
    values = [0.0, 0.04, 0.05, 0.3, 0.31, 0.32, 0.7, math.nan]
    chart = histogram(values, 0.05, "ROUGE-L", "score", "rows")
    heights = [(place - 4, value) for place, value in axis(chart, "y", "end")]
    steps = axis(chart, "x", "middle")
    bars = [element for element in parse(chart).iter("rect") if element.find("title") is not None]
    found = [(read_off(float(bar.attrib["x"]), steps), read_off(float(bar.attrib["y"]), heights)) for bar in bars]
    assert [left for left, _ in found] == pytest.approx([0, 0.05, 0.3, 0.7], abs=0.005)
    assert [count for _, count in found] == pytest.approx([2, 1, 3, 1], abs=0.05)


def test_a_histogram_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value to count"):
        histogram([math.nan], 0.05, "ROUGE-L", "score", "rows")


def boxes(chart: Markup) -> dict[str, dict[str, float]]:
    """Left, right and top of the pieces, by what a pointer reads there."""
    found = {}
    for element in parse(chart).iter("rect"):
        title = element.find("title")
        if title is not None:
            left, width, top = (float(element.attrib[name]) for name in ("x", "width", "y"))
            found[title.text or ""] = {"left": left, "right": left + width, "top": top}
    return found


PIECES = [
    Segment("script (9)", "instructions", 6, "six"),
    Segment("script (9)", "ARC", 3, "three"),
    Segment("empty (2)", "ARC", 2, "two"),
]


def test_a_reader_of_the_axis_finds_the_values_of_pieces_end_to_end() -> None:
    chart = stacked_bars(PIECES, "Rejected", "rows")
    ticks = axis(chart, "x", "middle")
    found = boxes(chart)
    ends = {
        name: [round(read_off(place[side], ticks), 1) for side in ("left", "right")] for name, place in found.items()
    }
    assert ends == {
        "script (9), instructions: six": [0, 6],
        "script (9), ARC: three": [6, 9],
        "empty (2), ARC: two": [0, 2],
    }
    tops = [place["top"] for place in found.values()]
    assert tops[0] == tops[1] < tops[2]


def test_pieces_of_one_name_have_one_colour_and_the_legend_shows_it() -> None:
    chart = parse(stacked_bars(PIECES, "Rejected", "rows"))
    classes = [element.attrib["class"] for element in chart.iter("rect")]
    assert classes == ["bar series-1", "bar series-2", "bar series-1", "bar series-2", "bar series-2"]


def test_a_long_legend_is_wrapped_and_long_labels_are_shortened_inside_the_chart() -> None:
    pieces = [Segment(f"row {n} " + "字" * 200, f"a reason with a long name {n}", n, "") for n in range(30)]
    root = parse(stacked_bars(pieces, "Rejected", "rows"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    legend = [element for element in root.iter("rect") if element.find("title") is None]
    assert width == WIDE
    assert len({element.attrib["y"] for element in legend}) > 3
    assert all(0 <= float(element.attrib["x"]) < width - 100 for element in legend)
    assert all(float(element.attrib["y"]) < height for element in root.iter("rect"))
    assert max(len(element.text or "") for element in root.iter("text")) <= 40


def test_bars_without_length_and_no_bars() -> None:
    assert "nan" not in stacked_bars([Segment("a", "b", 0.0, "")], "Rejected", "rows")
    with pytest.raises(ValueError, match="'Rejected': no piece to draw"):
        stacked_bars([], "Rejected", "rows")
