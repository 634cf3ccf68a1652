"""A folder's files as a catalog entry."""

from pathlib import Path

import fsspec
import pytest
from kedro.io import DatasetError

from okapi_kedro.datasets import FolderDataset


def test_files_are_loaded_as_they_are_by_their_names_in_the_folder(tmp_path: Path) -> None:
    contents = {"b.csv": b"\xff\x00", "a.json": b"", "deeper/down/c é.jsonl": "é\r\n".encode()}
    for name, content in {**contents, ".gitkeep": b"", ".hidden/d.csv": b"x", "deeper/.e.csv.swp": b"x"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert FolderDataset(filepath=str(tmp_path)).load() == contents
    assert FolderDataset(filepath=f"{tmp_path}/").load() == contents
    assert list(FolderDataset(filepath=f"file://{tmp_path}").load()) == sorted(contents)


def test_a_folder_may_be_under_a_hidden_one_and_be_a_link(tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "a.csv").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / ".data")
    assert FolderDataset(filepath=str(tmp_path / ".data")).load() == {"a.csv": b"x"}
    assert FolderDataset(filepath=str(tmp_path / "link")).load() == {"a.csv": b"x"}


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_a_folder_that_is_empty_or_absent_has_no_files_and_yet_exists_for_a_run(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    dataset = FolderDataset(filepath=str(tmp_path / folder))
    assert dataset.load() == {}
    assert dataset.exists()


def test_the_folder_is_read_anew_on_every_load(tmp_path: Path) -> None:
    dataset = FolderDataset(filepath=str(tmp_path))
    assert dataset.load() == {}
    (tmp_path / "a.csv").write_bytes(b"x")
    assert dataset.load() == {"a.csv": b"x"}


def test_another_file_system_is_read_alike() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/mine/a.csv": b"x", "/mine/below/b.csv": b"y", "/mine/.c": b"z"})
    assert FolderDataset(filepath="memory://mine").load() == {"a.csv": b"x", "below/b.csv": b"y"}
    assert FolderDataset(filepath="memory://nothing").load() == {}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"a\.csv is a file"):
        FolderDataset(filepath=str(tmp_path / "a.csv")).load()


def test_it_is_an_input_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is an input"):
        FolderDataset(filepath=str(tmp_path)).save({})
