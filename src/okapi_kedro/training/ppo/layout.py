"""Where the weights of a training lie: whole in every process, or block by block divided among the processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from transformers import PreTrainedModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import device

Place = Callable[[nn.Module, torch.dtype | None], None]
"""Brings a module to where it computes: in a type, or where that is None in the type of its weights."""


def place_whole(module: nn.Module, precision: torch.dtype | None) -> None:
    """Onto this process's device; its weights keep their type, which passes are free to compute in another."""
    module.to(device())


def place_divided(module: nn.Module, precision: torch.dtype | None) -> None:
    """Every block divided among the processes (FSDP2), all else whole onto this process's device.

    Blocks are moved and divided one after the other, so that a device never holds more than one of them whole. In the
    machine's memory each process has opened the whole model: weights in the type of their file are pages of it, which
    the processes share, others are copies. Each block is put together in every process for its own forward and its own
    backward pass, in the given type; its gradients are summed over the processes in float32.

    Args:
        module: that holds models of transformers.
        precision: the type that weights are put together in.

    Raises:
        UserError: for a model that does not say what its blocks are.
    """
    mesh = init_device_mesh(device().type, (distributed.get_world_size(),))
    # What goes through the blocks is cast by autocast, as where they are whole.
    types = MixedPrecisionPolicy(param_dtype=precision, reduce_dtype=torch.float32, cast_forward_inputs=False)
    blocks = _blocks(module)
    for block in blocks:
        fully_shard(block, mesh=mesh, reshard_after_forward=True, mp_policy=types)
        divided = cast(FSDPModule, block)
        # The mean over the processes is FSDP's own choice; losses are parts of one mean already.
        divided.set_gradient_divide_factor(1.0)
        divided.set_force_sum_reduction_for_comms(True)
    fully_shard(_Together(blocks), mesh=mesh)()
    module.to(device())


PLACES: Mapping[Literal["none", "fsdp"], Place] = {"none": place_whole, "fsdp": place_divided}


class _Together(nn.Module):
    """Makes one family of divided blocks, once it has been called.

    Blocks that are each on their own would keep their gradients whole until the end of a backward pass, and never
    forget the passes that they have made without gradients.
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self) -> None:
        """Computes nothing."""


def _blocks(module: nn.Module) -> list[nn.Module]:
    """The blocks, by the names that models give of what is to be kept together."""
    models = [part for part in module.modules() if isinstance(part, PreTrainedModel)]
    names = {name for model in models for name in model._no_split_modules or ()}
    blocks = [part for part in module.modules() if type(part).__name__ in names]
    if not blocks:
        raise UserError(
            f"a model of type {models[0].config.model_type!r} does not say what its blocks are: "
            "set rl.ppo.sharding to none"
        )
    return blocks


@contextmanager
def as_many_passes(backbone: nn.Module) -> Iterator[None]:
    """Lets every process make as many passes as the one that needs most: divided blocks are put together by all.

    A process that has made its own goes on with passes over a single token, of which nothing is kept.

    Args:
        backbone: whose passes these are; it takes `input_ids`.
    """
    hook = backbone.register_forward_pre_hook(_make_known)
    try:
        yield
    finally:
        hook.remove()
    token = torch.zeros(1, 1, dtype=torch.long, device=device())
    while _passes_of_all(0):
        with torch.no_grad():
            backbone(input_ids=token, use_cache=False)


def _make_known(*_: Any) -> None:
    """Before a pass of this process's own."""
    _passes_of_all(1)


def _passes_of_all(own: int) -> int:
    """How many processes make a pass now."""
    passes = torch.tensor(own, device=device())
    distributed.all_reduce(passes)
    return int(passes)
