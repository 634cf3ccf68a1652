"""Log-probabilities and entropies, chunk by chunk."""

import pytest
import torch
from torch import nn

from okapi_kedro.training.ppo.log_probabilities import comparison, log_probabilities, log_probabilities_and_entropies


def given(states: int = 11) -> tuple[torch.Tensor, nn.Linear, torch.Tensor]:
    torch.manual_seed(0)
    head = nn.Linear(8, 50, bias=False)
    return torch.randn(states, 8), head, torch.randint(0, 50, (states,))


def test_values_are_those_of_the_softmax_at_the_temperature():
    hidden, head, tokens = given()
    values, entropies = log_probabilities_and_entropies(hidden, head, tokens, 0.7, 4)
    distribution = torch.distributions.Categorical(logits=head(hidden) / 0.7)
    torch.testing.assert_close(values, distribution.log_prob(tokens), atol=1e-6, rtol=0)
    torch.testing.assert_close(entropies, distribution.entropy(), atol=1e-6, rtol=0)


def test_with_gradients_and_without_with_entropies_and_without_a_value_is_the_same_to_the_bit():
    hidden, head, tokens = given()
    learning = log_probabilities(hidden, head, tokens, 1.0, 4)
    with torch.no_grad():
        scoring = log_probabilities(hidden, head, tokens, 1.0, 4)
        both, _ = log_probabilities_and_entropies(hidden, head, tokens, 1.0, 4)
        compared, reference, _, divergences = comparison(hidden, head, hidden, head, tokens, 1.0, 4)
    assert learning.requires_grad
    assert torch.equal(learning, scoring)
    assert torch.equal(learning, both)
    assert torch.equal(learning, compared)
    assert torch.equal(learning, reference)
    assert not divergences.any()


def test_policy_and_reference_are_compared_over_the_whole_vocabulary():
    hidden, head, tokens = given()
    other, other_head = torch.randn(11, 8), nn.Linear(8, 50)
    values, reference_values, entropies, divergences = comparison(hidden, head, other, other_head, tokens, 0.7, 4)
    policy, reference = (
        torch.distributions.Categorical(logits=each / 0.7) for each in (head(hidden), other_head(other))
    )
    torch.testing.assert_close(values, policy.log_prob(tokens), atol=1e-6, rtol=0)
    torch.testing.assert_close(reference_values, reference.log_prob(tokens), atol=1e-6, rtol=0)
    torch.testing.assert_close(entropies, policy.entropy(), atol=1e-6, rtol=0)
    torch.testing.assert_close(divergences, torch.distributions.kl_divergence(policy, reference), atol=1e-5, rtol=0)
    assert (divergences > 0).all()


def test_gradients_of_states_and_head_are_those_of_the_whole():
    def gradients(chunk: int) -> list[torch.Tensor]:
        hidden, head, tokens = given()
        hidden.requires_grad_()
        values, entropies = log_probabilities_and_entropies(hidden, head, tokens, 1.0, chunk)
        (values * torch.arange(11)).sum().add(entropies.sum()).backward()
        return [hidden.grad, head.weight.grad]

    for chunked, whole in zip(gradients(3), gradients(11), strict=True):
        torch.testing.assert_close(chunked, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("learns", [True, False])
def test_no_more_logits_are_made_at_once_than_a_chunk_has(learns):
    hidden, head, tokens = given()
    made = []
    head.register_forward_hook(lambda module, inputs, output: made.append(len(output)))
    with torch.set_grad_enabled(learns):
        log_probabilities(hidden.requires_grad_(), head, tokens, 1.0, 4)
    assert made == [4, 4, 3]


def test_no_states_have_no_values():
    hidden, head, tokens = given(states=0)
    assert [len(part) for part in log_probabilities_and_entropies(hidden, head, tokens, 1.0, 4)] == [0, 0]


def test_half_precision_states_give_full_precision_values():
    hidden, head, tokens = given()
    assert log_probabilities(hidden.bfloat16(), head.bfloat16(), tokens, 1.0, 4).dtype == torch.float32
