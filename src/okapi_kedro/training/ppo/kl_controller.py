"""The weight of the divergence from the reference policy, fixed or steered towards a target."""


def next_kl_coefficient(
    coefficient: float, divergence: float, responses: int, target: float | None, horizon: int
) -> float:
    """The coefficient after an iteration: raised where the policy went further than the target, else lowered.

    e = clip((KL - target) / target, -0.2, 0.2) and beta' = beta (1 + K e) (Ziegler et al. 2019, section 2.2), with
    K = responses / horizon as in their released code.

    Args:
        coefficient: beta.
        divergence: KL from the reference policy, nats of a response.
        responses: of the iteration.
        target: KL that is steered to, nats of a response; None keeps beta as it is.
        horizon: responses in which beta can change by a fifth of itself, about.
    """
    if target is None:
        return coefficient
    error = min(max((divergence - target) / target, -0.2), 0.2)
    return coefficient * (1 + error * responses / horizon)
