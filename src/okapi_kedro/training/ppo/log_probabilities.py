"""Log-probabilities of tokens from hidden states, with the logits of a few states in memory at a time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def log_probabilities(hidden: Tensor, head: nn.Module, tokens: Tensor, temperature: float, chunk: int) -> Tensor:
    """The log-probability of each token in its state.

    A chunk's logits are let go of and made again for its gradients, so a vocabulary of 250,000 costs little memory;
    each value is the same whatever else is asked for and whether or not gradients are.

    Args:
        hidden: states after the final norm, shape (states, hidden size).
        head: the LM head.
        tokens: one for each state, shape (states,).
        temperature: that the logits are divided by, as in the draws.
        chunk: states whose logits are held at once.

    Returns:
        Shape (states,), float32.
    """
    [values] = _in_chunks(lambda logits, chosen: (_chosen(logits, chosen),), hidden, head, tokens, temperature, chunk)
    return values


def log_probabilities_and_entropies(
    hidden: Tensor, head: nn.Module, tokens: Tensor, temperature: float, chunk: int
) -> tuple[Tensor, Tensor]:
    """The log-probability of each token and the entropy, in nats, of the distribution that it was drawn from.

    Arguments and shapes are those of `log_probabilities`.
    """
    values, entropies = _in_chunks(
        lambda logits, chosen: (_chosen(logits, chosen), _entropies(logits)), hidden, head, tokens, temperature, chunk
    )
    return values, entropies


def _chosen(logits: Tensor, tokens: Tensor) -> Tensor:
    return logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(dim=1)


def _entropies(logits: Tensor) -> Tensor:
    return logits.logsumexp(dim=1) - (logits.softmax(dim=1) * logits).sum(dim=1)


Figures = Callable[[Tensor, Tensor], tuple[Tensor, ...]]


def _in_chunks(
    figures: Figures, hidden: Tensor, head: nn.Module, tokens: Tensor, temperature: float, chunk: int
) -> list[Tensor]:
    """What the figures make of all states' logits, each put together from the chunks."""

    def of_chunk(states: Tensor, chosen: Tensor) -> tuple[Tensor, ...]:
        return figures(head(states).float() / temperature, chosen)

    if len(hidden) == 0:
        return list(of_chunk(hidden, tokens))
    parts = [
        checkpoint(of_chunk, states, chosen, use_reentrant=False, preserve_rng_state=False)
        if torch.is_grad_enabled()
        else of_chunk(states, chosen)
        for states, chosen in zip(hidden.split(chunk), tokens.split(chunk), strict=True)
    ]
    return [torch.cat(part) for part in zip(*parts, strict=True)]
