"""Draws of tokens that hang on a row's name and the seed alone, not on the rows beside it."""

from collections.abc import Sequence
from hashlib import sha256

import torch
from transformers import LogitsProcessor


class SeededDraws(LogitsProcessor):
    """Makes the likeliest token a drawn one: the argmax of logits + Gumbel noise is a draw from their softmax.

    Each noise value is a hash of its row's key, its position in the response and its token, so it is the same in
    every batch, in every order and on every device (Gumbel-max trick: Maddison, Tarlow and Minka 2014, section 2).

    Args:
        keys: one whole number of 64 bits for each row, shape (rows,).
        prompt_length: tokens before the first drawn one, padding included.
    """

    def __init__(self, keys: torch.Tensor, prompt_length: int) -> None:
        self._keys = keys
        self._prompt_length = prompt_length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        noise = gumbel(self._keys, input_ids.shape[1] - self._prompt_length, scores.shape[1])
        return scores + noise


def row_keys(names: Sequence[str], seed: int) -> torch.Tensor:
    """A number of 64 bits for each name and the seed."""
    digests = [sha256(f"{seed} {name}".encode()).digest() for name in names]
    return torch.tensor([int.from_bytes(digest[:8], signed=True) for digest in digests], dtype=torch.int64)


def gumbel(keys: torch.Tensor, position: int, vocabulary: int) -> torch.Tensor:
    """Standard Gumbel noise for every token at one position of each row, shape (rows, vocabulary)."""
    tokens = torch.arange(vocabulary, device=keys.device)
    at_position = _mix(keys + torch.full_like(keys, position) * _GOLDEN)
    bits = _mix(at_position[:, None] + tokens * _GOLDEN)
    # Odd numbers of 53 bits are never 0; their upper end, rounded to a float, would be 1.
    uniform = ((_shifted(bits, 11) | 1).float() * 2.0**-53).clamp(max=1 - 2.0**-24)
    return -torch.log(-torch.log1p(-uniform))


_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
"""The step between two states of splitmix64, as a signed number."""


def _mix(state: torch.Tensor) -> torch.Tensor:
    """The output function of splitmix64 (Steele, Lea and Flood 2014), in integers of 64 bits that wrap around."""
    state = (state ^ _shifted(state, 30)) * (0xBF58476D1CE4E5B9 - (1 << 64))
    state = (state ^ _shifted(state, 27)) * (0x94D049BB133111EB - (1 << 64))
    return state ^ _shifted(state, 31)


def _shifted(state: torch.Tensor, bits: int) -> torch.Tensor:
    """Shifted to the right, zeros coming in."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)
