"""Charts as inline SVG: no scripts, no requests; the page's style sheet colours `series-1` to `series-6`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 34, 44
COLOURS = 6
BAR, BAR_GAP, GROUP_GAP = 26, 4, 30
MOST_DOTS = 40
WIDE, ROW, LEGEND_LINE, LETTER, LONGEST_LABEL = 680, 22, 20, 7.2, 40


@dataclass(frozen=True)
class Series:
    """One curve.

    Args:
        name: what the legend calls it.
        points: (x, y) in the order in which they are joined; points that are not finite are left out.
    """

    name: str
    points: Sequence[tuple[float, float]]

    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [(x, y) for x, y in self.points if math.isfinite(x) and math.isfinite(y)]


@dataclass(frozen=True)
class Bar:
    """One bar.

    Args:
        group: bars of one group stand together.
        name: what the legend calls it; bars of one name have one colour.
        value: its height, zero or more.
        error: half the length of its error bar; nan draws none.
    """

    group: str
    name: str
    value: float
    error: float


@dataclass(frozen=True)
class Segment:
    """A piece of a bar.

    Args:
        row: the bar that it is a piece of.
        name: what the legend calls it; pieces of one name have one colour.
        value: its length, zero or more.
        note: told where a pointer rests on it.
    """

    row: str
    name: str
    value: float
    note: str


@dataclass(frozen=True)
class _Scale:
    """Maps values from low to high to places from start to end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def line_chart(series: Sequence[Series], title: str, x_label: str, y_label: str) -> Markup:
    """Curves over a common x axis.

    Args:
        series: at least one, with at least one finite point in all.
        title: read out by screen readers.
        x_label, y_label: names of the axes with their units.

    Raises:
        ValueError: when there is no point to draw.
    """
    points = [point for each in series for point in each.finite()]
    if not points:
        raise ValueError(f"chart {title!r}: no point to draw")
    first, last = _span([x for x, _ in points])
    x_ticks, y_ticks = _ticks_between(first, last), nice_ticks([y for _, y in points])
    x = _Scale(first, last, LEFT, WIDTH - RIGHT)
    y = _Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    marks = [
        *_y_axis(y_ticks, y, WIDTH, y_label),
        *(_text(x(tick), HEIGHT - BOTTOM + 16, "middle", _number(tick, x_ticks)) for tick in x_ticks),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", x_label),
        *(_curve(each, place, x, y) for place, each in enumerate(series)),
    ]
    legend, lines = _legend([each.name for each in series], WIDTH)
    return _svg(WIDTH, title, [*marks, *legend], above=(lines - 1) * LEGEND_LINE)


def bar_chart(bars: Sequence[Bar], title: str, y_label: str) -> Markup:
    """Bars from zero with error bars, side by side in groups.

    Args:
        bars: at least one; groups and names stand in the order in which they first occur.
        title: read out by screen readers.
        y_label: name of the axis with its unit.
    """
    groups = list(dict.fromkeys(bar.group for bar in bars))
    names = list(dict.fromkeys(bar.name for bar in bars))
    tops = [bar.value + (bar.error if math.isfinite(bar.error) else 0) for bar in bars]
    ticks = nice_ticks([0, max(tops) or 1])
    y = _Scale(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)
    group_width = len(names) * (BAR + BAR_GAP)
    width = max(WIDTH, LEFT + len(groups) * (group_width + GROUP_GAP) + RIGHT, LEFT + sum(_legend_widths(names)))
    pitch = (width - LEFT - RIGHT) / len(groups)
    starts = {group: LEFT + pitch * place + (pitch - group_width) / 2 for place, group in enumerate(groups)}
    marks = [
        *_y_axis(ticks, y, width, y_label),
        *(
            _bar(bar, starts[bar.group] + names.index(bar.name) * (BAR + BAR_GAP), names.index(bar.name), y)
            for bar in bars
        ),
        *(_text(start + group_width / 2, HEIGHT - BOTTOM + 18, "middle", group) for group, start in starts.items()),
    ]
    legend, lines = _legend(names, width)
    return _svg(width, title, [*marks, *legend], above=(lines - 1) * LEGEND_LINE)


