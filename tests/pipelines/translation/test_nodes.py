"""Translation on toy rows: what passes keeps its id, what does not is kept aside, and a gold answer never moves."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.evaluation.benchmark_files import options_and_gold
from okapi_kedro.pipelines.translation.nodes import (
    BenchmarkParameters,
    keep_english_benchmark,
    keep_english_instructions,
    read_benchmark_files,
    translate_benchmark,
    translate_instructions,
)
from okapi_kedro.teacher.messages import Request
from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.teacher.offline.phrasebook import translate

from ..teachers import TRANSLATION, ScriptedTeacher, offline_teacher, prompt

SAMPLES = Path(__file__).parents[3] / "data" / "01_raw" / "benchmarks"
SCHEMAS = {"arc": schemas.Arc, "hellaswag": schemas.HellaSwag, "mmlu": schemas.Mmlu}
TASKS = {f"row-{n}": draw_task(random.Random(n)) for n in range(80)}
Fields = dict[str, str]


def instructions(rows: dict[str, Fields]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows, and their splits in another order."""
    table = pd.DataFrame([{"id": id, "source": "seed", **fields} for id, fields in rows.items()], dtype="str")
    splits = pd.DataFrame(
        [
            {"id": id, "split": ("sft", "ranking", "rl")[place % 3], "held_out": place % 4 == 0}
            for place, id in enumerate(rows)
        ]
    )
    return table, splits[::-1].reset_index(drop=True)


def run(rows: dict[str, Fields], teacher: Any, language: str = "ne") -> tuple[pd.DataFrame, pd.DataFrame]:
    table, splits = instructions(rows)
    kept, rejected = translate_instructions(table, splits, prompt("translation"), teacher, TRANSLATION, language)
    schemas.TranslatedInstructions.validate(kept)
    schemas.Rejected.validate(rejected)
    assert sorted([*kept["id"], *rejected["id"]]) == sorted(rows)
    return kept, rejected


@pytest.mark.parametrize("language", ["ne", "de", "zh", "ar"])
def test_every_row_is_kept_as_its_own_translation_or_rejected(language: str, tmp_path: Path) -> None:
    kept, rejected = run({id: task.text("en") for id, task in TASKS.items()}, offline_teacher(tmp_path), language)
    assert len(rejected) < 8
    for row in kept.to_dict("records"):
        assert {name: row[name] for name in ("instruction", "input", "output")} == TASKS[row["id"]].text(language)
    assert set(kept["attempts"]) == {1, 2}


def test_a_kept_row_has_its_own_split_whatever_the_order_of_the_splits(tmp_path: Path) -> None:
    rows = {id: task.text("en") for id, task in TASKS.items()}
    kept, _ = run(rows, offline_teacher(tmp_path))
    splits = instructions(rows)[1].set_index("id")
    for row in kept.itertuples():
        assert (row.split, row.held_out) == (splits.at[row.id, "split"], splits.at[row.id, "held_out"])
    assert kept["id"].tolist() == [id for id in rows if id in set(kept["id"])]


def test_a_row_outside_the_phrasebook_is_rejected_with_what_the_teacher_said(tmp_path: Path) -> None:
    rows = {"good": TASKS["row-0"].text("en"), "bad": {"instruction": "Write a sonnet.", "input": "", "output": "Ode"}}
    kept, rejected = run(rows, offline_teacher(tmp_path))
    assert kept["id"].tolist() == ["good"]
    assert rejected["reason"].tolist() == ["no JSON object"]
    assert "phrasebook" in rejected["raw"][0]


SOURCE = {"instruction": "Run `print(2)` and add 3.", "input": "", "output": "The sum is 5."}


def test_for_english_translation_is_the_identity() -> None:
    rows = {id: task.text("en") for id, task in TASKS.items()}
    kept, rejected = keep_english_instructions(*instructions(rows))
    schemas.TranslatedInstructions.validate(kept)
    schemas.Rejected.validate(rejected)
    assert len(rejected) == 0
    assert kept.set_index("id")[["instruction", "input", "output"]].to_dict("index") == rows
    assert set(kept["attempts"]) == {0}
    assert kept["held_out"].tolist() == [place % 4 == 0 for place in range(80)]


def test_a_row_without_a_split_is_an_error_not_a_lost_row() -> None:
    table, splits = instructions({"a": SOURCE, "b": SOURCE})
    kept, rejected = keep_english_instructions(table, splits)
    assert len(kept) + len(rejected) == 2
    with pytest.raises(pd.errors.MergeError):
        keep_english_instructions(table, pd.concat([splits, splits]))


