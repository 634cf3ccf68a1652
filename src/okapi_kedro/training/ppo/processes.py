"""The processes that train one policy together."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from okapi_kedro.training.ppo.shards import is_divided


@dataclass(frozen=True)
class Processes:
    """This process's place among those that train together.

    Args:
        rank: its number, from 0.
        count: how many there are.
    """

    rank: int
    count: int

    def sum(self, values: Tensor) -> Tensor:
        """The sum of what all processes give, in every process."""
        if self.count == 1:
            return values
        total = values.clone()
        distributed.all_reduce(total)
        return total

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives every process's parameters the sum of all processes' gradients; divided ones have it already."""
        if self.count > 1:
            for parameter in parameters:
                if not is_divided(parameter):
                    distributed.all_reduce(parameter.grad)

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.count > 1:
            distributed.barrier()


def join(count: int) -> Processes:
    """Connects this process with the others that `launch` has started; one alone has none to wait for."""
    if count == 1:
        return Processes(0, 1)
    if torch.accelerator.is_available():
        torch.accelerator.set_device_index(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group()
    return Processes(distributed.get_rank(), count)
