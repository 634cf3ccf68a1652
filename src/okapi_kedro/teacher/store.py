"""Keeps every answer of a teacher on disk before it is used, so that nothing is asked, or paid, twice.

One append-only JSONL file per stage and language. An answer is one line, written at once while the file is locked: a
kill at any moment leaves at most a torn last line, which the next to open the file cuts off. Several processes may
write to the same folder; the first answer to a request stands.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion, Request

_KEY = re.compile(rb'\{"key":"([0-9a-f]{64})"')


def completion_key(model: str, request: Request) -> str:
    """The content address of an answer: the SHA-256 of everything that shapes it, and of nothing else."""
    content = {
        "model": model,
        "messages": request.messages,
        # A configuration may write 1 or 1.0 for the same temperature.
        "temperature": float(request.sampling.temperature),
        "top_p": float(request.sampling.top_p),
        "max_tokens": request.sampling.max_tokens,
        "sample": request.sample,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class CompletionStore:
    """The answers in a folder, found by key whatever stage or language they were asked for.

    Args:
        folder: where the shards `<stage>.<language>.jsonl` are; made with the first answer.

    Raises:
        UserError: when a line of a shard is no answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[bytes, tuple[Path, int]] = {}
        self._ends: dict[Path, int] = {}
        self._lock = Lock()
        self.refresh()

    def __repr__(self) -> str:
        return f"CompletionStore({str(self.folder)!r})"

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._places

    def refresh(self) -> None:
        """Takes in what other processes have written meanwhile."""
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stat().st_size != self._ends.get(path):
                with self._open(path):
                    pass

    def get(self, key: str) -> Completion | None:
        """The stored answer, or None."""
        if key not in self:
            return None
        return self[key]

    def __getitem__(self, key: str) -> Completion:
        path, offset = self._places[bytes.fromhex(key)]
        with path.open("rb") as shard:
            shard.seek(offset)
            line = shard.readline()
        if _key(line, path, offset) != bytes.fromhex(key):
            raise UserError(f"{path}: changed by something else than appending while in use; start again")
        answer = json.loads(line)
        return Completion(answer["text"], answer["finish_reason"], answer["prompt_tokens"], answer["completion_tokens"])

    def add(self, key: str, stage: str, language: str, completion: Completion, model: str) -> None:
        """Writes an answer, unless the key has one already.

        Args:
            key: the request's `completion_key`.
            stage: with the language, names the shard.
            language: code of the language.
            completion: the answer.
            model: who gave it, for whoever reads the file.
        """
        line = json.dumps({"key": key, "model": model, **asdict(completion)}, ensure_ascii=False, separators=(",", ":"))
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{stage}.{language}.jsonl"
        with self._open(path) as shard:
            if key not in self:
                self._places[bytes.fromhex(key)] = (path, self._ends[path])
                self._append(shard, path, line.encode() + b"\n")

    def sync(self) -> None:
        """Waits until the answers are on the disk itself; a kill needs none of this, a power cut does."""
        for path in self._ends:
            with path.open("rb") as shard:
                os.fdatasync(shard.fileno())

    @contextmanager
    def _open(self, path: Path) -> Iterator[BinaryIO]:
        """The shard, locked against other processes and threads, its whole lines taken in and a torn one cut off."""
        with self._lock, path.open("a+b") as shard:
            fcntl.flock(shard.fileno(), fcntl.LOCK_EX)
            self._take_in(shard, path)
            yield shard

    def _take_in(self, shard: BinaryIO, path: Path) -> None:
        end = self._ends.get(path, 0)
        shard.seek(end)
        for line in shard:
            if not line.endswith(b"\n"):
                shard.truncate(end)
                break
            self._places.setdefault(_key(line, path, end), (path, end))
            end += len(line)
        self._ends[path] = end

    def _append(self, shard: BinaryIO, path: Path, line: bytes) -> None:
        end = self._ends[path]
        written = os.write(shard.fileno(), line)
        if written < len(line):
            shard.truncate(end)
            raise OSError(f"{path}: only {written} of {len(line)} bytes could be written; is the disk full?")
        self._ends[path] = end + len(line)


def _key(line: bytes, path: Path, offset: int) -> bytes:
    match = _KEY.match(line)
    if match is None:
        raise UserError(f"{path}: the line at byte {offset} is no stored answer; delete that line")
    return bytes.fromhex(match[1].decode())
