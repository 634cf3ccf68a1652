"""A folder as a catalog entry, for what a node keeps while it works and needs again when it was killed."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError


class WorkFolderDataset(AbstractDataset[None, Path]):
    """Loads the path of a folder that belongs to one node; whether it exists, and what is in it, is the node's affair.

    Args:
        filepath: the folder.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        return self._path

    def save(self, data: None) -> None:
        raise DatasetError("the folder is an input; a node writes into it while it works")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
