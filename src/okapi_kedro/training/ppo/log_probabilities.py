"""Log-probabilities of tokens from hidden states, with the logits of a few states in memory at a time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def log_probabilities(hidden: Tensor, head: nn.Module, tokens: Tensor, temperature: float, chunk: int) -> Tensor:
    """The log-probability of each token in its state.

    Of several chunks, the logits are let go of and made again for the gradients, so a vocabulary of 250,000 costs
    little memory; each value is the same to the bit whatever else is asked for and whether or not gradients are.

    Args:
        hidden: states after the final norm, shape (states, hidden size).
        head: the LM head.
        tokens: one for each state, shape (states,).
        temperature: that the logits are divided by, as in the draws.
        chunk: states whose logits are held at once.

    Returns:
        Shape (states,), float32.
    """

    def of_chunk(states: Tensor, chosen: Tensor) -> tuple[Tensor, ...]:
        return (_chosen(_log_probs(head, states, temperature), chosen),)

    [values] = _in_chunks(of_chunk, chunk, hidden, tokens)
    return values


def log_probabilities_and_entropies(
    hidden: Tensor, head: nn.Module, tokens: Tensor, temperature: float, chunk: int
) -> tuple[Tensor, Tensor]:
    """The log-probability of each token and the entropy, in nats, of the distribution that it was drawn from.

    Arguments and shapes are those of `log_probabilities`.
    """

    def of_chunk(states: Tensor, chosen: Tensor) -> tuple[Tensor, ...]:
        log_probs = _log_probs(head, states, temperature)
        return _chosen(log_probs, chosen), _entropies(log_probs)

    values, entropies = _in_chunks(of_chunk, chunk, hidden, tokens)
    return values, entropies


def comparison(
    hidden: Tensor,
    head: nn.Module,
    reference_hidden: Tensor,
    reference_head: nn.Module,
    tokens: Tensor,
    temperature: float,
    chunk: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The policy and its reference side by side.

    Args:
        hidden: the policy's states after the final norm, shape (states, hidden size).
        head: its LM head.
        reference_hidden: the reference's states, same shape.
        reference_head: its LM head.
        tokens: one for each state, shape (states,).
        temperature: that all logits are divided by.
        chunk: states whose logits are held at once, twice.

    Returns:
        The log-probabilities of the tokens under both, the policy's entropies, and its divergences from the reference,
        sum over all tokens of pi log(pi / rho), which have less noise than what the drawn tokens alone say of them.
        Each of shape (states,), float32.
    """

    def of_chunk(states: Tensor, reference_states: Tensor, chosen: Tensor) -> tuple[Tensor, ...]:
        log_probs = _log_probs(head, states, temperature)
        reference_log_probs = _log_probs(reference_head, reference_states, temperature)
        divergences = _divergences(log_probs, reference_log_probs)
        return _chosen(log_probs, chosen), _chosen(reference_log_probs, chosen), _entropies(log_probs), divergences

    values, reference_values, entropies, divergences = _in_chunks(of_chunk, chunk, hidden, reference_hidden, tokens)
    return values, reference_values, entropies, divergences


def _log_probs(head: nn.Module, states: Tensor, temperature: float) -> Tensor:
    """Of all tokens in each state."""
    log_probs: Tensor = (head(states).float() / temperature).log_softmax(dim=1)
    return log_probs


def _chosen(log_probs: Tensor, tokens: Tensor) -> Tensor:
    return log_probs.gather(1, tokens[:, None])[:, 0]


def _entropies(log_probs: Tensor) -> Tensor:
    return -(log_probs.exp() * log_probs).sum(dim=1)


def _divergences(log_probs: Tensor, reference_log_probs: Tensor) -> Tensor:
    # Rounding can put a divergence of nothing below 0.
    return (log_probs.exp() * (log_probs - reference_log_probs)).sum(dim=1).clamp(min=0)


def _in_chunks(of_chunk: Callable[..., tuple[Tensor, ...]], chunk: int, *inputs: Tensor) -> list[Tensor]:
    """What is made of all states, put together from what is made of the chunks."""
    if len(inputs[0]) == 0:
        return list(of_chunk(*inputs))
    chunks = list(zip(*(each.split(chunk) for each in inputs), strict=True))
    # The logits of a single chunk are needed as soon as they are let go of.
    let_go = torch.is_grad_enabled() and len(chunks) > 1
    parts = [
        checkpoint(of_chunk, *part, use_reentrant=False, preserve_rng_state=False) if let_go else of_chunk(*part)
        for part in chunks
    ]
    return [torch.cat(figures) for figures in zip(*parts, strict=True)]
