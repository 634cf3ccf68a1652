"""Runs of ingest and publish as a user starts them: without a teacher, in place of it, and never against it."""

import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
from click.testing import Result
from kedro.io import AbstractDataset

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipeline_registry import register_pipelines
from okapi_kedro.settings import CONFIG_LOADER_ARGS
from tests.conftest import PROJECT

Kedro = Callable[..., Result]
INGEST = ("run", "--env", "test", "--pipeline=ingest", "--params", "lang=vi")
PUBLISH = ("run", "--env", "test", "--pipeline=publish", "--params", "lang=vi")
TABLES = ("translated_instructions", "preferences", "arc", "hellaswag", "mmlu")


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def okapi_folder(folder: Path) -> Path:
    """All files of Vietnamese as the original authors published them, small."""
    asked = [{"instruction": f"Câu hỏi {number}?", "input": "", "output": f"{number}"} for number in range(40)]
    write(folder, "multilingual-alpaca-52k/vi", [*asked, "broken", {**asked[0], "output": ["một", "hai"]}])
    write(
        folder,
        "multilingual-rl-tuning-64k/vi",
        [{**row, "id": number, "output": number} for number, row in enumerate(asked)],
    )
    pairs = [
        {
            "instruction": f"Vì sao {number}?",
            "input": "",
            "prefered_output": f"{pair}",
            "rejected_output": "x",
            "id": f"p{number}",
        }
        for number in range(10)
        for pair in range(3)
    ]
    write(folder, "multilingual-ranking-data-42k/vi", pairs)
    options = {f"option_{letter}": letter for letter in "abcd"}
    for split in ("train", "validation", "test"):
        question = {"instruction": "Vì sao?", **options, "answer": "A"}
        write(folder, f"m_arc/vi_{split}", [{**question, "id": f"{split}-{number}"} for number in range(3)])
        write(
            folder,
            f"m_mmlu/vi_{split}",
            "\n".join(json.dumps({**question, "id": f"law/{split}/{n}"}) for n in range(3)),
        )
        context = dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx", "source_id", "split_type"), "x")
        ending = {**context, "endings": list("wxyz"), "label": "1"}
        write(folder, f"m_hellaswag/vi_{split}", [{**ending, "ind": n, "split": split} for n in range(3)])
    return folder


