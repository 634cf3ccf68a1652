"""From the reward of a response to the advantage of each of its tokens."""

import torch
from torch import Tensor


def token_rewards(
    scores: Tensor, log_probs: Tensor, reference_log_probs: Tensor, mask: Tensor, kl_coefficient: float
) -> Tensor:
    """The reward of every token: what it pays for leaving the reference, and at the response's last token its score.

    r_t = -beta (log pi(a_t|s_t) - log rho(a_t|s_t)), and R(x, y) beside it at the last t (Ziegler et al. 2019,
    equation 2; Ouyang et al. 2022, equation 2).

    Args:
        scores: R(x, y) of each response, shape (rows,).
        log_probs: of the tokens under the policy that drew them, shape (rows, length).
        reference_log_probs: under the reference policy, same shape.
        mask: true at the tokens of the responses, which begin at 0 and have no gaps; same shape.
        kl_coefficient: beta.

    Returns:
        Shape (rows, length), 0 outside of the responses.
    """
    places = torch.arange(mask.shape[1], device=mask.device)
    is_last = mask & (places == mask.sum(dim=1, keepdim=True) - 1)
    penalties = torch.where(mask, -kl_coefficient * (log_probs - reference_log_probs), 0.0)
    return penalties + torch.where(is_last, scores[:, None], 0.0)


def generalized_advantages(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, gae_lambda: float
) -> tuple[Tensor, Tensor]:
    """Generalized advantage estimates and the returns that the value function learns.

    delta_t = r_t + gamma V(s_{t+1}) - V(s_t) and A_t = delta_t + gamma lambda A_{t+1}, where V and A are 0 after a
    response's last token; the return is A_t + V(s_t) (Schulman et al. 2016, equations 12 and 16).

    Args:
        rewards: of each token, shape (rows, length).
        values: V of the state that each token was drawn in, same shape.
        mask: true at the tokens of the responses, same shape.
        gamma: discount of a reward one token later.
        gae_lambda: 0 trusts the value function, 1 the rewards that came.

    Returns:
        Advantages and returns, both of that shape and 0 outside of the responses.
    """
    values = torch.where(mask, values, 0.0)
    advantages = torch.zeros_like(values)
    next_value = next_advantage = torch.zeros_like(values[:, 0])
    for place in reversed(range(values.shape[1])):
        delta = rewards[:, place] + gamma * next_value - values[:, place]
        advantage = torch.where(mask[:, place], delta + gamma * gae_lambda * next_advantage, 0.0)
        advantages[:, place] = advantage
        next_value, next_advantage = values[:, place], advantage
    return advantages, advantages + values


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Shifted and scaled to mean 0 and variance 1 over what the mask keeps, and 0 outside of it.

    Args:
        values: any shape.
        mask: same shape; a single value becomes 0.
    """
    kept = values[mask]
    deviations = kept - kept.mean()
    variance = deviations.square().sum() / max(len(kept) - 1, 1)
    whitened = torch.zeros_like(values)
    whitened[mask] = deviations * torch.rsqrt(variance + 1e-8)
    return whitened