def english(name: Any, most_rows: int | None = 12) -> pd.DataFrame:
    text = (SAMPLES / name / "sample.jsonl").read_text(encoding="utf-8")
    benchmark = BenchmarkParameters(name=name, most_rows=most_rows, shots=0)
    table, rejected = read_benchmark_files({"sample.jsonl": lambda: text}, benchmark, seed=1)
    assert len(rejected) == 0
    return table


def run_benchmark(name: Any, table: pd.DataFrame, teacher: Any, language: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    benchmark = BenchmarkParameters(name=name, most_rows=None, shots=0)
    kept, rejected = translate_benchmark(table, benchmark, prompt("translation"), teacher, TRANSLATION, language)
    SCHEMAS[name].validate(kept)
    schemas.Rejected.validate(rejected)
    key = table.columns[0]
    assert sorted([*kept[key].astype("str"), *rejected["id"]]) == sorted(table[key].astype("str"))
    return kept, rejected


@pytest.mark.parametrize("language", ["ne", "zh"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_the_gold_answer_and_the_number_and_order_of_the_options_stay(name: Any, language: str, tmp_path: Path) -> None:
    table = english(name)
    kept, rejected = run_benchmark(name, table, offline_teacher(tmp_path), language)
    assert len(kept) > 3 * len(rejected)
    key = table.columns[0]
    originals = {str(row[key]): row for row in table.to_dict("records")}
    for row in kept.to_dict("records"):
        original = originals[str(row[key])]
        (options, gold), (before, gold_before) = options_and_gold(name, row), options_and_gold(name, original)
        assert gold == gold_before
        assert options == {place: translate(text, "en", language) for place, text in before.items()}
        same = ("id", "ind", "split", "answer", "label", "option_e", "source_id", "split_type")
        assert all(row[column] == original[column] for column in same if column in row)


def test_a_translated_context_is_its_two_parts(tmp_path: Path) -> None:
    kept, _ = run_benchmark("hellaswag", english("hellaswag"), offline_teacher(tmp_path), "de")
    for row in kept.itertuples():
        assert row.ctx == f"{row.ctx_a} {row.ctx_b}".strip()


def test_a_table_that_was_stored_as_parquet_translates_alike(tmp_path: Path) -> None:
    table = english("hellaswag")
    table.to_parquet(tmp_path / "table.parquet", index=False)
    stored = pd.read_parquet(tmp_path / "table.parquet")
    fresh = run_benchmark("hellaswag", table, offline_teacher(tmp_path), "ne")[0]
    again = run_benchmark("hellaswag", stored, offline_teacher(tmp_path), "ne")[0]
    assert fresh.to_dict("records") == again.to_dict("records")


def swapping(change: Callable[[Fields], Fields]) -> ScriptedTeacher:
    """Translates question and options into Nepali, then does something wrong."""
    words = {"instruction": "यो कुन हो", **{f"option_{x}": f"शब्द {y}" for x, y in zip("abcd", "कखगघ", strict=True)}}

    def answer(request: Request) -> str:
        source = json.loads(request.messages[-1]["content"])
        return json.dumps(change({name: words[name] for name in source}))

    return ScriptedTeacher(answer)


ARC = pd.DataFrame(
    [
        {
            "id": "q1",
            "instruction": "Which one is it",
            **{f"option_{letter}": f"word {letter}" for letter in "abcd"},
            "option_e": "",
            "answer": "C",
            "split": "test",
        }
    ]
)


def test_a_right_translation_of_options_is_kept_and_an_empty_option_stays_empty() -> None:
    kept, _ = run_benchmark("arc", ARC, swapping(lambda fields: fields), "ne")
    assert kept["option_e"].tolist() == [""]
    assert kept["option_c"].tolist() != kept["option_d"].tolist()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda fields: {**fields, "option_a": fields["option_b"]}, "two options became equal"),
        (lambda fields: {**fields, "option_a": f" {fields['option_b']} "}, "two options became equal"),
        (lambda fields: {**fields, "option_e": "थप"}, "other keys than the row's"),
        (lambda fields: {**fields, "option_d": ""}, "option_d: empty"),
        (lambda fields: {k: v for k, v in fields.items() if k != "option_d"}, "other keys than the row's"),
        (lambda fields: {**fields, "option_b": "शब्द 7"}, "option_b: numbers changed"),
    ],
)
def test_options_that_are_equal_missing_or_surplus_reject_the_row(change: Any, reason: str) -> None:
    kept, rejected = run_benchmark("arc", ARC, swapping(change), "ne")
    assert len(kept) == 0
    assert rejected[["id", "reason"]].to_numpy().tolist() == [["q1", reason]]
    assert rejected["raw"][0].startswith("{")


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_english_benchmark_stays_as_it_is(name: Any) -> None:
    table = english(name, None)
    kept, rejected = keep_english_benchmark(table)
    pd.testing.assert_frame_equal(kept, table)
    schemas.Rejected.validate(rejected)
    assert len(rejected) == 0
