"""Kedro's other commands work with our session and configuration loader."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

from okapi_kedro.languages import LANGUAGES
from tests.conftest import PROJECT


def succeeded(result):
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_registry_can_be_listed_and_a_pipeline_described(kedro):
    listed = yaml.safe_load(succeeded(kedro("registry", "list")))
    assert {"generation", "translation", "sft", "ranking", "reward", "rl", "evaluation", "__default__"} <= set(listed)
    described = yaml.safe_load(succeeded(kedro("registry", "describe", "translation")))
    assert "ne.translation.translate_instructions (translate_instructions)" in described["Nodes"]
    assert "translation.read_arc (read_benchmark_files)" in described["Nodes"]


def test_the_catalog_can_be_described(kedro):
    described = yaml.safe_load(succeeded(kedro("catalog", "describe-datasets", "--pipeline", "sft")))["sft"]
    assert described["defaults"] == {}, "a dataset without an entry stays in memory"
    models = described["factories"]["okapi_kedro.datasets.model_directory.ModelDirectoryDataset"]
    assert {f"{code}.sft_model" for code in LANGUAGES} <= set(models)
    patterns = yaml.safe_load(succeeded(kedro("catalog", "list-patterns")))
    assert "{lang}.translated_instructions" in patterns


def test_the_catalog_of_the_paper_can_be_shown_without_its_key(kedro, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-key-1234")
    shown = succeeded(kedro("catalog", "resolve-patterns", "--env", "paper", "--pipeline", "generation"))
    assert yaml.safe_load(shown)["teacher"]["base_url"] == "https://api.openai.com/v1"
    assert "planted" not in shown


@pytest.fixture
def shell(project) -> Iterator[InteractiveShell]:
    # The extension drops the package's modules and imports them again; other tests hold on to the first ones.
    first = {name: module for name, module in sys.modules.items() if name.startswith("okapi_kedro")}
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
    for name in [name for name in sys.modules if name.startswith("okapi_kedro")]:
        del sys.modules[name]
    sys.modules.update(first)


def test_the_ipython_extension_gives_catalog_session_and_pipelines(shell, project):
    shell.run_line_magic("load_ext", "kedro.ipython")
    shell.run_line_magic("reload_kedro", "--env test")
    names = shell.user_ns
    assert names["catalog"].load("params:ne.sft").checked_rows == 20
    assert "translation" in names["pipelines"]
    assert type(names["session"]).__name__ == "LanguageSession"
    names["session"].run(pipeline_names=["generation"], node_names=["generation.read_seeds"])
    assert len(names["catalog"].load("seeds")) == 205


def test_the_answers_are_kept_in_the_project_wherever_a_notebook_stands(shell, project, monkeypatch):
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    shell.run_line_magic("load_ext", "kedro.ipython")
    shell.run_line_magic("reload_kedro", f"{project} --env test")
    place = shell.user_ns["catalog"].get("teacher")._describe()["path"]
    assert place == str(project / "data" / "test" / "02_intermediate" / "completions")


def test_the_wheel_holds_phrasebooks_and_page_templates(tmp_path):
    source, out = tmp_path / "source", tmp_path / "dist"
    shutil.copytree(PROJECT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    command = [sys.executable, "-c", f"from setuptools.build_meta import build_wheel; build_wheel({str(out)!r})"]
    out.mkdir()
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    packed = set(zipfile.ZipFile(next(out.glob("*.whl"))).namelist())
    data = [path for path in (PROJECT / "src" / "okapi_kedro").rglob("*") if path.suffix in (".json", ".jinja", ".py")]
    assert len(data) > 80
    assert {str(path.relative_to(PROJECT / "src")) for path in data} <= packed
