"""The two clipped losses of PPO, for each token."""

import torch
from torch import Tensor


def policy_losses(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """The clipped surrogate, negated: max(-A ratio, -A clip(ratio, 1 - c, 1 + c)) (Schulman et al. 2017, equation 7).

    Args:
        log_probs: of the tokens under the policy that learns, any shape.
        old_log_probs: under the policy that drew them, same shape; ratio = exp(log_probs - old_log_probs).
        advantages: same shape.
        clip: c.

    Returns:
        Same shape.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))


def is_clipped(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Where the clipped surrogate has no gradient: the ratio has left the range on the side that the advantage favours.

    The arguments are those of `policy_losses`.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    return advantages * ratio > advantages * ratio.clamp(1 - clip, 1 + clip)


def value_losses(values: Tensor, old_values: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Half the squared error, no less than that of the value held within c of the old one.

    1/2 max((V - R)^2, (clip(V, V_old - c, V_old + c) - R)^2), as in OpenAI's PPO for language models (Ziegler et al.
    2019, released code).

    Args:
        values: V of the value function that learns, any shape.
        old_values: V when the tokens were drawn, same shape.
        returns: R, same shape.
        clip: c.

    Returns:
        Same shape.
    """
    held = torch.minimum(torch.maximum(values, old_values - clip), old_values + clip)
    return 0.5 * torch.maximum((values - returns).square(), (held - returns).square())
