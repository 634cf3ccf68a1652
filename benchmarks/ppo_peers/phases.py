"""What every peer of the PPO benchmark needs: a clock for the phases of an iteration, and its line to the benchmark."""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Phases:
    """CPU seconds by phase; a phase that runs inside another is not counted to that."""

    def __init__(self) -> None:
        self._start("other")

    def _start(self, name: str) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._running, self._since = name, time.process_time()

    def _switch(self, name: str) -> str:
        before, now = self._running, time.process_time()
        self._seconds[before] += now - self._since
        self._running, self._since = name, now
        return before

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before = self._switch(name)
        try:
            yield
        finally:
            self._switch(before)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as a phase."""

        def in_phase(*args: Any, **options: Any) -> Any:
            with self(name):
                return function(*args, **options)

        return in_phase

    def taken(self) -> dict[str, float]:
        """The seconds since the last time, which begin anew."""
        running = self._switch(self._running)
        seconds = dict(self._seconds)
        self._start(running)
        return seconds


class Line:
    """One JSON object out for each line in; what libraries print goes to the standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def say(self, answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=self._out, flush=True)

    def wait(self) -> None:
        """Until the benchmark asks for an iteration; ends the process where it asks no more."""
        if not sys.stdin.readline():
            sys.exit()


def settings() -> dict[str, Any]:
    """Those of the folder that the benchmark names."""
    folder = Path(sys.argv[1])
    return {"folder": folder, **json.loads((folder / "settings.json").read_text(encoding="utf-8"))}


def resident_bytes(modules: Iterable[Any]) -> int:
    """Of all parameters, those that modules share counted once."""
    return sum({p.data_ptr(): p.nbytes for module in modules for p in module.parameters()}.values())