def histogram(values: Sequence[float], width: float, title: str, x_label: str, y_label: str) -> Markup:
    """Counts of values in bins of equal width; a value on a border counts in the bin above it.

    Args:
        values: zero or more, at least one; those that are not finite are left out.
        width: of a bin.
        title: read out by screen readers.
        x_label, y_label: names of the axes with their units.

    Raises:
        ValueError: when there is no value to count.
    """
    counts = Counter(math.floor(value / width + 1e-9) for value in values if math.isfinite(value))
    if not counts:
        raise ValueError(f"chart {title!r}: no value to count")
    x_ticks = nice_ticks([0, (max(counts) + 1) * width])
    y_ticks = nice_ticks([0, max(counts.values())])
    x = _Scale(0, x_ticks[-1], LEFT, WIDTH - RIGHT)
    y = _Scale(0, y_ticks[-1], HEIGHT - BOTTOM, TOP)
    bar = Markup(
        '<rect class="bar series-1" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
        "<title>{:.4g} to {:.4g}: {}</title></rect>"
    )
    marks = [
        *_y_axis(y_ticks, y, WIDTH, y_label),
        *(_text(x(tick), HEIGHT - BOTTOM + 16, "middle", _number(tick, x_ticks)) for tick in x_ticks),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", x_label),
        *(
            bar.format(
                x(place * width),
                y(count),
                x(width) - x(0) - 1,
                y(0) - y(count),
                place * width,
                (place + 1) * width,
                count,
            )
            for place, count in sorted(counts.items())
        ),
    ]
    return _svg(WIDTH, title, marks)


def stacked_bars(segments: Sequence[Segment], title: str, x_label: str) -> Markup:
    """Lying bars of pieces that add up, each beside its label; rows and names stand in the order of their first piece.

    Args:
        segments: at least one.
        title: read out by screen readers.
        x_label: name of the axis with its unit.

    Raises:
        ValueError: when there is no piece to draw.
    """
    if not segments:
        raise ValueError(f"chart {title!r}: no piece to draw")
    rows = list(dict.fromkeys(segment.row for segment in segments))
    names = list(dict.fromkeys(segment.name for segment in segments))
    legend, top = _wrapped_legend(names)
    bottom = top + len(rows) * ROW
    totals = [sum(segment.value for segment in segments if segment.row == row) for row in rows]
    ticks = nice_ticks([0, max(totals) or 1])
    x = _Scale(ticks[0], ticks[-1], 14 + LETTER * max(len(_short(row)) for row in rows), WIDE - RIGHT - 8)
    marks = [
        *legend,
        *_x_axis(ticks, x, top, bottom, x_label),
        *(_text(x.start - 7, top + ROW * place + 15, "end", _short(row)) for place, row in enumerate(rows)),
        *_pieces(segments, rows, names, x, top),
    ]
    return _svg(WIDE, title, marks, bottom + BOTTOM)


def nice_ticks(values: Sequence[float]) -> list[float]:
    """Round numbers at equal steps of 1, 2 or 5 times a power of ten that enclose the values, about five of them."""
    low, high = _span(values)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, last + 1)]


