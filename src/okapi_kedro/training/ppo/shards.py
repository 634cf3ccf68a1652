"""Tensors that are divided among the processes, beside whole ones."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from okapi_kedro.training.models import device

AnyTensor = TypeVar("AnyTensor", bound=Tensor)


def is_divided(tensor: Tensor) -> bool:
    """Whether this process holds only a part of it."""
    return isinstance(tensor, DTensor)


def apart(tensors: Iterable[AnyTensor]) -> list[list[AnyTensor]]:
    """Whole tensors and divided ones apart, as no operation takes both; no list is empty."""
    given = list(tensors)
    kinds = [[each for each in given if is_divided(each) is divided] for divided in (False, True)]
    return [kind for kind in kinds if kind]


def whole(tensor: Tensor) -> Tensor:
    """The whole of it; all processes have to ask for it."""
    return tensor.to(device()).full_tensor() if isinstance(tensor, DTensor) else tensor


def gathered(tensors: Mapping[str, Tensor], is_first: bool) -> dict[str, Tensor]:
    """Whole tensors by their names on the CPU in the first process, put together one by one; none in the others.

    All processes have to ask for them.

    Args:
        tensors: the same names in every process.
        is_first: whether this process is the first.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        put_together = whole(tensor.detach())
        if is_first:
            found[name] = put_together.cpu().contiguous()
    return found


def divided_like(tensor: Tensor, other: Tensor) -> Tensor:
    """A whole tensor in the type, on the device and in the division of another; no process has to ask the others."""
    if not isinstance(other, DTensor):
        return tensor
    return distribute_tensor(tensor.to(device()), other.device_mesh, other.placements, src_data_rank=None)


def clip_gradients(parameters: Sequence[nn.Parameter], longest: float) -> float:
    """Scales gradients down to a length in place, that over all processes' parts, and returns the length before.

    Args:
        parameters: with the gradients of all processes in them.
        longest: that a gradient over all parameters may be.
    """
    kinds = apart(parameters)
    norms = [whole(nn.utils.get_total_norm([each.grad for each in kind if each.grad is not None])) for kind in kinds]
    norm = reduce(torch.hypot, norms)
    for kind in kinds:
        nn.utils.clip_grads_with_norm_(kind, longest, norm)
    return float(norm)
