"""What a step learns from: the responses in micro-batches, and the figures of their tokens when they were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from okapi_kedro.training.ppo.advantages import generalized_advantages, token_rewards, whiten
from okapi_kedro.training.ppo.log_probabilities import comparison
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.responses import Responses
from okapi_kedro.training.ppo.settings import PpoSettings


@dataclass(frozen=True)
class MicroBatch:
    """Responses that go through the top together, always the same ones: then equal weights give equal figures.

    Args:
        rows: their places among all responses of the step, shape (rows,).
        inputs: what the top reads, shape (rows, length, ...): all but the last token, trimmed of common padding.
        mask: 1 at tokens, shape (rows, length).
        tokens: of the responses, shape (rows, response length).
        drawn: true at the tokens that the policy has drawn, same shape.
    """

    rows: Tensor
    inputs: Tensor
    mask: Tensor
    tokens: Tensor
    drawn: Tensor

    def states(self, top: nn.Module, which: Tensor) -> Tensor:
        """The states that tokens were drawn in, shape (tokens, hidden).

        Args:
            top: reads the inputs.
            which: true at these tokens, shape (rows, response length).
        """
        hidden: Tensor = top(self.inputs, self.mask)[:, -self.tokens.shape[1] :]
        return hidden[which]


@dataclass(frozen=True)
class Rollouts:
    """One process's share of the responses of a step.

    Args:
        batches: micro-batches by their numbers among all of the step.
        scores: rewards at the places of its responses, 0 at the others', shape (rollouts,).
        ended: whether they have ended themselves, in the same way.
    """

    batches: dict[int, MicroBatch]
    scores: Tensor
    ended: Tensor


@dataclass(frozen=True)
class Experience:
    """The figures of all processes' responses of a step.

    Args:
        scores: of the reward model, shape (rows,).
        ended: whether the response has ended itself, shape (rows,).
        kept: whether all its figures are finite, shape (rows,): it is learnt from.
        tokens: shape (rows, longest response that is possible), like all that follow.
        drawn: true at the tokens of the responses.
        log_probs: of the tokens under the policy, 0 elsewhere.
        reference_log_probs: under the reference.
        values: of the states that the tokens were drawn in.
        entropies: of the policy in these states, nats.
        divergences: of the policy from the reference in these states, nats.
    """

    scores: Tensor
    ended: Tensor
    kept: Tensor
    tokens: Tensor
    drawn: Tensor
    log_probs: Tensor
    reference_log_probs: Tensor
    values: Tensor
    entropies: Tensor
    divergences: Tensor

    @property
    def learnt(self) -> Tensor:
        """True at the tokens that are learnt from, shape (rows, longest response that is possible)."""
        return self.drawn & self.kept[:, None]


@dataclass(frozen=True)
class Targets:
    """What the policy and the value function learn, each of shape (rows, longest response that is possible)."""

    advantages: Tensor
    returns: Tensor


def micro_batches(responses: Responses, rows: Sequence[int], size: int, inputs: Tensor) -> list[MicroBatch]:
    """Responses that were drawn together, in micro-batches.

    Args:
        responses: drawn together.
        rows: their places among all responses of the step.
        size: of a micro-batch.
        inputs: what the top reads of them, shape (rows, length, ...).
    """
    return [
        _micro_batch(responses, torch.tensor(rows[start : start + size]), slice(start, start + size), inputs)
        for start in range(0, len(rows), size)
    ]


def _micro_batch(responses: Responses, rows: Tensor, part: slice, inputs: Tensor) -> MicroBatch:
    lengths, prompt = responses.lengths[part], responses.prompt_length
    first, stop = int(responses.mask[part].any(dim=0).long().argmax()), prompt + int(lengths.max())
    places = torch.arange(stop - prompt, device=lengths.device)
    return MicroBatch(
        rows=rows.to(lengths.device),
        inputs=inputs[part, first : stop - 1],
        mask=responses.mask[part, first : stop - 1],
        tokens=responses.ids[part, prompt:stop],
        drawn=places < lengths[:, None],
    )


def experience_of(policy: Policy, rollouts: Rollouts, settings: PpoSettings, processes: Processes) -> Experience:
    """The figures of a step's responses under the policy as it is, by the passes that it will learn in.

    Args:
        policy: that has drawn them.
        rollouts: this process's share.
        settings: temperature and sizes.
        processes: that have a share of the step.
    """
    shape = (settings.rollouts, settings.max_new_tokens)
    figures = torch.zeros(5, *shape, device=rollouts.scores.device)
    tokens = torch.zeros(shape, dtype=torch.long, device=rollouts.scores.device)
    drawn = torch.zeros_like(tokens)
    for batch in rollouts.batches.values():
        width = batch.tokens.shape[1]
        tokens[batch.rows, :width] = batch.tokens
        drawn[batch.rows, :width] = batch.drawn.long()
        figures[:, batch.rows, :width] = _figures(policy, batch, settings)
    # What other processes have drawn is 0 here, so that the sum is each process's own.
    scores, ended, tokens, drawn, figures = (
        processes.sum(each) for each in (rollouts.scores, rollouts.ended.long(), tokens, drawn, figures)
    )
    kept = scores.isfinite() & figures.isfinite().all(dim=2).all(dim=0)
    return Experience(scores, ended.bool(), kept, tokens, drawn.bool(), *figures)


def _figures(policy: Policy, batch: MicroBatch, settings: PpoSettings) -> Tensor:
    """What `Experience` has of each token, from `log_probs` on, shape (5, rows, response length)."""
    with torch.no_grad(), policy.computing():
        states, reference_states = (batch.states(top, batch.drawn) for top in (policy.top, policy.reference))
        log_probs, reference_log_probs, entropies, divergences = comparison(
            states,
            policy.top.head,
            reference_states,
            policy.reference.head,
            batch.tokens[batch.drawn],
            settings.temperature,
            settings.logits_chunk,
        )
    with torch.no_grad():
        values = policy.values(states)
    figures = torch.zeros(5, *batch.drawn.shape, device=states.device)
    figures[:, batch.drawn] = torch.stack([log_probs, reference_log_probs, values, entropies, divergences])
    return figures


def targets_of(experience: Experience, kl_coefficient: float, settings: PpoSettings) -> Targets:
    """Whitened advantages and returns of the tokens that are learnt from.

    The score of a response is held within the clip, and less the penalty where it has not ended itself.
    """
    clip = settings.reward_clip
    scores = experience.scores if clip is None else experience.scores.clamp(-clip, clip)
    scores = scores - settings.missing_eos_penalty * (~experience.ended)
    learnt = experience.learnt
    rewards = token_rewards(scores, experience.log_probs, experience.reference_log_probs, learnt, kl_coefficient)
    advantages, returns = generalized_advantages(
        rewards, experience.values, learnt, settings.gamma, settings.gae_lambda
    )
    return Targets(whiten(advantages, learnt), returns)
