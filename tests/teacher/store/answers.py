"""Answers to store, and processes that store them."""

import hashlib
import subprocess
import sys
from pathlib import Path

from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore

from ..endpoint import environment


def key_for(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def completion(text: str) -> Completion:
    return Completion(text, "stop", prompt_tokens=5, completion_tokens=2)


def add(
    store: CompletionStore,
    number: int,
    text: str,
    stage: str = "translation",
    language: str = "ne",
    usd: float | None = 0.25,
) -> None:
    store.add(key_for(number), stage, language, completion(text), "m", usd)


_BEGINNING = """
import hashlib, sys
from pathlib import Path
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore
store = CompletionStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
"""

WRITER = """
first, last, size, name = sys.argv[2:]
for number in range(int(first), int(last)):
    key = hashlib.sha256(str(number).encode()).hexdigest()
    completion = Completion(f"{number} {name} " + "x" * int(size), "stop", 5, 2)
    store.add(key, "translation", "ne", completion, "m", 0.25)
    print(number, flush=True)
"""

ASKER = """
with store.asking("translation", "ne"):
    print("asking", flush=True)
    sys.stdin.readline()
"""


def start(program: str, folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """A process that has opened the store and waits for `go`."""
    command = [sys.executable, "-c", _BEGINNING + program, str(folder), *map(str, arguments)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), bufsize=1
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
