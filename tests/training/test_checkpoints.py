"""A training that was killed goes on from its last complete checkpoint to the same weights and the same log."""

import json
import random
import resource
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from okapi_kedro.errors import UserError
from okapi_kedro.training import checkpoints
from okapi_kedro.training.checkpoints import bytes_to_save, complete_checkpoints, fingerprint_of, keep_only_own
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.sft import fine_tune

from .killed import CHECKPOINTS, STEPS, DieAtStep, DieInEvaluation, DieInSave, run_apart
from .toys import RECIPE, facts, files_of, repeatable, training

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def forgetful(untrained, tmp_path_factory) -> ModelReference:
    """An untrained BLOOM with dropout, so that every step draws random numbers."""
    model = untrained("bloom").causal_lm()
    model.config.hidden_dropout = model.config.attention_dropout = 0.2
    return save_model(model, untrained("bloom").tokenizer(), tmp_path_factory.mktemp("forgetful"))


@pytest.fixture(scope="module")
def undisturbed(forgetful, tmp_path_factory):
    """The directories of trainings that nobody killed, by stage, each made once."""
    directories: dict[str, Path] = {}

    def directory_of(stage: str) -> Path:
        if stage not in directories:
            directories[stage] = tmp_path_factory.mktemp("undisturbed")
            assert run_apart(stage, forgetful, directories[stage]) == 0
        return directories[stage]

    return directory_of


def assert_same(directory: Path, other: Path) -> None:
    assert files_of(ModelReference(str(directory / "model"))) == files_of(ModelReference(str(other / "model")))
    if (other / "log.parquet").exists():
        logs = [repeatable(pd.read_parquet(each / "log.parquet")) for each in (directory, other)]
        pd.testing.assert_frame_equal(*logs)
    assert sorted(path.name for path in directory.iterdir()) == sorted(path.name for path in other.iterdir())


@pytest.mark.parametrize("stage", ["sft", "reward", "pretraining"])
def test_killed_at_five_random_steps_it_ends_as_undisturbed(stage, forgetful, undisturbed, tmp_path):
    for step in sorted(random.Random(stage).sample(range(1, STEPS + 1), 5)):
        assert run_apart(stage, forgetful, tmp_path, DieAtStep(step)) == KILLED
    assert run_apart(stage, forgetful, tmp_path) == 0
    assert_same(tmp_path, undisturbed(stage))


@pytest.mark.parametrize(("checkpoint", "written"), [(4, False), (6, True)], ids=["half written", "not yet marked"])
def test_a_checkpoint_that_was_not_completed_is_passed_over(checkpoint, written, forgetful, undisturbed, tmp_path):
    assert run_apart("sft", forgetful, tmp_path, DieInSave(checkpoint, written)) == KILLED
    assert (tmp_path / f"checkpoint-{checkpoint}").exists()
    assert complete_checkpoints(tmp_path) == [tmp_path / f"checkpoint-{checkpoint - 2}"]
    assert run_apart("sft", forgetful, tmp_path) == 0
    assert_same(tmp_path, undisturbed("sft"))


def test_killed_in_the_evaluation_after_an_epoch_it_evaluates_again(forgetful, undisturbed, tmp_path):
    assert run_apart("sft", forgetful, tmp_path, DieInEvaluation(6)) == KILLED
    assert run_apart("sft", forgetful, tmp_path) == 0
    assert_same(tmp_path, undisturbed("sft"))


@pytest.fixture(scope="module")
def interrupted(forgetful, tmp_path_factory) -> Path:
    """The directory of a training that was killed at its ninth step; for reading only."""
    directory = tmp_path_factory.mktemp("interrupted")
    assert run_apart("sft", forgetful, directory, DieAtStep(9)) == KILLED
    return directory


def test_the_log_of_a_resumed_training_has_every_step_and_evaluation_once(interrupted, forgetful, tmp_path):
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    assert run_apart("sft", forgetful, tmp_path) == 0
    log = pd.read_parquet(tmp_path / "log.parquet")
    assert log.loc[log["loss"].notna(), "step"].tolist() == list(range(1, STEPS + 1))
    assert log.loc[log["eval_loss"].notna(), "step"].tolist() == [3, 6, 9, 12]
    assert log["seconds"].is_monotonic_increasing
    assert log["tokens"].is_monotonic_increasing


CHANGES = {"seed": {"seed": 4}, "settings": {"learning_rate": 1e-3}, "rows": {"rows": 1}, "start": {"start": "llama"}}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_decides_the_result_makes_another_fingerprint(changed, untrained, tmp_path):
    def fingerprint(seed=3, rows=0, start="bloom", **settings):
        path = tmp_path / f"{rows}.parquet"
        pd.DataFrame({"row": [rows]}).to_parquet(path)
        return fingerprint_of("sft", untrained(start), path, training(**settings), {}, seed)

    one, other = fingerprint(), fingerprint(**CHANGES[changed])
    assert {name for name in one if one[name] != other[name]} == {changed}
    assert one == fingerprint(checkpoint_steps=7, keep_checkpoints=3, report_to=["tensorboard"])


