"""What a user sees whose files or folders are wrong: rows set aside and counted, or one line that says what to mend."""

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import PROJECT

GENERATION = ("run", "--env", "test", "--pipeline=generation")
READ_SEEDS = ("run", "--env", "test", "--nodes", "generation.read_seeds")
READ_ALPACA = ("run", "--env", "test", "--nodes", "generation.read_alpaca")
READ_ARC = ("run", "--env", "test", "--nodes", "translation.read_arc")


def table(project, name):
    return pd.read_parquet(project / "data" / "test" / "02_intermediate" / "en_source" / f"{name}.parquet")


def error_line(result, exit_code=1):
    """The one line that a failed command shows."""
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert result.stderr.rstrip().endswith(lines[0])
    return lines[0]


def seed(id, instruction="Say hello.", output="Hello.", **more):
    return {"id": id, "instruction": instruction, "instances": [{"input": "", "output": output}], **more}


def test_unusable_seed_lines_are_counted_and_none_is_lost(project, kedro):
    path = project / "data" / "01_raw" / "seed_tasks.jsonl"
    good = path.read_text(encoding="utf-8").splitlines()
    without_column = {name: value for name, value in seed("no instruction").items() if name != "instruction"}
    bad = [
        '{"id": "broken", "instruction": ',
        json.dumps(without_column),
        json.dumps(seed(json.loads(good[0])["id"])),
        json.dumps(seed("empty", output="  ")),
        json.dumps(seed("no instance") | {"instances": []}),
        '"only a string"',
    ]
    path.write_text("\n".join([*good, *bad, "", seed_line := json.dumps(seed("last")), ""]), encoding="utf-8")
    assert kedro(*READ_SEEDS).exit_code == 0
    kept, rejected = table(project, "seeds"), table(project, "rejected_seeds")
    assert list(kept["id"]) == [*(json.loads(line)["id"] for line in good), json.loads(seed_line)["id"]]
    assert list(rejected["raw"]) == bad
    assert list(rejected["id"]) == [f"line {len(good) + place}" for place in range(1, 7)]
    expected = ["not JSON", "'instruction' is missing", "stands twice", "empty instruction or output", "no instance"]
    assert all(words in reason for words, reason in zip(expected, rejected["reason"], strict=False))
    assert len(kept) + len(rejected) == len(good) + len(bad) + 1


def test_unusable_alpaca_rows_are_counted_and_none_is_lost(project, kedro):
    rows = [
        {"instruction": "Name a colour.", "input": "", "output": "Red."},
        {"instruction": "Name a colour.", "input": "", "output": "Red."},
        {"instruction": "Name a colour.", "output": "Blue."},
        {"instruction": "Name a colour.", "input": "", "output": ""},
        "not an object",
        {"instruction": "Name a bird.", "input": "", "output": "Crow."},
    ]
    (project / "data" / "01_raw" / "alpaca_sample.json").write_text(json.dumps(rows), encoding="utf-8")
    assert kedro(*READ_ALPACA).exit_code == 0
    assert list(table(project, "alpaca_instructions")["output"]) == ["Red.", "Crow."]
    rejected = table(project, "rejected_alpaca")
    assert list(rejected["id"]) == ["alpaca-000001", "alpaca-000002", "alpaca-000003", "alpaca-000004"]
    assert list(rejected["reason"]) == [
        "an earlier row is equal",
        "column 'input' is missing",
        "empty instruction or output",
        "not an object",
    ]


@pytest.mark.parametrize(
    ("name", "content", "command", "words"),
    [
        ("seed_tasks.jsonl", "no\njson\n", READ_SEEDS, "has no usable row; first problem: line 1: not JSON"),
        ("alpaca_sample.json", "[{", READ_ALPACA, "is not JSON: "),
        ("alpaca_sample.json", '{"instruction": "a"}', READ_ALPACA, "must be a JSON array"),
    ],
)
def test_a_file_without_a_usable_row_is_named_with_its_place(project, kedro, name, content, command, words):
    path = project / "data" / "01_raw" / name
    path.write_text(content, encoding="utf-8")
    line = error_line(kedro(*command))
    assert words in line
    assert str(path) in line


def test_a_missing_seed_file_is_named(project, kedro):
    path = project / "data" / "01_raw" / "seed_tasks.jsonl"
    path.unlink()
    assert error_line(kedro(*GENERATION)) == f"Error: No such file or directory: {path}"


def test_a_file_that_is_no_text_is_named(project, kedro):
    path = project / "data" / "01_raw" / "seed_tasks.jsonl"
    path.write_bytes(b"\xff\xfe\x00broken")
    line = error_line(kedro(*READ_SEEDS))
    assert str(path) in line
    assert "utf-8" in line


def test_a_missing_benchmark_folder_is_named(project, kedro):
    folder = project / "data" / "01_raw" / "benchmarks" / "arc"
    shutil.rmtree(folder)
    assert str(folder) in error_line(kedro(*READ_ARC))


@pytest.mark.parametrize("folder", ["", "02_intermediate/en_source"])
def test_a_folder_that_cannot_be_written_is_named(project, kedro, folder):
    place = project / "data" / "test" / folder
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file where the folder should be")
    line = error_line(kedro(*READ_SEEDS))
    assert str(place) in line
    assert len(line) < 300
    assert place.read_text() == "a file where the folder should be"


def test_a_store_of_answers_that_cannot_be_written_is_named(project, kedro):
    place = project / "data" / "test" / "02_intermediate" / "completions"
    place.parent.mkdir(parents=True)
    place.write_text("")
    assert error_line(kedro(*GENERATION)) == f"Error: {place}: cannot be made: File exists"


@pytest.mark.parametrize("name", ["parameters.yml", "catalog.yml"])
def test_a_broken_configuration_file_is_named(project, kedro, name):
    (project / "conf" / "local" / name).write_text("sft: [")
    assert str(project / "conf" / "local" / name) in error_line(kedro("run", "--nodes", "generation.read_seeds"))


def test_a_run_that_failed_goes_on_when_the_file_is_mended(project, kedro):
    path = project / "data" / "01_raw" / "seed_tasks.jsonl"
    content = path.read_bytes()
    path.unlink()
    error_line(kedro(*READ_SEEDS))
    path.write_bytes(content)
    assert kedro(*READ_SEEDS).exit_code == 0
    assert len(table(project, "seeds")) == len(content.splitlines())


def test_an_unknown_language_ends_the_command_with_code_2(kedro):
    line = error_line(kedro("run", "--env", "test", "--pipeline=translation", "--params", "lang=NE"), exit_code=2)
    assert "unknown language 'NE'; known: ar, bn, " in line


def test_a_terminal_shows_the_line_and_no_traceback(project):
    (project / "data" / "01_raw" / "alpaca_sample.json").write_text("[{")
    result = subprocess.run(
        [sys.executable, "-m", "kedro", *GENERATION],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    shown = result.stdout + result.stderr
    assert "Traceback" not in shown
    assert "Deprecat" not in shown
    assert result.stderr.splitlines()[-1].startswith("Error: alpaca is not JSON: ")
