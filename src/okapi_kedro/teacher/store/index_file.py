"""The index of a folder on disk, which spares the next to open it reading every line.

It is only ever a copy of what the shards say: it holds, for each shard, how many bytes it covers and a checksum of the
last of them, and is passed over when a shard is not the one it was made from.
"""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from okapi_kedro.teacher.store.shard import Shard, shard_paths
from okapi_kedro.teacher.store.sorted_index import SortedIndex
from okapi_kedro.teacher.store.spending import Ledger

INDEX = "answers.index"
_FORMAT = 1
_TAIL = 4096

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredIndex:
    """What an index file holds.

    Args:
        shards: each read up to the byte that the index covers.
        index: the places of their answers.
        ledger: what these have cost.
    """

    shards: list[Shard]
    index: SortedIndex
    ledger: Ledger


def write_index(folder: Path, shards: Sequence[Shard], index: SortedIndex, ledger: Ledger) -> None:
    """Puts the index into the folder, whole or not at all; a folder that takes no files goes without."""
    head = {
        "format": _FORMAT,
        "answers": len(index),
        "shards": [[shard.path.name, shard.end, _tail_checksum(shard)] for shard in shards],
        "spending": ledger.answer_rows(),
    }
    parts = (json.dumps(head).encode() + b"\n", *_arrays(index))
    new = folder / f"{INDEX}.{os.getpid()}.new"
    try:
        with new.open("wb") as file:
            file.write(b"%d\n" % _checksum(*parts))
            for part in parts:
                file.write(part)
        new.replace(folder / INDEX)
    except OSError as error:
        logger.info("%s: left without an index, the next run reads all answers again: %s", folder, error.strerror)
        new.unlink(missing_ok=True)


def read_index(folder: Path) -> StoredIndex | None:
    """The folder's index; None when there is none, or none of these shards."""
    path = folder / INDEX
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError) as error:
        logger.info("%s: passed over, all answers are read again: %s", path, error)
        return None


def _read(path: Path) -> StoredIndex:
    with path.open("rb") as file:
        checksum = int(file.readline())
        line = file.readline()
        head = json.loads(line)
        if head["format"] != _FORMAT:
            raise ValueError(f"written in format {head['format']}")
        if path.stat().st_size != file.tell() + 16 * head["answers"]:
            raise ValueError("it is cut short")
        index = SortedIndex(*(np.fromfile(file, "<u8", head["answers"]) for _ in range(2)))
    if _checksum(line, *_arrays(index)) != checksum:
        raise ValueError("it is damaged")
    paths = {shard_path.name: shard_path for shard_path in shard_paths(path.parent)}
    shards = [Shard(paths[name], end) for name, end, _ in head["shards"]]
    for shard, (_, _, tail) in zip(shards, head["shards"], strict=True):
        if _tail_checksum(shard) != tail:
            raise ValueError(f"{shard.path.name} has changed")
    return StoredIndex(shards, index, Ledger.of_answer_rows(head["spending"]))


def _arrays(index: SortedIndex) -> tuple[memoryview, memoryview]:
    """As they stand in the file: little-endian."""
    return index.prefixes.astype("<u8", copy=False).data, index.places.astype("<u8", copy=False).data


def _checksum(*parts: bytes | memoryview) -> int:
    checksum = 0
    for part in parts:
        checksum = crc32(part, checksum)
    return checksum


def _tail_checksum(shard: Shard) -> int:
    """Of the end of the last answer: keys are random, so that no other shard has this one at this byte."""
    if not shard.end:
        return 0  # a shard may have been named for an answer that could not be written
    size = min(_TAIL, shard.end)
    return crc32(shard.bytes_at(shard.end - size, size))
