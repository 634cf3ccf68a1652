"""What stored answers have cost, as a catalog entry."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from okapi_kedro.datasets.spending import SpendingDataset
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore, completion_key


def test_what_a_store_holds_is_summed(tmp_path: Path) -> None:
    store = CompletionStore(tmp_path / "completions")
    for sample in (0, 1):
        key = completion_key({"sample": sample})
        store.add(key, "translation", "vi", Completion("Chào", "stop", 5, 2), "gpt-x", 0.25)
    [spending] = SpendingDataset(path=str(tmp_path / "completions")).load()
    assert (spending.stage, spending.language, spending.model) == ("translation", "vi", "gpt-x")
    assert (spending.answers, spending.prompt_tokens, spending.completion_tokens, spending.usd) == (2, 10, 4, 0.5)


def test_where_nothing_was_asked_nothing_was_spent_and_no_folder_is_made(tmp_path: Path) -> None:
    dataset = SpendingDataset(path=str(tmp_path / "completions"))
    assert dataset.load() == []
    assert dataset.exists()
    assert list(tmp_path.iterdir()) == []


def test_it_is_an_input_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is an input"):
        SpendingDataset(path=str(tmp_path)).save([])
