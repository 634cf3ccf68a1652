"""Pages from templates: everything that is not markup of our own is escaped."""

import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

NO_VALUE = "–"
BENCHMARK_NAMES = {"arc": "ARC", "hellaswag": "HellaSwag", "mmlu": "MMLU"}


def render_page(template: str, **values: Any) -> str:
    """The page of a template in this folder, filled with values; text in them can never become markup.

    Args:
        template: file name of the template.
        values: what the template names.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "figure": figure,
        "duration": duration,
        "whole": whole,
        "average": average,
        "ratio": ratio,
    }
    return environment.get_template(template).render(**values)


def percent(share: float | None) -> str:
    """A share from 0 to 1 as a percentage with one decimal."""
    return NO_VALUE if share is None or math.isnan(share) else f"{100 * share:.1f}"


def points(difference: float) -> str:
    """A difference of shares in percentage points with its sign."""
    return NO_VALUE if math.isnan(difference) else f"{100 * difference:+.1f}".replace("-", "−")


def figure(value: float | None) -> str:
    """A number with three decimals and a true minus sign."""
    return NO_VALUE if value is None or math.isnan(value) else f"{value:.3f}".replace("-", "−")


def average(value: float) -> str:
    """A mean with one decimal."""
    return NO_VALUE if math.isnan(value) else f"{value:.1f}"


def ratio(value: float) -> str:
    """How many times as much, with two decimals."""
    return NO_VALUE if math.isnan(value) else f"{value:.2f}"


def whole(value: int) -> str:
    """A count with thousands set apart by thin spaces."""
    return f"{value:,}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    """A time span in the unit that reads best."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
