"""Answer tables with planted choices."""

from collections.abc import Sequence

import pandas as pd


def answers(
    golds: Sequence[int], chosen: Sequence[int], norm: Sequence[int] | None = None, task: str = "arc", shots: int = 0
) -> pd.DataFrame:
    """One row per question, q0, q1 ...; both choices are the same unless `norm` is given."""
    return pd.DataFrame(
        {
            "task": task,
            "id": [f"q{place}" for place in range(len(golds))],
            "shots": shots,
            "gold": list(golds),
            "chosen": list(chosen),
            "chosen_norm": list(norm if norm is not None else chosen),
            "log_likelihoods": [[-1.0, -2.0, -3.0, -4.0] for _ in golds],
            "truncated": False,
        }
    )
