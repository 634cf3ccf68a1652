"""What the stored answers of a teacher have cost, as a catalog entry; it needs neither the teacher nor a key."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from okapi_kedro.teacher.store import CompletionStore, Spending


class SpendingDataset(AbstractDataset[None, list[Spending]]):
    """Loads what was asked and spent by stage, language and model; nothing where there are no answers.

    Args:
        path: folder in which the teacher keeps its answers.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> list[Spending]:
        return CompletionStore(self._path).spending()

    def save(self, data: None) -> None:
        raise DatasetError("spending is an input; a node cannot save it")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}
