"""A PPO that was killed goes on from its last complete checkpoint to the same weights and the same tables."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo.checkpoints import Progress, load_checkpoint, save_checkpoint

from ..toys import files_of
from .killed import SETTINGS, STEPS, DieAfterStep, DieInSave, DieWhileTheModelIsSaved, run_apart
from .toy_loops import ALONE, length_of, loop_of, ppo_settings

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def models(babbling, upper_judging) -> tuple[ModelReference, ModelReference]:
    return babbling, upper_judging


@pytest.fixture(scope="module")
def undisturbed(models, tmp_path_factory):
    """The directories of trainings that nobody killed, each made once."""
    directories: dict[int, Path] = {}

    def directory_of(blocks: int) -> Path:
        if blocks not in directories:
            directories[blocks] = tmp_path_factory.mktemp("undisturbed")
            assert run_apart(models, directories[blocks], blocks) == 0
        return directories[blocks]

    return directory_of


def tables(directory: Path) -> list[pd.DataFrame]:
    log = pd.read_parquet(directory / "log.parquet").drop(columns="seconds")
    return [log, pd.read_parquet(directory / "answers.parquet")]


def assert_same(directory: Path, other: Path) -> None:
    assert files_of(ModelReference(str(directory / "model"))) == files_of(ModelReference(str(other / "model")))
    for table, expected in zip(tables(directory), tables(other), strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert sorted(path.name for path in directory.iterdir()) == ["answers.parquet", "log.parquet", "model"]


@pytest.mark.parametrize(("blocks", "steps"), [(0, [3]), (1, [1, 2, 4, 5])])
def test_killed_after_any_step_it_ends_as_undisturbed(blocks, steps, models, undisturbed, tmp_path):
    for step in steps:
        assert run_apart(models, tmp_path, blocks, DieAfterStep(step)) == KILLED
        saved = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
        assert saved == ([f"checkpoint-{(step - 1) // 2 * 2}"] if step > 2 else [])
    assert run_apart(models, tmp_path, blocks) == 0
    assert_same(tmp_path, undisturbed(blocks))
    assert len(tables(tmp_path)[0]) == STEPS


@pytest.mark.parametrize("end", [DieInSave(4), DieWhileTheModelIsSaved()], ids=["in a checkpoint", "in the model"])
def test_killed_while_it_saves_it_ends_as_undisturbed(end, models, undisturbed, tmp_path):
    assert run_apart(models, tmp_path, 1, end) == KILLED
    assert run_apart(models, tmp_path, 1) == 0
    assert_same(tmp_path, undisturbed(1))


def test_what_is_saved_is_what_is_loaded(babbling, tmp_path):
    """Every value of weights, optimiser and progress, in files that run no code."""
    settings = ppo_settings(**SETTINGS)
    loop, other = (loop_of(babbling, length_of, settings, held_out=["x"]) for _ in range(2))
    progress = loop.step(loop.step(Progress(kl_coefficient=0.05)))
    save_checkpoint(tmp_path, progress, loop.policy, loop.optimizer, ALONE, kept=1)
    loaded = load_checkpoint(tmp_path / "checkpoint-2", other.policy, other.optimizer)
    assert json.dumps([loaded.log, loaded.held_out]) == json.dumps([progress.log, progress.held_out])
    assert replace(loaded, log=(), held_out=(), best=None) == replace(progress, log=(), held_out=(), best=None)
    assert (loaded.best.step, loaded.best.objective) == (progress.best.step, progress.best.objective)
    assert all(torch.equal(weight, progress.best.weights[name]) for name, weight in loaded.best.weights.items())
    for name, parameter in loop.policy.learning.items():
        assert torch.equal(other.policy.learning[name], parameter)
        mine, theirs = loop.optimizer.state[parameter], other.optimizer.state[other.policy.learning[name]]
        assert {key: value.tolist() for key, value in mine.items()} == {
            key: value.tolist() for key, value in theirs.items()
        }
    assert {path.suffix for path in (tmp_path / "checkpoint-2").iterdir()} == {".safetensors", ".json", ""}


def test_only_so_many_checkpoints_are_kept(babbling, tmp_path):
    loop = loop_of(babbling, length_of, ppo_settings())
    progress = loop.step(Progress(kl_coefficient=0.05))
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, replace(progress, step=step), loop.policy, loop.optimizer, ALONE, kept=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-2", "checkpoint-3"]


def test_a_checkpoint_that_cannot_be_written_is_an_error_of_one_line(babbling, tmp_path):
    loop = loop_of(babbling, length_of, ppo_settings())
    progress = loop.step(Progress(kl_coefficient=0.05))
    with pytest.raises(UserError, match="cannot save a checkpoint") as caught:
        save_checkpoint(tmp_path / "nowhere", progress, loop.policy, loop.optimizer, ALONE, kept=1)
    assert "\n" not in str(caught.value)
