"""A copy of the project in a folder of its own, and Kedro's command line in this process."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.startup import bootstrap_project

PROJECT = Path(__file__).parents[1]


def copy_project(folder: Path) -> Path:
    """What a run needs: configuration, raw data and the project files; the package itself is installed."""
    shutil.copytree(PROJECT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(PROJECT / "data" / "01_raw", folder / "data" / "01_raw")
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT / name, folder)
    for empty in ("src", "conf/local"):
        (folder / empty).mkdir()
    return folder


@contextmanager
def project_in(folder: Path) -> Iterator[Path]:
    """A bootstrapped copy with configuration and raw data, without a key and without anything that a run has made."""
    copy_project(folder)
    path, environment = list(sys.path), dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPENAI_API_KEY", raising=False)
        patch.delenv("KEDRO_ENV", raising=False)
        patch.setenv("DO_NOT_TRACK", "1")
        # Kedro tries this import once for each of 4,000 parameters, which takes most of the time of a small run.
        patch.setitem(sys.modules, "ibis", None)
        patch.chdir(folder)
        bootstrap_project(folder)
        yield folder
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy for one test."""
    with project_in(tmp_path / "project") as folder:
        yield folder


@pytest.fixture(scope="module")
def untouched_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy for all tests of a file that change nothing in it."""
    with project_in(tmp_path_factory.mktemp("untouched") / "project") as folder:
        yield folder


@pytest.fixture
def kedro(project: Path) -> Callable[..., Result]:
    """Runs a command of Kedro's in the copy of the project."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(KedroCLI(project), list(arguments), prog_name="kedro")

    return run
