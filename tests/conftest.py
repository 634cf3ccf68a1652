"""A copy of the project in a folder of its own, and Kedro's command line in this process."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.startup import bootstrap_project

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bootstrapped copy with configuration and raw data, without a key and without anything that a run has made."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(PROJECT / "data" / "01_raw", folder / "data" / "01_raw")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for empty in ("src", "conf/local"):
        (folder / empty).mkdir()
    path, environment = list(sys.path), dict(os.environ)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("KEDRO_ENV", raising=False)
    monkeypatch.chdir(folder)
    bootstrap_project(folder)
    yield folder
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def kedro(project: Path) -> Callable[..., Result]:
    """Runs a command of Kedro's in the copy of the project."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(KedroCLI(project), list(arguments), prog_name="kedro")

    return run
