"""Rewrites a folder's shards without what no reader needs."""

import os
from dataclasses import dataclass
from pathlib import Path

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store.answer_line import PICODOLLARS
from okapi_kedro.teacher.store.completion_store import CompletionStore, place_of
from okapi_kedro.teacher.store.index_file import INDEX
from okapi_kedro.teacher.store.shard import Shard, shard_paths


@dataclass(frozen=True)
class Compacted:
    """What a compaction took away.

    Args:
        duplicates: second answers to a request; what they cost is kept in `lost.jsonl`.
        bytes: from all shards, torn lines included.
    """

    duplicates: int
    bytes: int


def compact(folder: Path) -> Compacted:
    """Takes torn lines and second answers to a request out of the shards, each replaced at once, and indexes them anew.

    Killed midway, every answer is still there; the cost of the second answers of one shard may be counted twice.

    Raises:
        UserError: when there is no such folder, another process has it open, or a line is no answer.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    before = _shard_bytes(folder)
    duplicates = _rewrite_shards(folder)
    CompletionStore(folder)  # writes the index
    return Compacted(duplicates, before - _shard_bytes(folder))


def _shard_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in shard_paths(folder))


def _rewrite_shards(folder: Path) -> int:
    store = CompletionStore(folder)
    store.close_to_others()
    for leftover in [*folder.glob("*.jsonl.new"), *folder.glob(f"{INDEX}*")]:
        leftover.unlink()
    return sum(_rewrite(store, number, shard.path) for number, shard in enumerate(store.shards))


def _rewrite(store: CompletionStore, number: int, path: Path) -> int:
    """Replaces a shard by the answers that stand for their keys; the number of the others."""
    new = path.with_name(f"{path.name}.new")
    shard = Shard(path)
    duplicates = 0
    with new.open("wb") as kept:
        while answers := shard.read_heads():
            for start, head in answers:
                if store.place(head.key) == place_of(number, start):
                    kept.write(shard.line_at(start) + b"\n")
                else:
                    duplicates += 1
                    usd = None if head.picodollars is None else head.picodollars / PICODOLLARS
                    store.add_lost(shard.stage, shard.language, head.model, usd, "second answer to the same request")
        kept.flush()
        os.fsync(kept.fileno())
    store.sync()
    new.replace(path)
    return duplicates
