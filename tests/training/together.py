"""What processes run together in the tests of the launch; importable by each of them."""

import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from okapi_kedro.errors import UserError
from okapi_kedro.training import sft
from okapi_kedro.training.launch import launch
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.settings import TrainingSettings


def sum_of_ranks(start: int) -> tuple[int, int, int]:
    """The sum over all processes of the start and their ranks, this process's rank and its id."""
    distributed.init_process_group("gloo")
    total = torch.tensor(start + distributed.get_rank())
    distributed.all_reduce(total)
    return int(total), distributed.get_rank(), os.getpid()


def fail_in_the_second(kind: str) -> None:
    """An error in rank 1 while rank 0 waits for it."""
    distributed.init_process_group("gloo")
    if distributed.get_rank() == 1:
        raise UserError("row 7 of données.csv is empty") if kind == "user" else LookupError("कुछ हराएको छ")
    distributed.all_reduce(torch.ones(1))


def wait_for_ever(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(600)


def launch_and_wait(folder: str) -> None:
    """Two processes that only an interruption ends."""
    try:
        launch(wait_for_ever, Path(folder), processes=2)
    except KeyboardInterrupt:
        print("interrupted")


def fine_tune_and_count(
    base: ModelReference, rows: Path, settings: TrainingSettings, recipe: Any, template: Any, directory: Path, seed: int
) -> list[dict[str, Any]]:
    """One process's part of a fine-tuning; writes down how many numbers of the model the process held."""
    whole_model = sft.whole_model

    def watched(trainer: Any, untrained: Any) -> Any:
        own = [getattr(each, "to_local", lambda each=each: each)() for each in trainer.model.parameters()]
        (directory / f"held by {os.environ['RANK']}").write_text(str(sum(each.numel() for each in own)))
        return whole_model(trainer, untrained)

    sft.whole_model = watched
    return sft._fine_tune(base, rows, settings, recipe, template, directory, seed)
