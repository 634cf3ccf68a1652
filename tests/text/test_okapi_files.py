"""Rows of Okapi's published files: what is no text is read as text and counted, or refused."""

import json
from typing import Any

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.text.instruction_files import Entry, read_json_array
from okapi_kedro.text.okapi_files import as_json_lines, files_by_table, read_columns


def entry(value: Any) -> Entry:
    [read] = read_json_array("f.json", json.dumps([value], ensure_ascii=False))
    return read


@pytest.mark.parametrize(
    ("value", "text", "conversions"),
    [
        ("  नेपाल \n", "  नेपाल \n", ()),
        ("", "", ()),
        (7, "7", ()),
        (0.10, "0.1", ()),
        (None, "", ("output is null",)),
        (float("nan"), "", ("output is null",)),
        (True, "true", ("output is true or false",)),
        (["một", "hai"], "một\nhai", ("output is a list",)),
        ([1, "hai"], "1\nhai", ("output is a list",)),
        ([], "", ("output is a list",)),
        ("\ud800x", "?x", ()),
    ],
)
def test_a_value_is_read_as_text_and_what_it_was_is_told(value: Any, text: str, conversions: tuple[str, ...]) -> None:
    read = read_columns(entry({"output": value}), ["output"])
    assert (read.texts, read.conversions, read.problem) == ({"output": text}, conversions, "")


def test_a_number_is_the_text_that_it_is_written_as() -> None:
    [number, huge] = read_json_array("f.json", '[{"output": 1.50}, {"output": 12345678901234567890123}]')
    assert read_columns(number, ["output"]).texts["output"] == "1.50"
    assert read_columns(huge, ["output"]).texts["output"] == "12345678901234567890123"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("text", "not an object"),
        (["a"], "not an object"),
        ({}, "column 'output' is missing"),
        ({"output": {"a": 1}}, "column 'output' is an object"),
        ({"output": ["a", ["b"]]}, "column 'output' is a list of more than texts"),
        ({"output": "a", "id": {}}, "column 'id' is an object"),
    ],
)
def test_a_row_that_cannot_be_text_is_refused_with_the_column(value: Any, problem: str) -> None:
    assert read_columns(entry(value), ["output"], ["id"]).problem == problem


def test_an_optional_column_may_be_missing() -> None:
    assert read_columns(entry({"output": "a"}), ["output"], ["input"]).texts == {"output": "a", "input": ""}


@pytest.mark.parametrize("text", ['[{"a": "नेपाल"},\n\n {"a": "ü\\nx"}]', '{"a": "नेपाल"}\n{"a": "ü\\nx"}', "\ufeff[]"])
def test_an_array_and_lines_are_one_object_a_line(text: str) -> None:
    values = [json.loads(line) for line in as_json_lines("f.json", text).split("\n") if line]
    assert values == ([] if "[]" in text else [{"a": "नेपाल"}, {"a": "ü\nx"}])


def test_a_broken_array_is_named_with_the_place() -> None:
    with pytest.raises(UserError, match=r"m_arc/vi_test\.json is not JSON: .* at line 2, column 1"):
        as_json_lines("m_arc/vi_test.json", '[{"a": 1},\n')


def test_the_files_are_called_as_okapi_called_them() -> None:
    files = {f"datasets/{name}.json" for names in files_by_table("vi").values() for name in names}
    assert "datasets/multilingual-alpaca-52k/vi.json" in files
    assert "datasets/multilingual-ranking-data-42k/vi.json" in files
    assert "datasets/multilingual-rl-tuning-64k/vi.json" in files
    assert "datasets/m_hellaswag/vi_validation.json" in files
