"""Figures of a step, by hand."""

import math

import pytest
import torch

from okapi_kedro.training.ppo.experience import Experience, Targets
from okapi_kedro.training.ppo.watch import distinct_share, explained_variance, watch

END = 9


def experience(**changes) -> tuple[Experience, Targets]:
    """Three responses that are kept, [1, 2, end], [1, 2, 1, 2] (cut) and [end], and one that is not."""
    drawn = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]).bool()
    values = {
        "scores": torch.tensor([1.0, 2.0, 6.0, math.nan]),
        "ended": torch.tensor([True, False, True, True]),
        "kept": torch.tensor([True, True, True, False]),
        "tokens": torch.tensor([[1, 2, END, 0], [1, 2, 1, 2], [END, 0, 0, 0], [7, END, 0, 0]]),
        "drawn": drawn,
        "log_probs": torch.where(drawn, -1.0, 0.0),
        "reference_log_probs": torch.where(drawn, -1.5, 0.0),
        "values": torch.zeros(4, 4),
        "entropies": torch.where(drawn, 0.5, 0.0),
        "divergences": torch.where(drawn, 0.25, 0.0),
        **changes,
    }
    return Experience(**values), Targets(torch.zeros(4, 4), torch.arange(16.0).reshape(4, 4))


def test_figures_are_those_of_the_kept_responses():
    row = watch(*experience(), END)
    assert row["skipped"] == 1
    assert row["reward"] == 3.0
    assert [row[f"reward_q{q}"] for q in (10, 50, 90)] == pytest.approx([1.2, 2.0, 5.2])
    assert row["kl"] == pytest.approx(8 * 0.25 / 3)
    assert row["entropy"] == pytest.approx(0.5)
    assert row["response_tokens"] == pytest.approx(8 / 3)
    assert row["distinct_1"] == pytest.approx(2 / 6)
    assert row["distinct_2"] == pytest.approx(2 / 4)
    assert row["distinct_responses"] == 1.0
    assert row["without_eos"] == pytest.approx(1 / 3)
    assert row["empty"] == pytest.approx(1 / 3)
    assert row["explained_variance"] == 0.0


@pytest.mark.parametrize(
    ("texts", "length", "share"),
    [([[1, 1, 1]], 1, 1 / 3), ([[1, 2], [1, 2]], 2, 1 / 2), ([[1, 2, 3]], 2, 1.0), ([[1], []], 2, math.nan)],
)
def test_distinct_runs_are_counted_within_texts_and_over_all(texts, length, share):
    assert distinct_share(texts, length) == pytest.approx(share, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "share"),
    [([1.0, 2.0, 3.0], 1.0), ([5.0, 5.0, 5.0], 0.0), ([3.0, 2.0, 1.0], -3.0), ([2.0, 3.0, 4.0], 1.0)],
)
def test_values_explain_what_the_returns_vary_by(values, share):
    assert explained_variance(torch.tensor(values), torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(share)
