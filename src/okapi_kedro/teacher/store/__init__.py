"""Keeps every answer of a teacher on disk before it is used, so that nothing is asked, or paid, twice.

A folder holds one append-only JSONL file (a shard) per stage and language. An answer is one line, written at once while
the shard is locked: a kill at any moment leaves at most a torn last line, which readers pass over and the next writer
cuts off. Several processes may write to the same folder; the first answer to a request stands.

`python -m okapi_kedro.teacher.store --help` shows what is in a folder, compacts it, or exports it to Parquet.
"""

from okapi_kedro.teacher.store.answer_line import NewAnswer
from okapi_kedro.teacher.store.compaction import compact
from okapi_kedro.teacher.store.completion_key import completion_key
from okapi_kedro.teacher.store.completion_store import CompletionStore
from okapi_kedro.teacher.store.parquet_export import export
from okapi_kedro.teacher.store.spending import Spending

__all__ = ["CompletionStore", "NewAnswer", "Spending", "compact", "completion_key", "export"]
