"""The inner epochs: the policy and the value function learn from one step's responses."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from okapi_kedro.training.ppo.experience import Experience, MicroBatch, Targets
from okapi_kedro.training.ppo.log_probabilities import log_probabilities, log_probabilities_and_entropies
from okapi_kedro.training.ppo.losses import is_clipped, policy_losses, value_losses
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.shards import apart, clip_gradients


@dataclass(frozen=True)
class UpdateFigures:
    """Means over the tokens of all inner epochs.

    Args:
        policy_loss: clipped surrogate, negated.
        value_loss: before its weight.
        clip_fraction: share of tokens whose ratio had gone far enough.
        grad_norm: mean over the updates, before the gradient is scaled down.
        skipped_updates: updates left out because their gradient was not finite, or because nothing was left to learn.
    """

    policy_loss: float
    value_loss: float
    clip_fraction: float
    grad_norm: float
    skipped_updates: int


def minibatches(count: int, size: int, generator: torch.Generator) -> list[list[int]]:
    """Micro-batches in a drawn order, so many to a minibatch.

    The nth of each minibatch is one whose number is n modulo `size`: processes that have a share of these remainders
    have the same share of every minibatch, and the order is the same for any number of processes.

    Args:
        count: of micro-batches, a multiple of `size`.
        size: micro-batches of a minibatch.
        generator: of the order.
    """
    orders = [torch.randperm(count // size, generator=generator) * size + place for place in range(size)]
    drawn: list[list[int]] = torch.stack(orders, dim=1).tolist()
    return drawn


def optimizer_of(policy: Policy, settings: PpoSettings) -> torch.optim.Optimizer:
    """AdamW, with a learning rate of its own for the value head; `full_rate` of a group is that after the warm-up."""
    head = list(policy.value_head.parameters())
    blocks = [parameter for name, parameter in policy.learning.items() if not name.startswith("value_head.")]
    of_values = settings.learning_rate if settings.value_learning_rate is None else settings.value_learning_rate
    rates = [*((part, settings.learning_rate) for part in apart(blocks)), (head, of_values)]
    groups = [{"params": part, "full_rate": rate} for part, rate in rates]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8, weight_decay=settings.weight_decay, fused=True)


def update(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    batches: Mapping[int, MicroBatch],
    experience: Experience,
    targets: Targets,
    settings: PpoSettings,
    processes: Processes,
    generator: torch.Generator,
) -> UpdateFigures:
    """Lets the policy learn in place.

    Args:
        policy: that has drawn the responses.
        optimizer: of its learning weights.
        batches: this process's micro-batches by their numbers.
        experience: of all responses.
        targets: what is learnt.
        settings: sizes, clips and weights.
        processes: that have a share of the step.
        generator: of the order of the micro-batches.
    """
    count = settings.rollouts // settings.micro_batch_size
    sums, norms = torch.zeros(3, dtype=torch.float64, device=experience.scores.device), []
    for _ in range(settings.inner_epochs):
        for numbers in minibatches(count, settings.micro_batches, generator):
            tokens = _learnt_tokens(experience, numbers, settings.micro_batch_size)
            own = [batches[number] for number in numbers if number in batches]
            for batch in own:
                loss, of_batch = _loss(policy, batch, experience, targets, settings)
                (loss / max(tokens, 1)).backward()
                sums += of_batch
            norms.append(_take_step(policy, optimizer, tokens, settings.max_grad_norm, processes))
    means = processes.sum(sums) / max(int(experience.learnt.sum()) * settings.inner_epochs, 1)
    finite = [norm for norm in norms if norm is not None]
    grad_norm = sum(finite) / len(finite) if finite else math.nan
    policy_loss, value_loss, clip_fraction = means.tolist()
    return UpdateFigures(policy_loss, value_loss, clip_fraction, grad_norm, len(norms) - len(finite))


def _learnt_tokens(experience: Experience, numbers: list[int], size: int) -> int:
    """Tokens of a minibatch, of all processes."""
    rows = torch.tensor([number * size + place for number in numbers for place in range(size)])
    return int(experience.learnt[rows.to(experience.kept.device)].sum())


def _loss(
    policy: Policy, batch: MicroBatch, experience: Experience, targets: Targets, settings: PpoSettings
) -> tuple[Tensor, Tensor]:
    """The loss of a micro-batch, summed over its tokens; and the sums of its parts and of the clipped tokens."""
    learnt = batch.drawn & experience.kept[batch.rows, None]

    def of_tokens(figures: Tensor) -> Tensor:
        return figures[batch.rows, : learnt.shape[1]][learnt]

    tokens, options = batch.tokens[learnt], (settings.temperature, settings.logits_chunk)
    with policy.computing():
        states = batch.states(policy.top, learnt)
        if settings.entropy_coefficient:
            log_probs, entropies = log_probabilities_and_entropies(states, policy.top.head, tokens, *options)
        else:
            log_probs = log_probabilities(states, policy.top.head, tokens, *options)
            entropies = torch.zeros_like(log_probs)
    of_policy = log_probs, of_tokens(experience.log_probs), of_tokens(targets.advantages), settings.policy_clip
    policy_loss = policy_losses(*of_policy).sum()
    value_loss = value_losses(
        policy.values(states), of_tokens(experience.values), of_tokens(targets.returns), settings.value_clip
    ).sum()
    loss = policy_loss + settings.value_coefficient * value_loss - settings.entropy_coefficient * entropies.sum()
    return loss, torch.stack([policy_loss, value_loss, is_clipped(*of_policy).sum()]).detach().double()


def _take_step(
    policy: Policy, optimizer: torch.optim.Optimizer, tokens: int, max_grad_norm: float, processes: Processes
) -> float | None:
    """Moves the weights and returns the length of the gradient; None where it is not finite or nothing was learnt."""
    parameters = list(policy.learning.values())
    processes.sum_gradients(parameters)
    norm = clip_gradients(parameters, max_grad_norm)
    is_sound = tokens > 0 and math.isfinite(norm)
    if is_sound:
        optimizer.step()
    optimizer.zero_grad()
    return norm if is_sound else None
