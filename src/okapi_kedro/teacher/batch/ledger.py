"""Remembers which batches are done with, so that no later run collects them again."""

import json
from pathlib import Path

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store.line_file import LineFile


class CollectedBatches:
    """The file `batches.jsonl` in a store's folder: a line for each batch whose answers are all in the store.

    Args:
        folder: the store's; it has to be there.
    """

    def __init__(self, folder: Path) -> None:
        self._file = LineFile(folder / "batches.jsonl")
        self._ids: set[str] = set()

    def __contains__(self, batch_id: str) -> bool:
        return batch_id in self._ids

    def refresh(self) -> None:
        """Takes in what this and other processes have written.

        Raises:
            UserError: when a line names no batch.
        """
        if self._file.path.exists():
            with self._file.reading():
                self._take_in()

    def add(self, batch_id: str, status: str) -> None:
        """Writes a batch down, to be called when its answers are safe on the disk.

        Args:
            batch_id: the provider's name of it.
            status: how it ended, for whoever reads the file.
        """
        line = json.dumps({"id": batch_id, "status": status}).encode() + b"\n"
        with self._file.appending():
            self._take_in()
            self._file.append([line])
        self._ids.add(batch_id)
        self._file.sync()

    def _take_in(self) -> None:
        while ids := self._file.read(self._parse):
            self._ids.update(ids)

    def _parse(self, start: int, line: bytes) -> str:
        try:
            return str(json.loads(line)["id"])
        except (ValueError, KeyError, TypeError):
            number = self._file.line_number(start)
            raise UserError(f"{self._file.path}: line {number} names no batch; delete that line") from None
