"""The figures of a step that tell whether the policy learns the task or exploits the reward model."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from okapi_kedro.training.ppo.experience import Experience, Targets

Row = dict[str, Any]
"""A line of the log."""


def watch(experience: Experience, targets: Targets, end: int) -> Row:
    """The figures of the responses of a step, under the policy that has drawn them.

    reward and its quantiles: of the reward model. kl: divergence from the reference, nats of a response: the sum of
    those in its states, each over the whole vocabulary. entropy: nats at a token. response_tokens: mean length with the
    end. distinct_1, distinct_2: share of different tokens and pairs of tokens, over all responses. distinct_responses:
    share of different responses. without_eos: share of responses that were cut; empty: that are an end alone.
    explained_variance: of the returns by the values, at most 1. skipped: responses with a figure that is not finite,
    which are in no other figure.

    Args:
        experience: of all responses of the step.
        targets: of the same.
        end: the token of the end of a text.
    """
    kept, learnt = experience.kept, experience.learnt
    scores, lengths = experience.scores[kept], experience.drawn[kept].sum(dim=1)
    quantiles = torch.quantile(scores, torch.tensor([0.1, 0.5, 0.9], device=scores.device)).tolist()
    spoken = [
        [token for token in row[of_row].tolist() if token != end]
        for row, of_row in zip(experience.tokens[kept], experience.drawn[kept], strict=True)
    ]
    return {
        "reward": float(scores.mean()),
        "reward_q10": quantiles[0],
        "reward_q50": quantiles[1],
        "reward_q90": quantiles[2],
        "kl": float(experience.divergences[learnt].sum()) / len(scores),
        "entropy": float(experience.entropies[learnt].mean()),
        "response_tokens": float(lengths.float().mean()),
        "distinct_1": distinct_share(spoken, 1),
        "distinct_2": distinct_share(spoken, 2),
        "distinct_responses": len({tuple(tokens) for tokens in spoken}) / len(spoken),
        "without_eos": float((~experience.ended[kept]).float().mean()),
        "empty": sum(not tokens for tokens in spoken) / len(spoken),
        "explained_variance": explained_variance(experience.values[learnt], targets.returns[learnt]),
        "skipped": int((~kept).sum()),
    }


def distinct_share(texts: Sequence[Sequence[int]], length: int) -> float:
    """The share of different ones among all runs of so many tokens (distinct-n: Li et al. 2016); NaN without any."""
    runs = [tuple(text[start : start + length]) for text in texts for start in range(len(text) - length + 1)]
    return len(set(runs)) / len(runs) if runs else float("nan")


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns): 1 for values that foresee all, below 0 for worse than none."""
    return float(1 - (returns - values).var(correction=0) / returns.var(correction=0))
