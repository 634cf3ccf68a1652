"""The log of a training run as a table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

# Wall-clock figures would make two runs with the same seed differ.
_TIMINGS = ("runtime", "per_second", "total_flos")


def training_log(history: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per logged step, one column per figure, in the order in which they first occur; timings are left out.

    Args:
        history: the trainer's `state.log_history`.
    """
    rows = [
        {name: value for name, value in entry.items() if not any(timing in name for timing in _TIMINGS)}
        for entry in history
    ]
    log = pd.DataFrame(rows)
    return log[["step", *(column for column in log.columns if column != "step")]]
