"""All answers of a folder as one Parquet file."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store.shard import Shard, shard_paths

SCHEMA = pa.schema(
    {
        "stage": pa.string(),
        "language": pa.string(),
        "key": pa.string(),
        "model": pa.string(),
        "prompt_tokens": pa.int64(),
        "completion_tokens": pa.int64(),
        "usd": pa.float64(),
        "finish_reason": pa.string(),
        "text": pa.string(),
    }
)
_ROW_GROUP = 1 << 26
"""Bytes of answers that are in memory at once."""


def export(folder: Path, path: Path) -> int:
    """Writes every line of every shard to a Parquet file, a part at a time; the number of answers.

    Raises:
        UserError: when there is no such folder, or a line is no answer.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    new = path.with_name(f"{path.name}.new")
    answers = 0
    with pq.ParquetWriter(new, SCHEMA, compression="zstd") as writer:
        for table in _row_groups(folder):
            writer.write_table(table)
            answers += table.num_rows
    new.replace(path)
    return answers


def _row_groups(folder: Path) -> Iterator[pa.Table]:
    batches: list[pa.RecordBatch] = []
    for batch in _batches(folder):
        batches.append(batch)
        if sum(kept.nbytes for kept in batches) >= _ROW_GROUP:
            yield pa.Table.from_batches(batches)
            batches = []
    yield pa.Table.from_batches(batches, SCHEMA)


def _batches(folder: Path) -> Iterator[pa.RecordBatch]:
    for path in shard_paths(folder):
        shard = Shard(path)
        while answers := _next_answers(shard):
            of_shard = {"stage": shard.stage, "language": shard.language}
            yield pa.RecordBatch.from_pylist([of_shard | answer for answer in answers], SCHEMA)


def _next_answers(shard: Shard) -> list[dict[str, object]]:
    with shard.reading():
        return shard.read_answers()
