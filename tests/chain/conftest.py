"""A copy of the project in which the whole chain is run in its short form, once for each language and seed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import copy_project


def kedro(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a copy of the project, without a key and without the network's model hub."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"} | {
        "HF_HUB_OFFLINE": "1"
    }
    command = [sys.executable, "-m", "kedro", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def run_chain(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Runs the chain for a language and seed in a folder of its own; the folder, with what the run left in it."""
    finished: dict[tuple[str, int, int], Path] = {}

    def run(language: str, seed: int = 1, repetition: int = 0) -> Path:
        key = (language, seed, repetition)
        if key not in finished:
            folder = copy_project(tmp_path_factory.mktemp(f"chain_{language}_{seed}"))
            result = kedro(folder, "run", "--env", "test", "--params", f"lang={language},seed={seed}")
            assert result.returncode == 0, result.stderr[-3000:]
            (folder / "stdout.txt").write_text(result.stdout, encoding="utf-8")
            finished[key] = folder / "data" / "test"
        return finished[key]

    return run
