"""Rewards, advantages and returns of tokens."""

import pytest
import torch

from okapi_kedro.training.ppo.advantages import generalized_advantages, token_rewards, whiten

from .fixed import LOG_PROBS, MASK, REFERENCE_LOG_PROBS, RETURNS, REWARDS, SCORES, VALUES, WHITENED


def test_the_score_stands_at_the_last_token_of_its_response_and_the_divergence_at_each():
    rewards = token_rewards(SCORES, LOG_PROBS, REFERENCE_LOG_PROBS, MASK, 0.1)
    assert rewards.tolist() == [pytest.approx(row, abs=1e-12) for row in REWARDS]


def test_a_row_of_padding_alone_has_no_reward_whatever_its_score():
    scores = torch.tensor([float("nan"), 1.0])
    nothing = torch.full((2, 3), float("nan"))
    log_probs = torch.where(torch.tensor([[False], [True]]), torch.zeros(2, 3), nothing)
    mask = torch.tensor([[False] * 3, [True, True, False]])
    assert token_rewards(scores, log_probs, torch.zeros(2, 3), mask, 0.5).tolist() == [[0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_returns_and_whitened_advantages_equal_those_of_trl(gamma):
    rewards = torch.tensor(REWARDS, dtype=torch.float64)
    advantages, returns = generalized_advantages(rewards, VALUES, MASK, gamma, 0.95)
    assert returns.tolist() == [pytest.approx(row, abs=1e-6) for row in RETURNS[gamma]]
    assert whiten(advantages, MASK).tolist() == [pytest.approx(row, abs=1e-6) for row in WHITENED[gamma]]


def test_advantages_are_the_discounted_sum_of_the_errors_that_follow():
    """The sum of equation 16, written out, on random rows of every length."""
    torch.manual_seed(0)
    lengths = torch.arange(7)
    mask = torch.arange(6) < lengths[:, None]
    rewards, values = torch.randn(2, 7, 6, dtype=torch.float64)
    rewards = torch.where(mask, rewards, 0.0)
    gamma, gae_lambda = 0.97, 0.8
    advantages, returns = generalized_advantages(rewards, values, mask, gamma, gae_lambda)
    for row, length in enumerate(lengths.tolist()):
        ahead = [*values[row, 1:length].tolist(), 0.0]
        deltas = [
            r + gamma * v_next - v for r, v_next, v in zip(rewards[row], ahead, values[row, :length], strict=False)
        ]
        for place in range(length):
            expected = sum((gamma * gae_lambda) ** k * delta for k, delta in enumerate(deltas[place:]))
            assert advantages[row, place] == pytest.approx(float(expected), abs=1e-12)
            assert returns[row, place] == pytest.approx(float(expected + values[row, place]), abs=1e-12)
    assert not advantages[~mask].any()
    assert not returns[~mask].any()


def test_what_lies_outside_of_the_responses_changes_nothing():
    rewards = torch.tensor(REWARDS, dtype=torch.float64)
    noisy = torch.where(MASK, VALUES, 1e6)
    for clean, padded in zip(
        generalized_advantages(rewards, VALUES, MASK, 1.0, 0.95),
        generalized_advantages(rewards, noisy, MASK, 1.0, 0.95),
        strict=True,
    ):
        assert torch.equal(clean, padded)
    assert torch.equal(whiten(VALUES, MASK), whiten(noisy, MASK))


def test_whitened_values_have_mean_0_and_variance_1_within_the_mask():
    torch.manual_seed(1)
    values, mask = torch.randn(20, 9, dtype=torch.float64) * 7 + 100, torch.rand(20, 9) < 0.5
    kept = whiten(values, mask)[mask]
    assert float(kept.mean()) == pytest.approx(0, abs=1e-9)
    assert float(kept.var()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mask", [[[False, False]], [[True, False]], [[True, True]]])
def test_values_without_a_spread_become_0(mask):
    assert whiten(torch.full((1, 2), 3.5), torch.tensor(mask)).tolist() == [[0.0, 0.0]]
