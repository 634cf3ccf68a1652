"""Published files as our tables: ids, splits and held-out rows as the chain would have them."""

import json
import logging
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.generation.nodes import SplitParameters, split_instructions
from okapi_kedro.pipelines.ingest.nodes import (
    IngestParameters,
    ingest_benchmark,
    ingest_instructions,
    ingest_preferences,
)
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.text.instruction_defects import DefectActions
from okapi_kedro.training.prompt import ENGLISH

DEFECTS = DefectActions(**{**dict.fromkeys(DefectActions.model_fields, "keep"), "empty_output": "drop"})
PARAMETERS = IngestParameters(defects=DEFECTS)
SPLIT = SplitParameters(sft_share={"seed": 1.0, "alpaca": 0.5, "human": 1.0}, ranking_share=0.6, held_out=0.3)
ARC = {"instruction": "Vì sao?", **{f"option_{letter}": letter for letter in "abcd"}, "answer": "B"}
HELLASWAG = {
    "activity_label": "Nấu",
    "ctx_a": "A.",
    "ctx_b": "b",
    "ctx": "A. b",
    "endings": list("wxyz"),
    "source_id": "s",
    "split": "val",
    "split_type": "indomain",
    "label": "2",
}


def files(**contents: Any) -> dict[str, Any]:
    """Loaders by name, of texts or of what becomes a JSON array."""
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in contents.items()}
    return {name: (lambda text=text: text) for name, text in texts.items()}


def unread() -> str:
    raise AssertionError("a file of another language or table was read")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"instruction": f"Câu {number}?", "input": "", "output": "Vâng."} for number in range(count)]


def ingested(**contents: Any) -> pd.DataFrame:
    table, rejected, defects = ingest_instructions(files(**contents), PARAMETERS, SPLIT, "vi")
    for schema, made in (
        (schemas.TranslatedInstructions, table),
        (schemas.Rejected, rejected),
        (schemas.Defects, defects),
    ):
        schema.validate(made)
    return table


def test_alpacas_rows_join_and_are_held_out_like_the_english_ones() -> None:
    table = ingested(**{"multilingual-alpaca-52k/vi": rows(50), "multilingual-rl-tuning-64k/vi": rows(20)})
    english = pd.DataFrame({"id": [f"alpaca-{number:06d}" for number in range(50)], "source": "alpaca"})
    joined = table.merge(split_instructions(english, SPLIT), on="id", suffixes=("", "_english"))
    assert len(joined) == 50
    assert joined["held_out"].tolist() == joined["held_out_english"].tolist()
    assert 0 < joined["held_out"].sum() < 50
    assert table["split"].value_counts().to_dict() == {"sft": 50, "rl": 20}


def test_what_a_file_says_of_held_out_stands() -> None:
    told = [{**row, "held_out": number % 2 == 0} for number, row in enumerate(rows(10))]
    table = ingested(**{"multilingual-alpaca-52k/vi": told + rows(1)})
    assert table["held_out"].tolist()[:10] == [True, False] * 5


def test_one_file_is_enough_and_those_of_other_languages_are_not_read() -> None:
    given = {
        **files(**{"multilingual-rl-tuning-64k/vi": rows(2)}),
        "multilingual-alpaca-52k/ne": unread,
        "m_arc/vi_test": unread,
    }
    table, _, _ = ingest_instructions(given, PARAMETERS, SPLIT, "vi")
    assert table["split"].tolist() == ["rl", "rl"]


def test_pairs_are_held_out_by_prompt() -> None:
    pairs = [
        {"instruction": "Vì sao?", "input": "", "prefered_output": f"{pair}", "rejected_output": "x", "id": str(prompt)}
        for prompt in range(40)
        for pair in range(3)
    ]
    table, rejected, defects = ingest_preferences(
        files(**{"multilingual-ranking-data-42k/vi": pairs}), ENGLISH, SPLIT, "vi"
    )
    schemas.Preferences.validate(table)
    schemas.Rejected.validate(rejected)
    schemas.Defects.validate(defects)
    assert table["pair"].tolist() == [0, 1, 2] * 40
    assert set(table.groupby("id")["held_out"].nunique()) == {1}
    assert 0 < table["held_out"].sum() < 120


