"""A model is kept by moving it to its place, and a save that goes wrong leaves the one that stands there."""

import shutil
from pathlib import Path

import pytest
from kedro.io import DatasetError

from okapi_kedro.datasets import ModelDirectoryDataset
from okapi_kedro.training.models import ModelReference


@pytest.fixture
def dataset(tmp_path: Path) -> ModelDirectoryDataset:
    return ModelDirectoryDataset(filepath=str(tmp_path / "06_models" / "ne" / "sft"))


def model(folder: Path, weights: str) -> ModelReference:
    """A directory as a node leaves it."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(weights)
    return ModelReference(str(folder), temporary=True)


def weights(dataset: ModelDirectoryDataset) -> str:
    return (Path(dataset.load().name) / "model.safetensors").read_text()


def test_a_nodes_own_directory_is_moved_to_its_place(dataset, tmp_path):
    dataset.save(model(tmp_path / "work", "first"))
    assert weights(dataset) == "first"
    assert not (tmp_path / "work").exists()
    assert dataset.load() == ModelReference(str(tmp_path / "06_models" / "ne" / "sft"), temporary=False)


def test_a_loaded_model_is_not_moved_when_it_is_saved_elsewhere(dataset, tmp_path):
    dataset.save(model(tmp_path / "work", "first"))
    other = ModelDirectoryDataset(filepath=str(tmp_path / "other"))
    other.save(dataset.load())
    assert weights(dataset) == weights(other) == "first"


def test_a_new_model_replaces_the_old_one_whole(dataset, tmp_path):
    old = model(tmp_path / "a", "first")
    (tmp_path / "a" / "only_in_the_old_one.json").write_text("{}")
    dataset.save(old)
    dataset.save(model(tmp_path / "b", "second"))
    assert weights(dataset) == "second"
    assert sorted(path.name for path in (tmp_path / "06_models" / "ne").rglob("*")) == [
        "config.json",
        "model.safetensors",
        "sft",
    ]


@pytest.mark.parametrize("name", ["bigscience/bloom-7b1", "/models/my own"])
def test_a_hub_id_or_a_users_directory_is_kept_as_a_name(dataset, name):
    dataset.save(ModelReference(name))
    assert dataset.load() == ModelReference(name, temporary=False)
    assert dataset.exists()


def test_a_users_directory_stays_where_it_is(dataset, tmp_path):
    mine = model(tmp_path / "mine", "mine")
    dataset.save(ModelReference(mine.name))
    dataset.save(model(tmp_path / "work", "new"))
    assert (tmp_path / "mine" / "model.safetensors").read_text() == "mine"
    assert weights(dataset) == "new"


def test_a_name_replaces_a_directory(dataset, tmp_path):
    dataset.save(model(tmp_path / "a", "first"))
    dataset.save(ModelReference("bigscience/bloom-560m"))
    assert dataset.load().name == "bigscience/bloom-560m"


def test_a_full_disk_in_the_middle_of_a_save_leaves_the_old_model(dataset, tmp_path, monkeypatch):
    dataset.save(model(tmp_path / "a", "first"))
    second = model(tmp_path / "b", "second")

    def copy_half(source: str, target: Path) -> None:
        target.mkdir()
        shutil.copy(Path(source) / "config.json", target)
        raise OSError(28, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", copy_half)
        with pytest.raises(DatasetError, match="No space left"):
            dataset.save(second)
    assert weights(dataset) == "first"
    dataset.save(second)
    assert weights(dataset) == "second"
    assert [path.name for path in (tmp_path / "06_models" / "ne").iterdir()] == ["sft"]


def test_a_directory_that_a_node_has_not_written_leaves_the_old_model(dataset, tmp_path):
    dataset.save(model(tmp_path / "a", "first"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        dataset.save(ModelReference(str(tmp_path / "nowhere"), temporary=True))
    assert weights(dataset) == "first"


def test_the_old_model_stands_until_the_new_one_is_complete(dataset, tmp_path, monkeypatch):
    dataset.save(model(tmp_path / "a", "first"))
    seen = []
    move = shutil.move

    def watched(source: str, target: Path) -> None:
        move(source, target)
        seen.append(weights(dataset))

    monkeypatch.setattr(shutil, "move", watched)
    dataset.save(model(tmp_path / "b", "second"))
    assert (seen, weights(dataset)) == (["first"], "second")


def test_a_missing_model_is_an_error_that_names_the_place(dataset):
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"no model in .*06_models/ne/sft"):
        dataset.load()


def test_a_directory_without_a_model_does_not_count_as_one(dataset, tmp_path):
    (tmp_path / "06_models" / "ne" / "sft").mkdir(parents=True)
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="no model in"):
        dataset.load()
