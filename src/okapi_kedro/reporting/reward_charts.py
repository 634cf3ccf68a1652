"""Charts of how a reward model does on held-out pairs."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from okapi_kedro.reporting.charts import Series, line_chart

_BINS = 24


def margin_chart(margins: pd.DataFrame) -> Markup:
    """The outline of a histogram of the margins, one for each distance of ranks where ranks are known.

    Args:
        margins: one row per held-out pair (schema RewardMargins), at least one.
    """
    borders = np.histogram_bin_edges(margins["margin"], _BINS)
    known = margins[margins["rank_distance"].notna()]
    parts = {f"ranks apart: {distance}": pairs["margin"] for distance, pairs in known.groupby("rank_distance")}
    series = [
        Series(name, _outline(values.to_numpy(), borders))
        for name, values in (parts or {"all pairs": margins["margin"]}).items()
    ]
    return line_chart(series, "Held-out pairs by margin", "reward of the better − of the worse", "% of the pairs")


def _outline(values: np.ndarray, borders: np.ndarray) -> list[tuple[float, float]]:
    counts, _ = np.histogram(values, borders)
    shares = 100 * counts / len(values)
    steps = zip(borders, borders[1:], shares, strict=False)
    corners = [(float(x), float(share)) for left, right, share in steps for x in (left, right)]
    return [(float(borders[0]), 0.0), *corners, (float(borders[-1]), 0.0)]


def reliability_chart(reliability: pd.DataFrame) -> Markup:
    """How often the model is right against how sure it is; on the diagonal, it knows how much it knows.

    Args:
        reliability: as training.calibration.reliability makes it.
    """
    points = list(zip(100 * reliability["confidence"], 100 * reliability["share_right"], strict=True))
    series = [Series("reward model", points), Series("as sure as right", [(50.0, 50.0), (100.0, 100.0)])]
    return line_chart(series, "Confidence and accuracy on held-out pairs", "confidence (%)", "right (%)")
