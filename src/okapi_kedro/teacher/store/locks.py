"""Locks between processes, which the kernel releases when their holder ends, however it ends."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from okapi_kedro.errors import UserError

logger = logging.getLogger(__name__)


def wait_for_lock(descriptor: int, operation: int, waiting_for: str) -> None:
    """Takes a lock; says what it waits for when it has to."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.info("waiting for %s", waiting_for)
        fcntl.flock(descriptor, operation)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Lets one thread of one process at a time go on.

    Args:
        path: the lock file; says which process has or had the last turn.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be opened: {error.strerror}; nothing is asked for what cannot be kept"
        ) from error
    try:
        holder = os.pread(descriptor, 1000, 0).decode(errors="replace") or "another process"
        wait_for_lock(descriptor, fcntl.LOCK_EX, f"{holder}, which holds {path}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
        yield
    finally:
        # A forked child may still have the descriptor, and with it the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
