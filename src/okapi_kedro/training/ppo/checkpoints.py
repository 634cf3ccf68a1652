"""Checkpoints of PPO: the weights that learn, their optimiser and how far the training has come.

Nothing is drawn from a random state that goes on from step to step: responses and orders hang on the seed and their
place in the training alone, so the number of steps done says where all draws go on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import complete
from okapi_kedro.training.models import device
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.shards import divided_like, gathered
from okapi_kedro.training.ppo.watch import Row

_WEIGHTS, _MOMENTS, _BEST, _PROGRESS = (
    "weights.safetensors",
    "optimizer.safetensors",
    "best.safetensors",
    "progress.json",
)


@dataclass(frozen=True)
class Best:
    """The best policy so far.

    Args:
        step: steps that it had done.
        objective: mean reward less the first coefficient times the divergence (Ouyang et al. 2022, equation 2).
        weights: its weights that learn, on the CPU; of divided ones this process's part.
    """

    step: int
    objective: float
    weights: Mapping[str, Tensor]


@dataclass(frozen=True)
class Progress:
    """How far a training has come, beside the weights and their optimiser.

    Args:
        kl_coefficient: of the next step.
        step: steps that are done.
        log: a line for each of them.
        held_out: answers to held-out prompts so far.
        best: None where no limit is set that could end the training early.
        stopped_by: the limit that has ended the training.
    """

    kl_coefficient: float
    step: int = 0
    log: tuple[Row, ...] = ()
    held_out: tuple[Row, ...] = ()
    best: Best | None = None
    stopped_by: str | None = None


def save_checkpoint(
    folder: Path,
    progress: Progress,
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    processes: Processes,
    kept: int,
) -> None:
    """Saves all that the next steps hang on, and removes older checkpoints but for so many.

    The first process writes; all have to come here to put together what is divided.

    Raises:
        UserError: when it cannot be written; earlier ones are kept.
    """
    checkpoint = folder / f"checkpoint-{progress.step}"
    told = asdict(replace(progress, best=None))
    told["best"] = {"step": progress.best.step, "objective": progress.best.objective} if progress.best else None
    tensors: dict[str, Mapping[str, Tensor]] = {_WEIGHTS: policy.learning, _MOMENTS: _moments(policy, optimizer)}
    if progress.best:
        tensors[_BEST] = progress.best.weights
    is_first = processes.rank == 0
    try:
        if is_first:
            checkpoint.mkdir()
        for file, divided in tensors.items():
            put_together = gathered(divided, is_first)
            if is_first:
                save_file(put_together, checkpoint / file)
        if is_first:
            (checkpoint / _PROGRESS).write_text(json.dumps(told), encoding="utf-8")
            complete(checkpoint, kept)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"cannot save a checkpoint in {folder}: {reason}; earlier ones are kept: make room and run the same again"
        ) from error


def load_checkpoint(checkpoint: Path, policy: Policy, optimizer: torch.optim.Optimizer) -> Progress:
    """Puts policy and optimiser back to where they were, and says how far the training had come."""
    set_weights(policy, _weights_in(checkpoint / _WEIGHTS, policy))
    moments = load_file(checkpoint / _MOMENTS)
    for name, parameter in policy.learning.items():
        of_parameter = {key.removeprefix(f"{name}/"): moments[key] for key in moments if key.startswith(f"{name}/")}
        optimizer.state[parameter] = {
            # The number of steps is whole in every process.
            key: divided_like(value, parameter).to(device()) if value.ndim else value.to(device())
            for key, value in of_parameter.items()
        }
    told = json.loads((checkpoint / _PROGRESS).read_text(encoding="utf-8"))
    best = Best(**told["best"], weights=_weights_in(checkpoint / _BEST, policy)) if told["best"] else None
    return Progress(**{**told, "log": tuple(told["log"]), "held_out": tuple(told["held_out"]), "best": best})


def weights_of(policy: Policy) -> dict[str, Tensor]:
    """A copy of the weights that learn, on the CPU; of divided ones this process's part."""
    return {name: parameter.detach().cpu().clone() for name, parameter in policy.learning.items()}


def set_weights(policy: Policy, weights: Mapping[str, Tensor]) -> None:
    """Gives the policy earlier weights, divided as its own."""
    with torch.no_grad():
        for name, parameter in policy.learning.items():
            parameter.copy_(weights[name])


def _weights_in(file: Path, policy: Policy) -> dict[str, Tensor]:
    """Of the whole weights in a file what this process holds of them, on the CPU."""
    weights = load_file(file)
    return {name: divided_like(weights[name], parameter).cpu() for name, parameter in policy.learning.items()}


def bytes_of_checkpoints(policy: Policy, count: int) -> int:
    """Bytes of so many checkpoints: weights, two moments of each, and the best weights."""
    weights: int = sum(parameter.numel() * parameter.element_size() for parameter in policy.learning.values())
    return count * 4 * weights


def _moments(policy: Policy, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}/{key}": value
        for name, parameter in policy.learning.items()
        for key, value in optimizer.state[parameter].items()
    }
