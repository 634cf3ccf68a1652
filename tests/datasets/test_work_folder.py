"""The folder of a node is its path and nothing else."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from okapi_kedro.datasets import WorkFolderDataset


def test_it_loads_the_path_of_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
    dataset = WorkFolderDataset(filepath=str(tmp_path / "दल" / "parts"))
    assert dataset.exists()
    assert dataset.load() == tmp_path / "दल" / "parts"
    assert not dataset.load().exists()


def test_a_node_cannot_save_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="input"):
        WorkFolderDataset(filepath=str(tmp_path)).save(1)
