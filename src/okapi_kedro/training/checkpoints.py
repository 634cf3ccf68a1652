"""Checkpoints of a training: when they are made, which of them count, and what makes one worth continuing from.

A checkpoint is transformers' own: weights (safetensors), optimiser, schedule, random states and the trainer's state.
What torch has written in it is read back with `weights_only=True`, so that loading runs no code.
"""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from pydantic import BaseModel
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from okapi_kedro import __version__
from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.settings import TrainingSettings

logger = logging.getLogger(__name__)

Fingerprint = Mapping[str, str]

_FINGERPRINT, _COMPLETE, _EPOCH_START = "fingerprint.json", "complete", "epoch_start.pth"
_BESIDE_THE_RESULT = {"checkpoint_steps", "keep_checkpoints", "report_to"}
_LIBRARIES = ("torch", "transformers", "trl", "accelerate")
_GIGABYTE = 10**9


def fingerprint_of(
    stage: str, start: ModelReference, rows: Path, settings: BaseModel, choices: Mapping[str, Any], seed: int
) -> Fingerprint:
    """All that decides what a training makes, in short.

    Args:
        stage: which training it is.
        start: the model that it starts from; the weights of a directory count, of the hub only the name.
        rows: the file of the rows that it learns from.
        settings: of the optimisation.
        choices: further settings.
        seed: of the order of the rows and of new weights.
    """
    optimisation = settings.model_dump(exclude=_BESIDE_THE_RESULT)
    return {
        "stage": stage,
        "start": identity(start),
        "rows": _digest([rows]),
        "settings": json.dumps({**optimisation, **choices}, sort_keys=True),
        "seed": str(seed),
        "code": ", ".join([f"okapi-kedro {__version__}", *(f"{name} {version(name)}" for name in _LIBRARIES)]),
    }


def identity(model: ModelReference) -> str:
    """A digest of the weights of a model in a directory, or the name of one on the hub."""
    weights = sorted(Path(model.name).glob("*.safetensors"))
    return _digest(weights) if weights else model.name


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def keep_only_own(folder: Path, fingerprint: Fingerprint) -> None:
    """Removes checkpoints of another training, or of one that was killed while it saved; others stay to go on from.

    Raises:
        UserError: when the folder cannot be written to.
    """
    stored = folder / _FINGERPRINT
    earlier = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    changed = [name for name, value in fingerprint.items() if earlier.get(name) != value]
    if earlier and changed:
        logger.info("Checkpoints in %s are of another training (%s) and removed", folder, ", ".join(changed))
    own = [] if changed else complete_checkpoints(folder)
    for checkpoint in set(folder.glob("checkpoint-*")) - set(own):
        shutil.rmtree(checkpoint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = stored.with_suffix(".new")
        unfinished.write_text(json.dumps(dict(fingerprint), indent=1), encoding="utf-8")
        unfinished.rename(stored)
    except OSError as error:
        raise _not_writable(folder, error) from error


def remove_checkpoints(folder: Path) -> None:
    """Removes them when the training is done; what else lies in the folder stays."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    (folder / _FINGERPRINT).unlink()


def complete_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints that were saved to their end, the latest last."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{_COMPLETE}")]
    return sorted(complete, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def complete(checkpoint: Path, kept: int) -> None:
    """Marks a checkpoint as saved to its end, and removes older ones but for so many in all."""
    (checkpoint / _COMPLETE).touch()
    for old in complete_checkpoints(checkpoint.parent)[:-kept]:
        # Without its mark first, or a kill in between would leave half a checkpoint that counts as one.
        (old / _COMPLETE).unlink()
        shutil.rmtree(old)


def prove_room(folder: Path, model: PreTrainedModel, settings: TrainingSettings) -> None:
    """Sees before a training whether what it will save can be saved.

    Args:
        folder: of its checkpoints; the model is saved beside it.
        model: to be trained, on its own and not yet divided among processes.
        settings: say how many checkpoints are kept; the next is made before the oldest is removed.

    Raises:
        UserError: when the folder cannot be written to or the disk has too little room.
    """
    prove_bytes(folder, bytes_to_save(model, settings))


def prove_bytes(folder: Path, needed: int) -> None:
    """Sees whether so many bytes can be saved in a folder, in place of those that lie there already.

    Raises:
        UserError: when the folder cannot be written to or the disk has too little room.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"room")
    except OSError as error:
        raise _not_writable(folder, error) from error
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free = shutil.disk_usage(folder).free
    if free + held < needed:
        raise UserError(
            f"{folder} has {free / _GIGABYTE:.1f} GB of room and the training saves {(needed - held) / _GIGABYTE:.1f} "
            "GB: make room, lower keep_checkpoints or set checkpoint_steps to 0"
        )


def bytes_to_save(model: PreTrainedModel, settings: TrainingSettings) -> int:
    """Bytes of the trained model and of all checkpoints that exist at once, with AdamW's two moments each."""
    weights: int = sum(each.numel() * each.element_size() for each in model.parameters())
    moments: int = 2 * sum(each.numel() * each.element_size() for each in model.parameters() if each.requires_grad)
    checkpoints = settings.keep_checkpoints + 1 if settings.checkpoint_steps else 0
    # transformers saves a divided model once more, for accelerate.
    copies = 2 if settings.sharding == "fsdp" else 1
    return weights + checkpoints * (copies * weights + moments)


def _not_writable(folder: Path, error: OSError) -> UserError:
    return UserError(f"cannot write to {folder}, where a training is saved: {error.strerror}")


class Checkpoints(TrainerCallback):
    """Has checkpoints made, marks those that are complete and removes old ones.

    The last step of an epoch is saved after the evaluation that follows it, so that the log has no gap. The state that
    an epoch's order may be drawn from is kept with each checkpoint: an epoch that is resumed goes on in the same order.

    Args:
        settings: when a checkpoint is made and how many are kept.
        resumed: the checkpoint that the training goes on from.
    """

    def __init__(self, settings: TrainingSettings, resumed: Path | None) -> None:
        self._every, self._kept = settings.checkpoint_steps, settings.keep_checkpoints
        self._resumed = resumed
        self._epoch_start = torch.get_rng_state()

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._resumed:
            torch.set_rng_state(torch.load(self._resumed / _EPOCH_START, weights_only=True))
            self._resumed = None
        self._epoch_start = torch.get_rng_state()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._is_due(state) and not _epoch_is_over(state):
            control.should_save = True

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._is_due(state):
            control.should_save = True

    def _is_due(self, state: TrainerState) -> bool:
        return self._every > 0 and state.global_step % self._every == 0 and state.global_step < state.max_steps

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        PartialState().wait_for_everyone()
        if not state.is_world_process_zero:
            return
        folder = Path(args.output_dir)
        checkpoint = folder / f"checkpoint-{state.global_step}"
        next_order = torch.get_rng_state() if _epoch_is_over(state) else self._epoch_start
        torch.save(next_order, checkpoint / _EPOCH_START)
        complete(checkpoint, self._kept)


def _epoch_is_over(state: TrainerState) -> bool:
    return float(state.epoch).is_integer()