@pytest.mark.parametrize("as_lines", [False, True])
def test_a_benchmark_is_read_from_arrays_and_from_lines(as_lines: bool) -> None:
    def content(split: str) -> Any:
        arc = [{**ARC, "id": f"{split}{number}"} for number in range(3)]
        return "\n".join(map(json.dumps, arc)) if as_lines else json.dumps(arc, indent=4)

    given = files(**{f"m_arc/vi_{split}": content(split) for split in ("train", "validation", "test")})
    table, rejected = ingest_benchmark(given, BenchmarkParameters(name="arc", most_rows=None, shots=0), "vi", 1)
    schemas.Arc.validate(table)
    assert table["split"].value_counts().to_dict() == {"train": 3, "validation": 3, "test": 3}
    assert table["option_e"].tolist() == [""] * 9
    assert rejected.empty


def test_hellaswags_own_word_for_a_split_and_written_numbers_are_understood() -> None:
    array = json.dumps([{**HELLASWAG, "ind": 3}, {**HELLASWAG, "ind": "4"}, {**HELLASWAG, "ind": None}, "x"])
    given = files(**{"m_hellaswag/vi_validation": array})
    table, rejected = ingest_benchmark(given, BenchmarkParameters(name="hellaswag", most_rows=None, shots=0), "vi", 1)
    schemas.HellaSwag.validate(table)
    assert table[["ind", "split", "label"]].to_numpy().tolist() == [[3, "validation", 2], [4, "validation", 2]]
    assert rejected["id"].tolist() == ["m_hellaswag/vi_validation.json:3", "m_hellaswag/vi_validation.json:4"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"id": 1}, ', r"m_arc/vi_test\.json is not JSON: "),
        ("[]", "arc: no usable row in 1 files"),
        ('[{"id": 1}]', r"first problem: m_arc/vi_test\.json:1: column 'instruction' is missing"),
        ("PK", r"first problem: m_arc/vi_test\.json:1: not JSON"),
    ],
)
def test_a_broken_benchmark_is_one_line(content: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parameters = BenchmarkParameters(name="arc", most_rows=None, shots=0)
        ingest_benchmark(files(**{"m_arc/vi_test": content}), parameters, "vi", 1)


def test_only_so_many_rows_of_a_benchmark_are_taken() -> None:
    given = files(**{"m_mmlu/vi_test": [{**ARC, "id": f"anatomy/test/{number}"} for number in range(30)]})
    table, _ = ingest_benchmark(given, BenchmarkParameters(name="mmlu", most_rows=7, shots=0), "vi", 1)
    assert len(table) == 7


def test_a_table_without_files_names_them_and_how_to_read_the_others() -> None:
    given = files(**{"m_arc/vi_test": "", "multilingual-rl-tuning-64k/vi": "", "m_mmlu/ne_test": ""})
    with pytest.raises(UserError) as error:
        ingest_preferences(given, ENGLISH, SPLIT, "vi")
    assert str(error.value) == (
        "vi: okapi_files has no multilingual-ranking-data-42k/vi.json; "
        "read what is there with --to-outputs=vi.translated_instructions,vi.arc"
    )
    with pytest.raises(UserError, match=r"has no m_mmlu/ta_train\.json or m_mmlu/ta_validation\.json or [^;]*$"):
        ingest_benchmark(given, BenchmarkParameters(name="mmlu", most_rows=None, shots=0), "ta", 1)


def test_what_was_read_and_set_aside_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ingested(**{"multilingual-alpaca-52k/vi": [*rows(2), "x", "y"]})
    assert (
        "vi: instructions: sft 2; set aside: 2 (first: multilingual-alpaca-52k/vi.json row 3: not an object)"
        in caplog.text
    )
