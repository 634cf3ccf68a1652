"""What a language shares with English, as the pages show it."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from okapi_kedro.reporting.charts import Series, line_chart
from okapi_kedro.reporting.pages import BENCHMARK_NAMES


def mean_similarity(similarity: pd.DataFrame) -> tuple[float, float]:
    """The mean over the layers above the embeddings: of texts with their originals, and with unrelated ones.

    Args:
        similarity: by layer (schema EnglishSimilarity); of no layers the means are nan.
    """
    layers = similarity[similarity["layer"] > 0]
    return float(layers["similarity"].mean()), float(layers["unrelated"].mean())


def consistency_rows(consistency: pd.DataFrame) -> list[dict[str, Any]]:
    """The benchmarks' shares of questions answered as in English, by acc_norm.

    Args:
        consistency: of a model's answers (schema Consistency); may be empty.
    """
    rows = consistency[consistency["metric"] == "acc_norm"]
    names = [BENCHMARK_NAMES.get(task, task) for task in rows["task"]]
    return [{**row, "task": name} for row, name in zip(rows.to_dict("records"), names, strict=True)]


def similarity_chart(similarity: pd.DataFrame) -> Markup:
    """Both cosines over the layers; empty when there is no layer.

    Args:
        similarity: by layer (schema EnglishSimilarity).
    """
    if similarity.empty:
        return Markup("")
    series = [
        Series(name, list(zip(similarity["layer"], similarity[column], strict=True)))
        for name, column in (("its English original", "similarity"), ("another text's", "unrelated"))
    ]
    return line_chart(series, "Similarity of texts with English by layer", "layer (0: embeddings)", "cosine")
