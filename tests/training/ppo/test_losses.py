"""The two clipped losses."""

import pytest
import torch

from okapi_kedro.training.ppo.losses import is_clipped, policy_losses, value_losses

from .fixed import CLIP_FRACTION, LOG_PROBS, MASK, NEW_LOG_PROBS, NEW_VALUES, POLICY_LOSS, RETURNS, VALUE_LOSS, VALUES
from .fixed import WHITENED as WHITENED_BY_GAMMA

ADVANTAGES = torch.tensor(WHITENED_BY_GAMMA[1.0], dtype=torch.float64)


def test_the_policy_loss_equals_that_of_trl():
    losses = policy_losses(NEW_LOG_PROBS, LOG_PROBS, ADVANTAGES, 0.2)
    assert float(losses[MASK].mean()) == pytest.approx(POLICY_LOSS, abs=1e-6)


def test_the_value_loss_equals_that_of_trl():
    losses = value_losses(NEW_VALUES, VALUES, torch.tensor(RETURNS[1.0], dtype=torch.float64), 0.2)
    assert float(losses[MASK].mean()) == pytest.approx(VALUE_LOSS, abs=1e-6)


def test_the_clip_fraction_equals_that_of_trl():
    clipped = is_clipped(NEW_LOG_PROBS, LOG_PROBS, ADVANTAGES, 0.2)
    assert float(clipped[MASK].double().mean()) == pytest.approx(CLIP_FRACTION, abs=1e-6)


@pytest.mark.parametrize(
    ("advantage", "ratio", "learns"),
    [(1, 1.1, True), (1, 1.3, False), (1, 0.5, True), (-1, 0.9, True), (-1, 0.7, False), (-1, 1.5, True)],
)
def test_a_token_teaches_unless_its_ratio_has_gone_far_enough_already(advantage, ratio, learns):
    log_prob = torch.log(torch.tensor([ratio], dtype=torch.float64)).requires_grad_()
    given = torch.zeros(1), torch.tensor([float(advantage)])
    policy_losses(log_prob, *given, 0.2).sum().backward()
    assert bool(log_prob.grad != 0) is learns
    assert bool(is_clipped(log_prob, *given, 0.2)) is not learns


def test_at_the_old_policy_the_gradient_is_that_of_the_advantage():
    log_probs = torch.zeros(3, requires_grad=True)
    advantages = torch.tensor([2.0, -1.0, 0.5])
    policy_losses(log_probs, torch.zeros(3), advantages, 0.2).sum().backward()
    assert log_probs.grad.tolist() == [-2.0, 1.0, -0.5]


def test_a_value_that_leaps_to_the_return_is_still_charged_for_the_old_one():
    """Beyond the clip there is no gradient; on the way from the wrong side there is."""
    values = torch.tensor([1.0, -0.5], requires_grad=True)
    losses = value_losses(values, torch.zeros(2), torch.ones(2), 0.2)
    losses.sum().backward()
    assert losses.tolist() == pytest.approx([0.5 * 0.8**2, 0.5 * 1.5**2])
    assert values.grad.tolist() == pytest.approx([0.0, -1.5])
