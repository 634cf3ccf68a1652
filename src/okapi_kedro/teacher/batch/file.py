"""The input file of a batch: one request a line, under the key that its answer will have."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Literal

CHAT: Literal["/v1/chat/completions"] = "/v1/chat/completions"


class BatchFile:
    """A file that grows up to the limits of a batch and is gone with the process, or before.

    Args:
        folder: the disk that it is on.
        most_requests: that it may hold.
        most_bytes: that it may have.

    Attributes:
        keys: of the requests in it.
    """

    def __init__(self, folder: Path, most_requests: int, most_bytes: int) -> None:
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._bytes = 0
        self._file: BinaryIO = TemporaryFile(dir=folder)  # noqa: SIM115  (closed by __exit__)
        self.keys: set[str] = set()

    def __enter__(self) -> "BatchFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def has_room(self, line: bytes) -> bool:
        """Whether a line of `request_line` still fits."""
        return len(self.keys) < self._most_requests and self._bytes + len(line) <= self._most_bytes

    def add(self, key: str, line: bytes) -> None:
        """Writes the line of the request with a key."""
        self._file.write(line)
        self._bytes += len(line)
        self.keys.add(key)

    def content(self) -> BinaryIO:
        """All lines, to be read from the first on."""
        self._file.seek(0)
        return self._file


def request_line(key: str, body: Mapping[str, object]) -> bytes:
    """The line of a request.

    Args:
        key: the request's `completion_key`.
        body: what the chat endpoint would be sent.
    """
    # In ASCII, so that no provider takes a rare line break within a text for the end of a line.
    return json.dumps({"custom_id": key, "method": "POST", "url": CHAT, "body": body}).encode() + b"\n"