def test_the_start_counts_by_its_weights_and_not_by_its_place(untrained, tmp_path):
    rows = tmp_path / "rows.parquet"
    pd.DataFrame({"row": [1]}).to_parquet(rows)
    shutil.copytree(untrained("bloom").name, tmp_path / "copy")
    prints = [
        fingerprint_of("sft", start, rows, training(), {}, 1)["start"]
        for start in (untrained("bloom"), ModelReference(str(tmp_path / "copy")), ModelReference("of/the-hub"))
    ]
    assert prints[0] == prints[1]
    assert prints[2] == "of/the-hub"


def checkpoint(folder: Path, step: int, complete: bool = True) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    if complete:
        (made / "complete").touch()
    return made


def test_only_complete_checkpoints_of_the_same_training_stay(tmp_path, caplog):
    (tmp_path / "notes.txt").write_text("the user's")
    keep_only_own(tmp_path, {"seed": "1", "rows": "a"})
    kept, torn = checkpoint(tmp_path, 900), checkpoint(tmp_path, 1000, complete=False)
    keep_only_own(tmp_path, {"seed": "1", "rows": "a"})
    assert (kept.exists(), torn.exists()) == (True, False)
    with caplog.at_level("INFO"):
        keep_only_own(tmp_path, {"seed": "2", "rows": "a"})
    assert not kept.exists()
    assert "of another training (seed)" in caplog.text
    assert (tmp_path / "notes.txt").exists()
    assert json.loads((tmp_path / "fingerprint.json").read_text()) == {"seed": "2", "rows": "a"}


def test_checkpoints_are_in_the_order_of_their_steps(tmp_path):
    for step in (1000, 90, 200):
        checkpoint(tmp_path, step)
    assert [path.name for path in complete_checkpoints(tmp_path)] == [f"checkpoint-{n}" for n in (90, 200, 1000)]


@contextmanager
def files_of_at_most(size: int):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_ends_in_one_line_and_loses_no_earlier_checkpoint(interrupted, forgetful, undisturbed, tmp_path):
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in (tmp_path / "checkpoint-8").iterdir()}
    weights = (tmp_path / "checkpoint-8" / "model.safetensors").stat().st_size
    with files_of_at_most(weights + 1000), pytest.raises(UserError, match="cannot save a checkpoint in") as caught:
        fine_tune(forgetful, facts(), training(**CHECKPOINTS), RECIPE, ENGLISH, tmp_path, seed=3)
    assert "\n" not in str(caught.value)
    assert "earlier ones are kept" in str(caught.value)
    assert {path: path.read_bytes() for path in (tmp_path / "checkpoint-8").iterdir()} == before
    assert complete_checkpoints(tmp_path) == [tmp_path / "checkpoint-8"]
    assert run_apart("sft", forgetful, tmp_path) == 0
    assert_same(tmp_path, undisturbed("sft"))


def test_too_little_room_is_known_before_the_first_step(forgetful, tmp_path, monkeypatch):
    usage = SimpleNamespace(free=10_000)
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"0\.0 GB of room and the training saves .* lower keep") as caught:
        fine_tune(forgetful, facts(), training(**CHECKPOINTS), RECIPE, ENGLISH, tmp_path, seed=3)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_place_that_cannot_be_written_to_is_known_before_the_first_step(forgetful, tmp_path):
    blocked = tmp_path / "file" / "sft"
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(UserError, match=f"cannot write to {blocked}") as caught:
        fine_tune(forgetful, facts(), training(), RECIPE, ENGLISH, blocked, seed=3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [1, 3])
def test_what_is_saved_is_estimated_from_the_model(kept, interrupted, forgetful):
    """The trained model, the checkpoints that are kept and the next one, of weights and two moments."""
    model = forgetful.causal_lm()
    weights = sum(each.numel() * 4 for each in model.parameters())
    with_checkpoints = training(**{**CHECKPOINTS, "keep_checkpoints": kept})
    assert bytes_to_save(model, training()) == weights
    assert bytes_to_save(model, with_checkpoints) == weights + (kept + 1) * 3 * weights
    saved = [interrupted / "checkpoint-8" / name for name in ("model.safetensors", "optimizer.pt")]
    assert 3 * weights <= sum(path.stat().st_size for path in saved) < 3 * weights + 100_000


def test_old_checkpoints_go_when_there_are_more_than_are_kept(interrupted):
    assert [path.name for path in interrupted.glob("checkpoint-*")] == ["checkpoint-8"]


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "epoch_start.pth"])
def test_what_torch_wrote_is_read_without_running_code(name, interrupted):
    torch.load(interrupted / "checkpoint-8" / name, weights_only=True)
