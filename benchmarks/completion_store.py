"""The completion store against SQLite, at the size of the paper's run: 26 languages with 158 thousand answers each.

    python benchmarks/completion_store.py                    4.1 million answers: half an hour or more, 25 GB of disk
    python benchmarks/completion_store.py --answers 20000    some seconds

Prints one JSON object. Rates are per second of CPU time, the best of some rounds in which all stores take turns; SQLite
is in WAL mode with one transaction per answer, which like ours survives a kill. `index_mb` is what opening adds to the
memory of a fresh process, `open_seconds_first` the opening of a folder without its index file.
"""

import argparse
import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore
from okapi_kedro.teacher.store.index_file import INDEX

ROUNDS = 5
LOOKUPS = 4_000
ADDS = 2_000
BLOCK = 10_000
CODES = sorted(LANGUAGES)[:26]

_WORDS = [
    "the",
    "answer",
    "of",
    "a",
    "teacher",
    "उत्तर",
    "शिक्षकको",
    "câu",
    "trả",
    "lời",
    "của",
    "giáo",
    "viên",
    "ответ",
    "учителя",
    "教师的回答",
    "إجابة",
    "المعلم",
]
_POOL = " ".join(random.Random(0).choices(_WORDS, k=200_000))

OPEN = """
import json, sys, time
from pathlib import Path
from okapi_kedro.teacher.store import CompletionStore

def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmRSS")) / 1000

before, start = resident(), time.perf_counter()
store = CompletionStore(Path(sys.argv[1]))
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "mb": resident() - before, "answers": len(store)}))
"""


class SqliteStore:
    """What one would use instead.

    Args:
        path: the database.
        options: of the table.
    """

    def __init__(self, path: Path, options: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(
            f"""CREATE TABLE answers (
                key BLOB PRIMARY KEY, stage, language, model, usd, text, finish_reason, prompt_tokens, completion_tokens
            ) {options}"""
        )

    def add(self, key: str, stage: str, language: str, completion: Completion, model: str, usd: float) -> None:
        row = (bytes.fromhex(key), stage, language, model, usd, *astuple(completion))
        self.connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, key: str) -> Completion | None:
        columns = "text, finish_reason, prompt_tokens, completion_tokens"
        found = self.connection.execute(f"SELECT {columns} FROM answers WHERE key = ?", (bytes.fromhex(key),))
        row = found.fetchone()
        return Completion(*row) if row else None


Store = CompletionStore | SqliteStore


def key_for(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def completion_for(number: int) -> Completion:
    start = number * 7919 % (len(_POOL) - 1000)
    return Completion(_POOL[start : start + 400 + number % 300], "stop", 120, 180)


def add(store: Store, number: int, answers: int) -> None:
    language = CODES[number * len(CODES) // answers % len(CODES)]
    store.add(key_for(number), "translation", language, completion_for(number), "gpt-3.5-turbo", 0.00042)


def fill(stores: Iterable[Store], answers: int) -> None:
    """The same answers for all; SQLite gets many in a transaction here."""
    for store in stores:
        for first in range(0, answers, BLOCK):
            if isinstance(store, SqliteStore):
                store.connection.execute("BEGIN")
            for number in range(first, min(first + BLOCK, answers)):
                add(store, number, answers)
            if isinstance(store, SqliteStore):
                store.connection.execute("COMMIT")


def rates(stores: dict[str, Store], calls: Iterator[Callable[[Store], object]], count: int) -> dict[str, int]:
    """The best rate of each store over rounds in which they take turns with the same calls."""
    best = dict.fromkeys(stores, 0.0)
    for _ in range(ROUNDS):
        batch = [next(calls) for _ in range(count)]
        for name, store in stores.items():
            start = time.process_time()
            for call in batch:
                call(store)
            best[name] = max(best[name], count / (time.process_time() - start))
    return {name: round(rate) for name, rate in best.items()}


def look_ups(keys: Iterable[str]) -> Iterator[Callable[[Store], object]]:
    for key in keys:
        yield lambda store, key=key: store.get(key)  # type: ignore[misc]


def additions(answers: int) -> Iterator[Callable[[Store], object]]:
    for number in range(answers, answers + ROUNDS * ADDS):
        arguments = (key_for(number), "translation", "ne", completion_for(number), "gpt-3.5-turbo", 0.00042)
        yield lambda store, arguments=arguments: store.add(*arguments)  # type: ignore[misc]


def opened(folder: Path) -> dict[str, float]:
    """How a fresh process opens the store."""
    process = subprocess.run([sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(process.stdout)
    return answer


def measure(folder: Path, answers: int) -> dict[str, object]:
    sqlite = {
        "rowid": SqliteStore(folder / "rowid.sqlite", ""),
        "without_rowid": SqliteStore(folder / "without_rowid.sqlite", "WITHOUT ROWID"),
    }
    shards = folder / "store"
    fill([CompletionStore(shards), *sqlite.values()], answers)
    stored_bytes = sum(path.stat().st_size for path in shards.glob("*.jsonl"))
    sqlite_bytes = {name: (folder / f"{name}.sqlite").stat().st_size for name in sqlite}

    (shards / INDEX).unlink(missing_ok=True)
    first = opened(shards)
    again = min((opened(shards) for _ in range(ROUNDS)), key=lambda each: each["seconds"])

    stores: dict[str, Store] = {"ours": CompletionStore(shards), **sqlite}
    rng = random.Random(1)
    numbers = [rng.randrange(answers) for _ in range(ROUNDS * LOOKUPS)]
    equal = first["answers"] == answers and all(
        store.get(key_for(number)) == completion_for(number) for store in stores.values() for number in numbers
    )
    hits = rates(stores, look_ups(map(key_for, numbers)), LOOKUPS)
    misses = rates(stores, look_ups(key_for(-1 - number) for number in numbers), LOOKUPS)
    adds = rates(stores, additions(answers), ADDS)
    return {
        "answers": answers,
        "bytes": stored_bytes,
        "open_seconds": round(again["seconds"], 3),
        "open_seconds_first": round(first["seconds"], 3),
        "index_mb": round(again["mb"], 1),
        "lookups_per_second": hits["ours"],
        "misses_per_second": misses["ours"],
        "adds_per_second": adds["ours"],
        "sqlite": {
            name: {
                "bytes": sqlite_bytes[name],
                "lookups_per_second": hits[name],
                "misses_per_second": misses[name],
                "adds_per_second": adds[name],
            }
            for name in sqlite
        },
        "equal": equal,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=4_100_000)
    with tempfile.TemporaryDirectory(prefix="completion-store-") as folder:
        print(json.dumps(measure(Path(folder), parser.parse_args().answers)))


if __name__ == "__main__":
    main()
