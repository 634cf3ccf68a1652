"""The inner epochs equal plain PPO on the whole model, and touch nothing that is frozen."""

import math
from dataclasses import replace

import pytest
import torch

from okapi_kedro.training.ppo.experience import experience_of, targets_of
from okapi_kedro.training.ppo.rollouts import generator
from okapi_kedro.training.ppo.update import minibatches, optimizer_of, update

from .test_experience import rolled_out
from .toy_loops import ALONE, policy_from, ppo_settings

KL, RATE, LONGEST = 0.1, 0.5, 0.5


def plain_ppo(model, prompts, responses, scores, blocks, inner_epochs, order) -> dict[str, torch.Tensor]:
    """PPO written plainly: whole model, one text at a time, no masks; gamma 1, lambda 0.95, clips 0.2, plain descent.

    Args:
        model: a causal language model.
        prompts: tokens of each row.
        responses: tokens of each row.
        scores: of each row.
        blocks: how many of the last blocks learn; 0 for all weights.
        inner_epochs: over the rows.
        order: row numbers of each minibatch, over all inner epochs.
    """
    backbone = model.base_model
    if blocks:
        model.requires_grad_(False)
        (backbone.h if hasattr(backbone, "h") else backbone.layers)[-blocks:].requires_grad_(True)
    head = torch.zeros(model.config.hidden_size + 1, requires_grad=True)
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}

    def look(row: int) -> tuple[torch.Tensor, torch.Tensor]:
        out = model(torch.tensor([prompts[row] + responses[row]]), output_hidden_states=True)
        steps = range(len(prompts[row]) - 1, len(prompts[row]) + len(responses[row]) - 1)
        log_probs = [out.logits[0, s].log_softmax(0)[token] for s, token in zip(steps, responses[row], strict=True)]
        return torch.stack(log_probs), out.hidden_states[-1][0, list(steps)] @ head[:-1] + head[-1]

    with torch.no_grad():
        first = [look(row) for row in range(len(prompts))]
    advantages, returns = [], []
    # The reference is the policy itself, so that the divergence costs nothing yet.
    for (_, values), score in zip(first, scores, strict=True):
        running, of_row = 0.0, []
        for place in reversed(range(len(values))):
            is_last = place == len(values) - 1
            delta = (score if is_last else float(values[place + 1])) - float(values[place])
            running = delta + 0.95 * running
            of_row.insert(0, running)
        advantages.append(torch.tensor(of_row))
        returns.append(torch.tensor(of_row) + values)
    flat = torch.cat(advantages)
    advantages = [(each - flat.mean()) / (flat.var() + 1e-8).sqrt() for each in advantages]
    for rows in order:
        policy_terms, value_terms = [], []
        for row in rows:
            log_probs, values = look(row)
            ratio = (log_probs - first[row][0]).exp()
            gain = torch.minimum(ratio * advantages[row], ratio.clip(0.8, 1.2) * advantages[row])
            near = first[row][1] + (values - first[row][1]).clip(-0.2, 0.2)
            policy_terms.append(-gain)
            value_terms.append(torch.maximum((values - returns[row]) ** 2, (near - returns[row]) ** 2) / 2)
        loss = torch.cat(policy_terms).mean() + torch.cat(value_terms).mean()
        gradients = torch.autograd.grad(loss, [*learning.values(), head])
        length = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
        with torch.no_grad():
            for weight, gradient in zip([*learning.values(), head], gradients, strict=True):
                weight.sub_(RATE * gradient * min(1.0, LONGEST / (length + 1e-6)))
    return {**{name: weight.detach() for name, weight in learning.items()}, "head": head.detach()}


def learnt(start, **changes):
    """The policy after an update with plain gradient descent, what it learnt from, and the figures."""
    policy, rollouts, settings, prompts = rolled_out(start, max_grad_norm=LONGEST, reward_clip=None, **changes)
    experience = experience_of(policy, rollouts, settings, ALONE)
    targets = targets_of(experience, KL, settings)
    optimizer = torch.optim.SGD(policy.learning.values(), lr=RATE)
    order = generator("test", 0, 0)
    figures = update(policy, optimizer, rollouts.batches, experience, targets, settings, ALONE, order)
    return policy, experience, prompts, figures


