"""A folder of files as a catalog entry, for what users drop into it."""

from pathlib import PurePosixPath
from typing import Any

import fsspec
from kedro.io import AbstractDataset, DatasetError


class FolderDataset(AbstractDataset[None, dict[str, bytes]]):
    """Loads the contents of all files in a folder and below it, by their names in it.

    A folder that is not there has no files. Hidden files and folders, whose names begin with a dot, are left alone.

    Args:
        filepath: the folder, at any place that fsspec reaches.
        credentials: arguments of that place's file system.
    """

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = filepath
        self._file_system, self._folder = fsspec.core.url_to_fs(filepath, **(credentials or {}))
        self.metadata = metadata

    def load(self) -> dict[str, bytes]:
        if not self._file_system.exists(self._folder):
            return {}
        if self._file_system.isfile(self._folder):
            raise DatasetError(f"{self._filepath} is a file; it has to be the folder that holds such files")
        paths = {self._name(path): path for path in self._file_system.find(self._folder, on_error="raise")}
        return {
            name: self._file_system.cat_file(path)
            for name, path in sorted(paths.items())
            if not any(part.startswith(".") for part in PurePosixPath(name).parts)
        }

    def save(self, data: None) -> None:
        raise DatasetError("the folder is an input; a node cannot save it")

    def _name(self, path: str) -> str:
        return PurePosixPath(path).relative_to(self._folder).as_posix()

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
