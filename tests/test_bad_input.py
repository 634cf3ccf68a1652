"""What a user sees whose files or folders are wrong: rows set aside and counted, or one line that says what to mend."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from tests.conftest import PROJECT

GENERATION = ("run", "--env", "test", "--pipeline=generation")
READ_SEEDS = ("run", "--env", "test", "--nodes", "generation.read_seeds")
READ_ALPACA = ("run", "--env", "test", "--nodes", "generation.read_alpaca")
READ_HUMAN = ("run", "--env", "test", "--nodes", "generation.read_human")
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
        "duplicate",
        "column 'input' is missing",
        "empty output",
        "not an object",
    ]
    defects = table(project, "alpaca_defects").set_index("defect")
    assert defects.loc[["duplicate", "empty output", "link"], "rows"].tolist() == [1, 1, 0]


def test_what_becomes_of_a_defect_is_a_parameter(project, kedro):
    rows = [
        {"instruction": "Name a colour.", "input": "No input.", "output": "Red."},
        {"instruction": "Summarise https://x.org", "input": "", "output": ""},
    ]
    (project / "data" / "01_raw" / "alpaca_sample.json").write_text(json.dumps(rows), encoding="utf-8")
    assert kedro(*READ_ALPACA).exit_code == 0
    assert table(project, "alpaca_instructions")["input"].tolist() == [""]
    changed = "alpaca.defects.noinput=keep,alpaca.defects.empty_output=keep"
    assert kedro(*READ_ALPACA, "--params", changed).exit_code == 0
    assert table(project, "alpaca_instructions")["input"].tolist() == ["No input.", ""]
    assert len(table(project, "rejected_alpaca")) == 0
    assert table(project, "alpaca_defects").query("rows > 0").to_numpy().tolist() == [
        ["empty output", 1, "keep"],
        ["noinput", 1, "keep"],
        ["link", 1, "keep"],
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("alpaca.defects.link=erase", "parameter alpaca.defects.link: Input should be 'drop' or 'keep'; it is 'erase'"),
        ("alpaca.defects.links=drop", "unknown parameter alpaca.defects.links; known there: "),
        ("human.defects.duplicate=clear", "parameter human.defects.duplicate: Input should be 'drop' or 'keep'"),
        ("alpaca.rows=0", "parameter alpaca.rows: Input should be greater than 0"),
    ],
)
def test_an_action_that_does_not_exist_is_named_with_those_that_do(kedro, change, words):
    assert words in error_line(kedro(*GENERATION, "--params", change))


class Files(BaseHTTPRequestHandler):
    """Serves one file at one path."""

    def do_GET(self):
        found = self.path == "/data/alpaca_data.json"
        body = json.dumps([{"instruction": "Name a colour.", "input": "", "output": "Röt."}]).encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Writes nothing between the lines of the tests."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def alpaca_at(project, url):
    entry = {"alpaca": {"type": "text.TextDataset", "filepath": url}}
    (project / "conf" / "test" / "catalog.yml").write_text(json.dumps(entry))


def test_alpaca_may_stand_at_a_url(project, kedro, server):
    alpaca_at(project, f"{server}/data/alpaca_data.json")
    assert kedro(*READ_ALPACA).exit_code == 0
    assert table(project, "alpaca_instructions")["output"].tolist() == ["Röt."]


@pytest.mark.parametrize("url", ["{server}/elsewhere.json", "http://127.0.0.1:1/alpaca_data.json"])
def test_a_url_where_nothing_is_is_named(project, kedro, server, url):
    address = url.format(server=server)
    alpaca_at(project, address)
    assert address.removeprefix("http://").split("/")[0] in error_line(kedro(*READ_ALPACA))


def own_file(project, name, content):
    folder = project / "data" / "01_raw" / "human"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)


def test_files_of_ones_own_are_read_and_their_bad_rows_kept_aside(project, kedro):
    own_file(project, "a.csv", "\ufeffid,instruction,output\r\n007,Grüße,Hallo\r\n8,x\r\n".encode())
    own_file(project, "b.jsonl", b'{"instruction": "Say hello.", "input": "Noinput", "output": "Hello."}\n{\n')
    assert kedro(*READ_HUMAN).exit_code == 0
    assert table(project, "human_instructions")["id"].tolist()[0] == "human-a.csv-007"
    assert table(project, "human_instructions")["input"].tolist() == ["", ""]
    assert table(project, "rejected_human")["id"].tolist() == ["a.csv line 3", "b.jsonl line 2"]
    assert table(project, "human_defects").set_index("defect").at["noinput", "rows"] == 1


@pytest.mark.parametrize("absent", [False, True])
def test_without_files_of_ones_own_there_are_no_rows_of_them(project, kedro, absent):
    if absent:
        shutil.rmtree(project / "data" / "01_raw" / "human")
    assert kedro(*READ_HUMAN).exit_code == 0
    assert len(table(project, "human_instructions")) == len(table(project, "rejected_human")) == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.json", b'[{"instruction": "a"', "bad.json is not JSON: Expecting ',' delimiter at line 1, column 21"),
        ("bad.csv", b"instruction,output\n\xe9,b\n", "bad.csv is not UTF-8: byte 0xe9 on line 2; save it as UTF-8"),
        ("bad.parquet", b"PAR1", "bad.parquet is no Parquet file that can be read"),
        ("table.xlsx", b"PK", "table.xlsx is no file of instructions: they end in .csv, .json, .jsonl, .parquet"),
    ],
)
def test_a_file_of_ones_own_that_cannot_be_read_is_named_with_its_folder(project, kedro, name, content, words):
    own_file(project, "good.csv", b"instruction,output\na,b\n")
    own_file(project, name, content)
    line = error_line(kedro(*READ_HUMAN))
    assert words in line
    assert str(project / "data" / "01_raw" / "human") in line


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
