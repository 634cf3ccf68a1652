"""The offline teacher's HTTP server in a process of its own, and what it has counted."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import okapi_kedro
from okapi_kedro.teacher.offline.fault_plan import FaultPlan


@contextmanager
def running_server(
    plan: FaultPlan | None = None, latency: float = 0.0, batch_seconds: float = 0.0, port: int = 0
) -> Iterator[str]:
    """Serves the offline teacher while the context lasts, and gives its base_url.

    Args:
        plan: what goes wrong; None for nothing.
        latency: seconds that every answer takes.
        batch_seconds: seconds that every batch takes.
        port: port on 127.0.0.1; 0 takes a free one.

    Raises:
        RuntimeError: when it does not start; why is on stderr.
    """
    with TemporaryDirectory() as folder:
        faults = Path(folder) / "faults.json"
        faults.write_text((plan or FaultPlan()).model_dump_json(), encoding="utf-8")
        options = {"--port": port, "--faults": faults, "--latency": latency, "--batch-seconds": batch_seconds}
        command = [
            sys.executable,
            "-m",
            "okapi_kedro.teacher.offline",
            *(str(part) for pair in options.items() for part in pair),
        ]
        # The same code as in this process, wherever it is installed from.
        environment = {**os.environ, "PYTHONPATH": str(Path(okapi_kedro.__file__).parents[1])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
            try:
                yield _base_url(server)
            finally:
                server.terminate()
                server.wait(10)


def _base_url(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("base_url: "):
            return line.split()[-1]
    raise RuntimeError(f"the offline teacher did not start; it ended with {server.wait()}")


def counts(base_url: str) -> dict[str, Any]:
    """What the server has received, answered and generated so far."""
    return fetch(f"{base_url.removesuffix('/v1')}/counts")


def received(base_url: str) -> list[dict[str, Any]]:
    """Every request so far, in order of arrival."""
    return fetch(f"{base_url.removesuffix('/v1')}/received")


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url) as response:
        return json.load(response)
