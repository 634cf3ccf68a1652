"""A file that several processes append whole lines to."""

import fcntl
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

from okapi_kedro.errors import UserError

Line = TypeVar("Line")

_BATCH = 1 << 18
"""Bytes read at once."""


class LineFile:
    """Reads the lines of a file as they come, and appends to it so that a kill leaves at most a torn last line.

    Args:
        path: the file; made with the first line.
        end: bytes whose lines are known already.
    """

    def __init__(self, path: Path, end: int = 0) -> None:
        self.path = path
        self.end = end
        self._writers: dict[int, int] = {}
        self._is_synced = True

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keeps writers out, so that no line is read while it is being written."""
        fcntl.flock(self._reader, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._reader, fcntl.LOCK_UN)

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Keeps everybody else out; what they have written before is still to be read."""
        writer = self._writer()
        fcntl.flock(writer, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(writer, fcntl.LOCK_UN)

    def has_grown(self) -> bool:
        """Whether there is more than what has been read.

        Raises:
            UserError: when the file is not the one that was read.
        """
        status = os.fstat(self._reader)
        if status.st_nlink == 0 or status.st_size < self.end:
            raise self.changed()
        return status.st_size > self.end

    def read(self, parse: Callable[[int, bytes], Line]) -> list[Line]:
        """The next whole lines, none at the end of the file; one that cannot be parsed is met again by the next read.

        Args:
            parse: makes something of the byte that a line begins at and the line without its line break.
        """
        if not self.has_grown():
            return []
        size = _BATCH
        while True:
            batch = os.pread(self._reader, size, self.end)
            whole = batch.rfind(b"\n") + 1
            if whole or len(batch) < size:
                break
            size *= 2
        lines = batch[:whole].split(b"\n")[:-1]
        starts = accumulate((len(line) + 1 for line in lines), initial=self.end)
        parsed = list(map(parse, starts, lines))
        self.end += whole
        return parsed

    def append(self, lines: Sequence[bytes]) -> list[int]:
        """Writes lines at once, to be called while `appending` and when all lines are read.

        Args:
            lines: each with its line break.

        Returns:
            The byte that each begins at.

        Raises:
            UserError: when they could not all be written; what was is read again, a torn line as of a killed writer.
        """
        *starts, end = accumulate(map(len, lines), initial=self.end)
        writer = self._writer()
        if self.has_grown():
            os.ftruncate(writer, self.end)  # the torn line of a killed writer
        try:
            written = os.write(writer, b"".join(lines))
        except OSError as error:
            raise UserError(f"{self.path}: could not write: {error.strerror}; make room and run again") from error
        if written < end - self.end:
            raise UserError(f"{self.path}: only {written} of {end - self.end} bytes fitted; make room and run again")
        self._is_synced = False
        self.end = end
        return starts

    def sync(self) -> None:
        """Waits until what was appended here is on the disk itself."""
        if not self._is_synced:
            self._is_synced = True
            os.fdatasync(self._writer())

    def bytes_at(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` on."""
        return os.pread(self._reader, size, start)

    def line_at(self, start: int) -> bytes:
        """The line that begins at a byte, without its line break."""
        size = 4096
        while True:
            piece = self.bytes_at(start, size)
            length = piece.find(b"\n")
            if length >= 0 or len(piece) < size:
                return piece[:length]
            size *= 4

    def line_number(self, start: int) -> int:
        """The number, from 1, of the line that begins at a byte."""
        return 1 + sum(self.bytes_at(at, min(_BATCH, start - at)).count(b"\n") for at in range(0, start, _BATCH))

    def changed(self) -> UserError:
        """The error of a file that somebody has edited, cut or replaced."""
        return UserError(f"{self.path}: changed by something else than appending while in use; start again")

    @cached_property
    def _reader(self) -> int:
        return self._open(os.O_RDONLY)

    def _writer(self) -> int:
        # A fork shares the locks of its parent's descriptors, so it needs one of its own.
        process = os.getpid()
        if process not in self._writers:
            self._writers[process] = self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT)
        return self._writers[process]

    def _open(self, flags: int) -> int:
        try:
            descriptor = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be opened: {error.strerror}") from error
        weakref.finalize(self, os.close, descriptor)
        return descriptor
