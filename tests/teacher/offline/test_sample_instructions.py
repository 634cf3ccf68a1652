"""The sample in Alpaca's schema is what its script writes."""

import json
import subprocess
import sys
from pathlib import Path

from okapi_kedro.teacher.offline.grammar import solve
from okapi_kedro.teacher.offline.phrasebook import phrasebook, translate
from okapi_kedro.teacher.offline.sample_instructions import ROWS, sample_instructions, write_sample

SHIPPED = Path(__file__).parents[3] / "data" / "01_raw" / "alpaca_sample.json"


def test_the_file_in_the_repository_is_what_the_script_writes(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.json")
    assert (tmp_path / "sample.json").read_bytes() == SHIPPED.read_bytes()


def test_the_script_writes_where_it_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "okapi_kedro.teacher.offline.sample_instructions", str(tmp_path / "sample.json")]
    subprocess.run(command, check=True)
    assert json.loads((tmp_path / "sample.json").read_text(encoding="utf-8")) == sample_instructions()


def test_the_rows_are_as_many_as_said_in_alpacas_schema_and_all_different() -> None:
    rows = sample_instructions()
    assert len(rows) == ROWS
    assert {tuple(row) for row in rows} == {("instruction", "input", "output")}
    assert len({(row["instruction"], row["input"]) for row in rows}) == ROWS


def test_every_output_is_the_right_answer_and_every_row_can_be_translated() -> None:
    book = phrasebook("en")
    for row in sample_instructions()[:300]:
        asked, given = book.find_sentence(row["instruction"]), book.find_terms(row["input"]) if row["input"] else ()
        assert asked is not None
        assert book.words(solve(asked, given or ()) or ()) == row["output"]
        assert all(translate(text, "en", "ne") is not None for text in row.values())
