"""Model directories as catalog entries: a node gets a reference and loads the weights itself."""

import json
import shutil
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from okapi_kedro.training.models import ModelReference

_NAMED = "model_reference.json"


class ModelDirectoryDataset(AbstractDataset[ModelReference, ModelReference]):
    """Keeps a model that a node has written, or the name of one that it has chosen.

    A directory is moved to its place; the old one is removed only when the new one stands there. A hub id or a
    directory of the user's is not copied: only its name is kept.

    Args:
        filepath: the model's directory in the catalog.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> ModelReference:
        named = self._path / _NAMED
        if named.exists():
            return ModelReference(json.loads(named.read_text(encoding="utf-8"))["name"])
        if not (self._path / "config.json").exists():
            raise DatasetError(f"no model in {self._path}")
        return ModelReference(str(self._path))

    def save(self, data: ModelReference) -> None:
        new, old = self._path.with_name(f".{self._path.name}.new"), self._path.with_name(f".{self._path.name}.old")
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if data.temporary:
            shutil.move(data.name, new)
        else:
            new.mkdir()
            (new / _NAMED).write_text(json.dumps({"name": data.name}), encoding="utf-8")
        if self._path.exists():
            self._path.rename(old)
        new.rename(self._path)
        shutil.rmtree(old, ignore_errors=True)

    def _exists(self) -> bool:
        return (self._path / "config.json").exists() or (self._path / _NAMED).exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
