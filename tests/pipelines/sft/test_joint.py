"""One model for several languages learns the rows of all of them and is measured in each."""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.sft import joint
from okapi_kedro.pipelines.sft.joint import JointParameters, join_sft_examples, prepare_joint_base_model
from okapi_kedro.pipelines.sft.nodes import BaseModelParameters
from okapi_kedro.teacher.offline.statements import write_statements
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import ENGLISH

from .test_english_mix import parameters, rows

TWO = JointParameters.model_validate({"languages": "ne+vi"})


def tables(**translated: pd.DataFrame) -> Any:
    return {f"{code}/translated_instructions": partial(lambda table: table, rows) for code, rows in translated.items()}


def test_the_rows_of_all_languages_stand_together_and_a_row_is_held_out_in_each() -> None:
    given = tables(vi=rows("câu"), ne=rows("वाक्य", 100), ar=rows("جملة"))
    table = schemas.SftExamples.validate(join_sft_examples(given, ENGLISH, TWO, parameters(0)))
    assert table["language"].value_counts().to_dict() == {"vi": 100, "ne": 50}
    held_out = table.groupby("id")["held_out"].nunique()
    assert held_out.max() == 1
    assert "वाक्य" in table.loc[table["language"] == "ne", "prompt"].iloc[0]
    assert set(table["id"]) <= {f"row-{n}" for n in range(1, 200, 2)}


def test_a_language_that_is_not_translated_is_named_with_the_command_for_it() -> None:
    with pytest.raises(UserError, match=r"ne\.translated_instructions .*--pipeline=translation --params lang=ne$"):
        join_sft_examples(tables(vi=rows("câu")), ENGLISH, TWO, parameters(0))


@pytest.mark.parametrize("named", ["ne+multi", "multi", "xx", ""])
def test_a_joint_model_learns_languages_and_nothing_else(named: str) -> None:
    with pytest.raises(ValidationError, match=r"unknown language"):
        JointParameters.model_validate({"languages": named})


def test_an_embedded_base_model_reads_as_much_of_each_language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read: dict[str, list[str]] = {}

    def pretrain(statements: list[str], seen: list[str], *_: Any) -> ModelReference:
        read.update(statements=statements, seen=seen)
        return ModelReference("pretrained")

    monkeypatch.setattr("okapi_kedro.pipelines.sft.nodes.pretrain", pretrain)
    training = {"training": parameters(0).training.model_dump()}
    shape = {"architecture": "bloom", "vocabulary": 300, "hidden_size": 32, "layers": 1, "heads": 1, "texts": 60}
    base = BaseModelParameters.model_validate({"name": "embedded", "embedded": {**shape, **training}})
    examples = join_sft_examples(tables(vi=rows("câu"), ne=rows("वाक्य")), ENGLISH, TWO, parameters(0))
    assert prepare_joint_base_model(base, examples, tmp_path, TWO, 3) == ModelReference("pretrained")
    of_both = [*write_statements("ne", 30, 3), *write_statements("vi", 30, 3)]
    assert sorted(read["statements"]) == sorted(of_both)
    assert read["statements"] != of_both
    assert len(read["seen"]) == int((~examples["held_out"]).sum())


def test_exact_match_is_measured_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[set[str]] = []

    def measure(base: Any, tuned: Any, examples: pd.DataFrame, *_: Any) -> pd.DataFrame:
        measured.append(set(examples["language"]))
        return pd.DataFrame({"model": ["base", "sft"], "exact_match": [0.0, 0.5], "stderr": [0.1, 0.1], "n": [4, 4]})

    monkeypatch.setattr(joint, "measure_exact_match", measure)
    examples = join_sft_examples(tables(vi=rows("câu"), ne=rows("वाक्य")), ENGLISH, TWO, parameters(0))
    model = ModelReference("never loaded")
    table = joint.measure_joint_exact_match(model, model, examples, parameters(0), 1)
    assert measured == [{"ne"}, {"vi"}]
    assert table["language"].tolist() == ["ne", "ne", "vi", "vi"]
