"""Kills a job at a moment that its store tells."""

import time
from multiprocessing.process import BaseProcess
from pathlib import Path


def kill_at(process: BaseProcess, shard: Path, size: int) -> None:
    """Kills a job as soon as a shard of its store holds so many bytes."""
    while process.is_alive() and (not shard.exists() or shard.stat().st_size < size):
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -9, "the job was to be killed before its end"