def _ticks_between(low: float, high: float) -> list[float]:
    """Round numbers at equal steps between two values, at least three of them."""
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(factor * power for factor in (1, 2, 5) if factor * power <= rough * 1.001)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest value, moved apart where they are one but for rounding."""
    low, high = min(values), max(values)
    margin = (abs(low) or 1) / 10 if math.isclose(low, high) else 0
    return low - margin, high + margin


def _y_axis(ticks: Sequence[float], y: _Scale, width: float, label: str) -> list[Markup]:
    line = Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>')
    return [
        *(line.format(LEFT, width - RIGHT, y(tick), y(tick)) for tick in ticks),
        *(_text(LEFT - 7, y(tick) + 4, "end", _number(tick, ticks)) for tick in ticks),
        Markup(
            '<text class="label" transform="translate(12 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format((TOP + HEIGHT - BOTTOM) / 2, label),
    ]


def _x_axis(ticks: Sequence[float], x: _Scale, top: float, bottom: float, label: str) -> list[Markup]:
    line = Markup('<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>')
    return [
        *(line.format(x(tick), top, bottom) for tick in ticks),
        *(_text(x(tick), bottom + 16, "middle", _number(tick, ticks)) for tick in ticks),
        _text((x.start + x.end) / 2, bottom + 36, "middle", label),
    ]


def _pieces(
    segments: Sequence[Segment], rows: Sequence[str], names: Sequence[str], x: _Scale, top: float
) -> list[Markup]:
    """The pieces of each bar, one behind the other."""
    box = Markup(
        '<rect class="bar series-{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}, {}: {}</title></rect>'
    )
    marks = []
    ends = dict.fromkeys(rows, 0.0)
    for segment in segments:
        start, end = ends[segment.row], ends[segment.row] + segment.value
        ends[segment.row] = end
        y = top + ROW * rows.index(segment.row) + 3
        colour = _colour(names.index(segment.name))
        marks.append(
            box.format(colour, x(start), y, x(end) - x(start), ROW - 6, segment.row, segment.name, segment.note)
        )
    return marks


def _curve(series: Series, place: int, x: _Scale, y: _Scale) -> Markup:
    points = [(x(value), y(height)) for value, height in series.finite()]
    path = Markup('<polyline class="curve series-{}" points="{}"/>').format(
        _colour(place), " ".join(f"{left:.1f},{top:.1f}" for left, top in points)
    )
    dot = Markup(
        '<circle class="dot series-{}" cx="{:.1f}" cy="{:.1f}" r="2.6"><title>{} at {:g}: {:.4g}</title></circle>'
    )
    dots = [
        dot.format(_colour(place), left, top, series.name, value, height)
        for (left, top), (value, height) in zip(points, series.finite(), strict=True)
    ]
    return Markup("").join([path, *(dots if len(dots) <= MOST_DOTS else dots[-1:])])


def _bar(bar: Bar, left: float, place: int, y: _Scale) -> Markup:
    """The bar, its error bar and its value above both."""
    error = bar.error if math.isfinite(bar.error) else 0
    middle, top = left + BAR / 2, y(bar.value + error)
    box = Markup(
        '<rect class="bar series-{}" x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}">'
        "<title>{}, {}: {:.4g} ± {:.2g}</title></rect>"
    ).format(_colour(place), left, y(bar.value), BAR, y(0) - y(bar.value), bar.group, bar.name, bar.value, bar.error)
    whisker = Markup('<path class="whisker" d="M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8"/>').format(
        middle, top, y(bar.value - error), middle - 4
    )
    return Markup("").join([box, *([whisker] if error else []), _text(middle, top - 4, "middle", f"{bar.value:.1f}")])


def _legend(names: Sequence[str], width: float) -> tuple[list[Markup], int]:
    """Names with their colours above the chart, the last line at its top, and how many lines; one name needs none."""
    lines = _in_lines(names, width - LEFT) if len(names) > 1 else []
    rows = [
        mark
        for place, line in enumerate(lines)
        for mark in _legend_line(names, line, LEFT, 8 - (len(lines) - 1 - place) * LEGEND_LINE)
    ]
    return rows, max(len(lines), 1)


def _wrapped_legend(names: Sequence[str]) -> tuple[list[Markup], int]:
    """Names with their colours in lines that are no wider than the chart, and the height below which they end."""
    lines = _in_lines(names, WIDE - 14)
    marks = [
        mark for place, line in enumerate(lines) for mark in _legend_line(names, line, 14, 8 + place * LEGEND_LINE)
    ]
    return marks, 8 + len(lines) * LEGEND_LINE + 4


def _in_lines(names: Sequence[str], width: float) -> list[list[str]]:
    """The names in lines of at most so much room, a name of its own line where it needs more."""
    lines: list[list[str]] = [[]]
    for name in names:
        if lines[-1] and sum(_legend_widths([*lines[-1], name])) > width:
            lines.append([])
        lines[-1].append(name)
    return lines


def _legend_line(names: Sequence[str], line: Sequence[str], left: float, top: float) -> list[Markup]:
    mark = Markup('<rect class="bar series-{}" x="{}" y="{}" width="11" height="11" rx="2"/>')
    lefts = [left + sum(_legend_widths(line[:place])) for place in range(len(line))]
    return [
        each
        for start, name in zip(lefts, line, strict=True)
        for each in (
            mark.format(_colour(names.index(name)), start, top),
            _text(start + 16, top + 10, "start", name),
        )
    ]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _legend_widths(names: Sequence[str]) -> list[int]:
    """Room for each name; no font is known here, so a letter is taken to be a wide one."""
    return [26 + 7 * len(name) for name in names]


def _colour(place: int) -> int:
    return place % COLOURS + 1


def _number(value: float, ticks: Sequence[float]) -> str:
    """A tick's number with the decimals that tell neighbours apart."""
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return f"{value + 0.0:,.{decimals}f}".replace("-", "−").replace(",", "\u202f")


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text class="label" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _svg(width: float, title: str, marks: Sequence[Markup], height: float = HEIGHT, above: float = 0) -> Markup:
    return Markup(
        '<svg viewBox="0 {0} {1:.0f} {2}" style="min-width:{3:.0f}px" role="img" aria-label="{4}">{5}</svg>'
    ).format(-above, width, height + above, width * 0.72, title, Markup("").join(marks))
