"""Gujarati is added to a copy of the project as docs/adding_a_language.md says, and the whole chain runs there."""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
import yaml

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.phrasebook import FOLDER
from tests.chain.conftest import kedro
from tests.conftest import PROJECT, copy_project

PAGE = PROJECT / "docs" / "adding_a_language.md"
PACKAGE = Path("src", "okapi_kedro")


def on_the_page(pattern: str) -> str:
    """What the page tells its reader to write."""
    [found] = re.findall(pattern, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


def add_row(languages: Path) -> None:
    rows, rest = languages.read_text(encoding="utf-8").split(")\n\nLANGUAGES", maxsplit=1)
    row = on_the_page(r"`_TABLE`:\n\n```\n(.+?)```")
    languages.write_text(f"{rows}{row})\n\nLANGUAGES{rest}", encoding="utf-8")


def add_parameters(file: Path) -> None:
    parameters = yaml.safe_load(file.read_text(encoding="utf-8"))["language_overrides"]
    gujarati = yaml.safe_load(on_the_page(r"```yaml\n(.+?)```"))["language_overrides"]
    together = {"language_overrides": {**parameters, **gujarati}}
    file.write_text(yaml.safe_dump(together, allow_unicode=True), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, its package included, with Gujarati in it."""
    copy = copy_project(tmp_path_factory.mktemp("gujarati"))
    shutil.copytree(PROJECT / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    add_row(copy / PACKAGE / "languages.py")
    add_parameters(copy / "conf" / "base" / "parameters_languages.yml")
    shutil.copy(Path(__file__).with_name("gu.json"), copy / PACKAGE / "teacher" / "offline" / "phrasebooks")
    return copy


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the one run of the chain in the copy printed."""
    result = kedro(folder, "run", "--env", "test", "--params", "lang=gu")
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.fixture
def tables(folder: Path, printed: str) -> Path:
    return folder / "data" / "test" / "02_intermediate" / "gu"


@pytest.fixture
def pages(folder: Path, printed: str) -> Path:
    return folder / "data" / "test" / "08_reporting" / "gu"


def is_gujarati(text: str) -> bool:
    """Whether there are letters outside code, and all of them of the script."""
    letters = list(filter(str.isalpha, re.sub(r"`[^`]+`", "", text)))
    return bool(letters) and all(unicodedata.name(each).startswith("GUJARATI LETTER") for each in letters)


def test_the_project_itself_does_not_know_gujarati_so_only_the_copy_can_have_run():
    assert "gu" not in LANGUAGES
    assert not (FOLDER / "gu.json").exists()


def test_the_phrasebook_passes_the_test_of_those_that_are_shipped(folder):
    test = PROJECT / "tests" / "teacher" / "offline" / "test_phrasebook.py"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(test), "-k", "[gu]"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    # Without the copy's row nothing would be selected, which pytest ends with another code.
    assert result.returncode == 0, result.stdout[-3000:]


def test_the_chain_ends_with_a_report_and_loses_no_row(printed, pages):
    assert "Gujarati (gu)\n" in printed
    summary = json.loads((pages / "summary.json").read_text(encoding="utf-8"))
    assert len(summary["stages"]) == 13
    for row in summary["stages"]:
        assert row["in"] == row["kept"] + row["rejected"], row
        assert row["kept"] > 0, row
    assert "Gujarati" in (pages / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("translated_instructions", ["instruction"]),
        ("arc", ["instruction"]),
        ("hellaswag", ["activity_label", "ctx_a"]),
        ("mmlu", ["instruction"]),
    ],
)
def test_what_was_translated_is_in_gujarati_script(tables, table, columns):
    rows = pd.read_parquet(tables / f"{table}.parquet")
    texts = [text for column in columns for text in rows[column]]
    assert len(texts) >= 30
    assert [text for text in texts if not is_gujarati(text)] == []


def test_what_follows_from_the_translation_is_there(tables):
    for name in ("sft_examples", "responses", "ranked_responses", "preferences", "reward_pairs", "rl_prompts"):
        assert len(pd.read_parquet(tables / f"{name}.parquet")) > 0, name


def test_its_parameters_differ_where_the_page_says(pages):
    shared = yaml.safe_load((PROJECT / "conf" / "test" / "parameters.yml").read_text(encoding="utf-8"))
    assert shared["sft"]["training"]["epochs"] == 2
    assert pd.read_parquet(pages / "sft_log.parquet")["epoch"].max() == 4


def test_an_unknown_language_is_still_one_line_that_now_names_gujarati(folder):
    result = kedro(folder, "run", "--env", "test", "--params", "lang=xx")
    assert result.returncode == 2
    [error] = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert "unknown language 'xx'" in error
    assert " gu, " in error
    assert "Traceback" not in result.stderr