def table(project: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(project / "data" / "test" / "02_intermediate" / "vi" / f"{name}.parquet")


def all_tables(project: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table, in an order that does not depend on where its splits stand."""
    made = {name: table(project, name) for name in TABLES}
    keys = {name: [key for key in ("id", "ind", "pair", "split") if key in made[name]] for name in made}
    return {name: json.loads(each.sort_values(keys[name]).to_json(orient="records")) for name, each in made.items()}


def error_line(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    return line


def test_published_files_stand_in_for_the_teacher(project: Path, kedro: Kedro) -> None:
    okapi_folder(project / "data" / "01_raw" / "okapi")
    assert kedro(*INGEST).exit_code == 0
    assert table(project, "translated_instructions")["split"].value_counts().to_dict() == {"sft": 41, "rl": 40}
    assert table(project, "rejected_translations")["id"].tolist() == ["multilingual-alpaca-52k/vi.json row 41"]
    assert table(project, "instruction_defects").set_index("defect").at["output is a list", "rows"] == 1
    assert (len(table(project, "preferences")), len(table(project, "mmlu"))) == (30, 9)
    sft = kedro("run", "--env", "test", "--pipeline=sft", "--params", "lang=vi", "--to-outputs=vi.sft_rows")
    assert sft.exit_code == 0, sft.output
    assert len(table(project, "sft_rows")) == 41
    made = {path.name for path in (project / "data" / "test" / "02_intermediate").iterdir()}
    assert made == {"vi"}, "neither English instructions nor answers of a teacher"


def test_ingest_and_the_next_stage_run_in_one_command(project: Path, kedro: Kedro) -> None:
    okapi_folder(project / "data" / "01_raw" / "okapi")
    outputs = "--to-outputs=vi.sft_rows"
    result = kedro("run", "--env", "test", "--pipelines=ingest,sft", "--params", "lang=vi", outputs)
    assert result.exit_code == 0, result.output
    assert len(table(project, "sft_rows")) == 41


def test_what_was_published_is_read_again_as_it_was(project: Path, kedro: Kedro) -> None:
    folder = okapi_folder(project / "data" / "01_raw" / "okapi")
    assert kedro(*INGEST).exit_code == 0
    before = all_tables(project)
    assert kedro(*PUBLISH).exit_code == 0
    published = project / "data" / "test" / "08_reporting" / "vi" / "publish"
    folder.rename(project / "originals")
    (published / "okapi").rename(folder)
    assert kedro(*INGEST).exit_code == 0
    assert all_tables(project) == before
    assert len(table(project, "rejected_translations")) == 0
    assert (published / "dataset" / "README.md").read_text(encoding="utf-8").startswith("---\nlicense: cc-by-nc-4.0\n")


def test_publishing_again_leaves_nothing_of_before(project: Path, kedro: Kedro) -> None:
    published = project / "data" / "test" / "08_reporting" / "vi" / "publish"
    write(published / "okapi", "m_arc/vi_test", [])
    (published / "dataset" / "data" / "arc").mkdir(parents=True)
    (published / "dataset" / "data" / "arc" / "test.parquet").write_bytes(b"")
    tables = project / "data" / "test" / "02_intermediate" / "vi"
    tables.mkdir(parents=True)
    row = {
        "id": "a",
        "split": "sft",
        "held_out": False,
        "instruction": "Vì sao?",
        "input": "",
        "output": "x",
        "attempts": 1,
    }
    pd.DataFrame([row]).to_parquet(tables / "translated_instructions.parquet")
    assert kedro(*PUBLISH).exit_code == 0
    files = {path.relative_to(published).as_posix() for path in published.rglob("*") if path.is_file()}
    assert files == {
        "dataset/README.md",
        "dataset/data/instructions/sft.parquet",
        "okapi/multilingual-alpaca-52k/vi.json",
    }


def test_publishing_makes_nothing_first_and_needs_no_key(project: Path, kedro: Kedro) -> None:
    line = error_line(kedro("run", "--env", "paper", "--pipeline=publish", "--params", "lang=vi"))
    assert "OPENAI_API_KEY" not in line
    assert str(project / "data" / "paper" / "02_intermediate" / "vi") in line
    assert not (project / "data" / "paper" / "02_intermediate").exists()


def test_a_table_whose_file_is_missing_can_be_left_out(project: Path, kedro: Kedro) -> None:
    folder = project / "data" / "01_raw" / "okapi"
    write(folder, "multilingual-alpaca-52k/vi", [{"instruction": "Vì sao?", "input": "", "output": "Vâng."}])
    line = error_line(kedro(*INGEST))
    option = next(word for word in line.split() if word.startswith("--to-outputs="))
    assert kedro(*INGEST, option).exit_code == 0
    assert table(project, "translated_instructions")["id"].tolist() == ["alpaca-000000"]


def test_a_broken_file_is_one_line(project: Path, kedro: Kedro) -> None:
    write(project / "data" / "01_raw" / "okapi", "multilingual-alpaca-52k/vi", '[{"instruction": "a"')
    line = error_line(kedro(*INGEST, "--to-outputs=vi.translated_instructions"))
    assert "multilingual-alpaca-52k/vi.json is not JSON: Expecting ',' delimiter at line 1, column 21" in line


def test_a_file_that_is_no_utf8_is_named(project: Path, kedro: Kedro) -> None:
    path = project / "data" / "01_raw" / "okapi" / "multilingual-alpaca-52k" / "vi.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'[{"instruction": "\xe9"}]')
    line = error_line(kedro(*INGEST, "--to-outputs=vi.translated_instructions"))
    assert str(path) in line
    assert "utf-8" in line


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing between the lines of the tests."""


def test_the_files_may_stand_at_a_url(tmp_path: Path) -> None:
    entry = LanguageConfigLoader(str(PROJECT / "conf"), env="base", **CONFIG_LOADER_ARGS)["catalog"]["okapi_files"]
    handler = partial(Quiet, directory=str(okapi_folder(tmp_path)))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        files = AbstractDataset.from_config("okapi_files", {**entry, "path": address}).load()
        texts = {name: load() for name, load in files.items()}
        server.shutdown()
        thread.join()
    assert len(texts) == 12
    assert texts == {name: (tmp_path / f"{name}.json").read_text(encoding="utf-8") for name in texts}


def test_tables_are_not_made_twice_in_one_run(project: Path, kedro: Kedro) -> None:
    line = error_line(kedro("run", "--env", "test", "--pipelines=ingest,translation", "--params", "lang=vi"))
    assert line == "Error: not in one run, tables would be made twice: ingest, translation"


def test_a_missing_table_is_made_by_the_chain_and_not_by_ingest(project: Path, kedro: Kedro) -> None:
    line = error_line(kedro("run", "--env", "test", "--pipeline=sft", "--params", "lang=vi,upstream=error"))
    assert line.endswith("kedro run --env test --pipeline=translation --params lang=vi")


def test_neither_ingest_nor_publish_is_part_of_the_chain() -> None:
    registered = register_pipelines()
    chain = {node.name for node in registered["__default__"].nodes}
    for name in ("ingest", "publish"):
        assert not chain & {node.name for node in registered[name].nodes}
    assert registered["ingest"].all_outputs() & registered["translation"].all_outputs()
    assert "teacher" not in registered["ingest"].inputs() | registered["publish"].inputs()
    assert {name.split(".")[0] for name in registered["ingest"].all_outputs()} == set(LANGUAGES)
