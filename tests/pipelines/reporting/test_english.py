"""The nodes of the page on the English instructions, run from tables to files."""

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import ParquetDataset
from kedro_datasets.plotly import JSONDataset
from kedro_datasets.text import TextDataset
from pydantic import ValidationError

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.reporting.english import VerbParameters, create_pipeline, read_verbs

PARAMETERS = VerbParameters(parser="rules", spacy_model="en_core_web_sm", verbs=10, objects=4)
TEXTS = ["Write a poem.", "Explain why it rains.", "What is rain?", "List <b>lakes</b>"]


def instructions():
    table = pd.DataFrame({"id": [f"i{place}" for place in range(len(TEXTS))], "instruction": TEXTS})
    return table.assign(source="generated", input="", output="o", max_rouge_l=0.5, nearest_id="i0")


def test_every_instruction_has_a_row_whatever_was_found_in_it():
    verbs = read_verbs(instructions(), PARAMETERS)
    assert verbs.to_dict("split")["data"] == [
        ["i0", "write", "poem"],
        ["i1", "explain", ""],
        ["i2", "", ""],
        ["i3", "list", ""],
    ]
    schemas.InstructionVerbs.validate(verbs)
    schemas.InstructionVerbs.validate(read_verbs(instructions()[:0], PARAMETERS))


def test_spacy_is_asked_for_only_when_the_parameters_say_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    assert len(read_verbs(instructions(), PARAMETERS)) == len(TEXTS)
    with pytest.raises(UserError, match="okapi-kedro\\[spacy\\]"):
        read_verbs(instructions(), PARAMETERS.model_copy(update={"parser": "spacy"}))


@pytest.mark.parametrize("wrong", [{"parser": "stanza"}, {"verbs": 0}, {"objects": -1}, {"colours": 3}])
def test_parameters_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        VerbParameters(**{**PARAMETERS.model_dump(), **wrong})


def test_the_nodes_make_a_table_a_figure_and_a_page(tmp_path):
    defects = pd.DataFrame({"defect": ["link"], "rows": [3], "action": ["keep"]})
    dropped = pd.DataFrame(
        {"id": ["c"], "reason": ["too short"], "nearest_id": [""], "rouge_l": [None], "raw": ["Go."]}
    )
    catalog = DataCatalog(
        {
            "instructions": MemoryDataset(instructions()),
            "instruction_splits": MemoryDataset(
                instructions()[["id"]].assign(split="rl", held_out=[True, False, False, False])
            ),
            "alpaca_defects": MemoryDataset(defects),
            "human_defects": MemoryDataset(defects[:0]),
            "generation_requests": MemoryDataset(pd.DataFrame({"request": [0], "candidates": [5]})),
            "rejected_instructions": MemoryDataset(dropped.astype({"rouge_l": "float64"})),
            "params:instruction_verbs": MemoryDataset(PARAMETERS),
            "instruction_verbs": ParquetDataset(filepath=str(tmp_path / "verbs.parquet")),
            "instruction_verbs_figure": JSONDataset(filepath=str(tmp_path / "verbs.json")),
            "instructions_page": TextDataset(filepath=str(tmp_path / "instructions.html")),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    figure = JSONDataset(filepath=str(tmp_path / "verbs.json")).load()
    assert list(figure.data[0].labels) == ["write", "poem"]
    assert "1 of 4 instructions (25.0 %)" in figure.layout.annotations[0].text.replace("<br>", " ")
    page = (tmp_path / "instructions.html").read_text(encoding="utf-8")
    assert "1 of 4 instructions (25.0 %)" in page
    assert "word lists and word order" in page
