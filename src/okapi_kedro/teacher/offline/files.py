"""The files of the offline teacher's Files API."""

import time
import uuid
from pathlib import Path

FileObject = dict[str, object]


class FileStore:
    """Files under names of its own; what a client calls a file is never a path.

    Args:
        folder: where the contents lie, for as long as the server runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, FileObject] = {}

    def add(self, content: bytes, filename: str, purpose: str) -> FileObject:
        """Keeps a file and returns its `file` object."""
        file_id = f"file-{uuid.uuid4().hex}"
        self.path(file_id).write_bytes(content)
        self._files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
        }
        return self._files[file_id]

    def __contains__(self, file_id: object) -> bool:
        return file_id in self._files

    def __getitem__(self, file_id: str) -> FileObject:
        return self._files[file_id]

    def path(self, file_id: str) -> Path:
        """Where the content of a file lies, given an id that `add` has made."""
        return self._folder / file_id

    def delete(self, file_id: str) -> None:
        """Removes a file that is there."""
        del self._files[file_id]
        self.path(file_id).unlink()

    def newest_first(self) -> list[FileObject]:
        return list(reversed(self._files.values()))