@pytest.mark.parametrize("blocks", [0, 1, 2], ids=["whole model", "one of two blocks", "all blocks"])
@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_the_weights_equal_those_of_plain_ppo_on_the_whole_model(architecture, blocks, knowing, babbling):
    start = knowing[0] if architecture == "bloom" else babbling
    policy, experience, prompts, figures = learnt(start, trainable_blocks=blocks)
    draws = generator("test", 0, 0)
    order = [
        [number * 2 + place for number in minibatch for place in range(2)]
        for _ in range(2)
        for minibatch in minibatches(4, 2, draws)
    ]
    responses = [row[drawn].tolist() for row, drawn in zip(experience.tokens, experience.drawn, strict=True)]
    expected = plain_ppo(
        start.causal_lm().eval(), [ids for _, ids in prompts], responses, experience.scores.tolist(), blocks, 2, order
    )
    head = expected.pop("head")
    weights = dict(policy.model.named_parameters())
    before = dict(start.causal_lm().named_parameters())
    assert len(order) == 4
    assert len({len(response) for response in responses}) > 1
    assert {name for name, weight in weights.items() if weight.requires_grad} == set(expected)
    assert max(float((weights[name] - before[name]).detach().abs().max()) for name in expected) > 1e-3
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name].detach(), weight, atol=2e-6, rtol=0)
    torch.testing.assert_close(policy.value_head.weight[0].detach(), head[:-1], atol=2e-6, rtol=0)
    torch.testing.assert_close(policy.value_head.bias[0].detach(), head[-1], atol=2e-6, rtol=0)
    assert figures.grad_norm > LONGEST


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_what_is_frozen_stays_to_the_bit_and_so_does_the_reference(architecture, untrained):
    start = untrained(architecture)
    policy, *_ = learnt(start, trainable_blocks=1)
    before = dict(start.causal_lm().named_parameters())
    changed = {name for name, weight in policy.model.named_parameters() if not torch.equal(weight, before[name])}
    blocks = {"bloom": "transformer.h.1.", "llama": "model.layers.1."}
    assert changed
    assert all(name.startswith(blocks[architecture]) for name in changed)
    untouched = dict(rolled_out(start, trainable_blocks=1)[0].reference.named_parameters())
    assert all(torch.equal(weight, untouched[name]) for name, weight in policy.reference.named_parameters())


def test_a_minibatch_has_one_micro_batch_of_each_remainder_and_an_epoch_each_one_once():
    drawn = minibatches(12, 3, generator("test", 0, 0))
    assert [[number % 3 for number in minibatch] for minibatch in drawn] == [[0, 1, 2]] * 4
    assert sorted(number for minibatch in drawn for number in minibatch) == list(range(12))
    assert drawn != minibatches(12, 3, generator("test", 1, 0))


def test_how_a_minibatch_is_cut_into_micro_batches_changes_nothing_but_rounding(babbling):
    """With one minibatch an epoch, whatever the order of the micro-batches."""
    weights = []
    for size in (1, 2, 4):
        policy, *_ = learnt(babbling, minibatch_size=8, micro_batch_size=size)
        weights.append(policy.learning)
    for other in weights[1:]:
        for name, weight in other.items():
            torch.testing.assert_close(weight, weights[0][name], atol=2e-6, rtol=0)


def update_with(start, scores, **changes):
    """The policy after an update from other scores."""
    policy, rollouts, settings, _ = rolled_out(start, **changes)
    experience = experience_of(policy, replace(rollouts, scores=scores(rollouts.scores)), settings, ALONE)
    targets = targets_of(experience, KL, settings)
    optimizer = torch.optim.SGD(policy.learning.values(), lr=RATE)
    figures = update(policy, optimizer, rollouts.batches, experience, targets, settings, ALONE, generator("test", 0, 0))
    return policy, figures, rollouts, settings


def test_updates_without_a_response_to_learn_from_are_left_out_and_counted(babbling):
    before = {name: weight.detach().clone() for name, weight in rolled_out(babbling)[0].learning.items()}
    policy, figures, *_ = update_with(babbling, lambda scores: torch.full_like(scores, math.nan))
    assert figures.skipped_updates == 4
    assert math.isnan(figures.grad_norm)
    assert all(torch.equal(weight, before[name]) for name, weight in policy.learning.items())


def test_a_gradient_that_is_not_finite_is_left_out_and_counted(babbling):
    """The first response's score is beyond what float32 squares."""
    before = {name: weight.detach().clone() for name, weight in rolled_out(babbling)[0].learning.items()}
    policy, figures, *_ = update_with(
        babbling, lambda scores: torch.where(torch.arange(8) == 0, 1e30, scores), reward_clip=None
    )
    assert 0 < figures.skipped_updates < 4
    assert all(weight.isfinite().all() for weight in policy.learning.values())
    assert any(not torch.equal(weight, before[name]) for name, weight in policy.learning.items())


def test_a_bonus_for_entropy_raises_it(babbling):
    entropies = []
    for bonus in (0.0, 5.0):
        policy, _, rollouts, settings = update_with(babbling, torch.zeros_like, entropy_coefficient=bonus)
        experience = experience_of(policy, rollouts, settings, ALONE)
        entropies.append(float(experience.entropies[experience.drawn].mean()))
    assert entropies[1] > entropies[0] + 0.01


def test_the_value_head_has_a_learning_rate_of_its_own_and_else_that_of_the_blocks(untrained):
    def rates(**changes):
        settings = ppo_settings(learning_rate=0.25, **changes)
        policy = policy_from(untrained("llama"), settings)
        groups = optimizer_of(policy, settings).param_groups
        return {len(group["params"]): group["full_rate"] for group in groups}, len(policy.learning)

    of_groups, learning = rates(value_learning_rate=0.5)
    assert of_groups == {learning - 2: 0.25, 2: 0.5}
    assert set(rates()[0].values()) == {0.25}
    assert rates(value_learning_rate=0.0)[0][2] == 0.0
