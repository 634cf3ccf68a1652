"""Files of rows in four formats: what users write comes out as it was meant, or file and line are named."""

import io
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.text.instruction_files import Entry, read_entries

HEADER = "id,instruction,input,output\n"


def csv(text: str, **options: Any) -> list[Entry]:
    return read_entries("a.csv", text.encode(**options))


def parquet(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def refused(name: str, content: bytes) -> str:
    with pytest.raises(UserError) as raised:
        read_entries(name, content)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(name)
    return str(raised.value)


def test_all_formats_hold_the_same_row() -> None:
    row = {"instruction": "Sag „Grüß Gott“, 你好.", "input": "an Ann", "output": "a,\nb \"c\" 'd'"}
    table = pd.DataFrame([row])
    files = {
        "a.csv": table.to_csv(index=False).encode(),
        "a.json": json.dumps([row], indent=2).encode(),
        "a.jsonl": json.dumps(row).encode() + b"\n\n",
        "a.parquet": table.to_parquet(index=False),
        "A.CSV": table.to_csv(index=False).encode("utf-8-sig"),
        "A.JSON": json.dumps([row]).encode("utf-8-sig"),
        "A.JSONL": json.dumps(row, ensure_ascii=False).encode("utf-8-sig"),
    }
    for name, content in files.items():
        assert [entry.value for entry in read_entries(name, content)] == [row], name


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_cell_may_hold_commas_quotation_marks_and_line_breaks_and_places_are_the_lines_of_the_file(end: str) -> None:
    text = f'{HEADER}1,"Say ""hi"",\nplease.",,"a\n\nb"\n\n2,x,,"y"\n,,,\n3,a,b\n4,z,,z'.replace("\n", end)
    entries = csv(text)
    assert [entry.place for entry in entries] == ["a.csv line 2", "a.csv line 7", "a.csv line 9", "a.csv line 10"]
    assert entries[0].value == {"id": "1", "instruction": 'Say "hi",\nplease.', "input": "", "output": "a\n\nb"}
    assert entries[0].raw == '1,"Say ""hi"",\nplease.",,"a\n\nb"'
    assert entries[3].value["output"] == "z"


@pytest.mark.parametrize(("line", "count"), [("3,a,b", 3), ("3,a,b,c,d", 5), ("3", 1)])
def test_a_row_with_more_or_fewer_cells_than_the_header_is_named_and_the_next_is_read(line: str, count: int) -> None:
    entries = csv(f"{HEADER}{line}\n4,x,,y\n")
    assert entries[0] == Entry("a.csv line 2", line, problem=f"{count} cells under a header of 4")
    assert entries[1].value["output"] == "y"


def test_cells_are_text() -> None:
    entry = csv(f"{HEADER}007,1e5,NA,null\n")[0]
    assert entry.value == {"id": "007", "instruction": "1e5", "input": "NA", "output": "null"}


def test_numbers_of_json_are_the_text_that_was_written_and_nan_is_null() -> None:
    text = '{"instruction": 1.50, "input": NaN, "output": 123456789012345678901234567890, "id": 7}'
    for name, content in {"a.json": f"[{text}]", "a.jsonl": text}.items():
        value = read_entries(name, content.encode())[0].value
        assert value == {
            "instruction": "1.50",
            "input": None,
            "output": "123456789012345678901234567890",
            "id": "7",
        }


def test_a_line_that_is_no_json_is_named_and_the_next_is_read() -> None:
    entries = read_entries("a.jsonl", b'\n{"instruction": \n[1]\n{"output": "\xe2\x80\xa8"}\n' + b"[" * 100_000)
    assert [(entry.place, entry.problem) for entry in entries] == [
        ("a.jsonl line 2", "not JSON: Expecting value at column 17"),
        ("a.jsonl line 3", ""),
        ("a.jsonl line 4", ""),
        ("a.jsonl line 5", "not JSON: Nested too deep at column 1"),
    ]
    assert entries[0].raw == '{"instruction":'
    assert entries[2].value == {"output": "\u2028"}


def test_parquet_text_may_be_categorical_large_or_all_null_and_ids_whole_numbers() -> None:
    content = parquet(
        id=[7, 8],
        instruction=pa.array(["a", "b"]).dictionary_encode(),
        input=pa.nulls(2),
        output=pa.array(["x", None], pa.large_string()),
        score=[0.5, 0.25],
    )
    assert [entry.value for entry in read_entries("a.parquet", content)] == [
        {"id": "7", "instruction": "a", "input": None, "output": "x"},
        {"id": "8", "instruction": "b", "input": None, "output": None},
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", b"", "is not JSON: Expecting value at line 1, column 1"),
        ("a.json", b'[\n{"a": 1}\n{"b": 2}]', "is not JSON: Expecting ',' delimiter at line 3, column 1"),
        ("a.json", b'{"a": 1}\n{"a": 2}', "at line 2, column 1; a file of one object a line has to end in .jsonl"),
        ("a.json", b'{"instruction": "a"}', "must be a JSON array"),
        ("a.json", b"[" * 100_000, "is not JSON: Nested too deep at line 1"),
        ("a.json", "[]".encode("utf-16"), "is not UTF-8: byte 0xff on line 1; save it as UTF-8"),
        ("a.jsonl", '{}\n{"a": "é"}'.encode("latin-1"), "is not UTF-8: byte 0xe9 on line 2; save it as UTF-8"),
        ("a.csv", f"{HEADER}1,Café,,x".encode("cp1252"), "is not UTF-8: byte 0xe9 on line 2; save it as UTF-8"),
        ("a.csv", b"", "has no column 'instruction'; it has none"),
        ("a.csv", b"\n\n", "has no column 'instruction'; it has none"),
        ("a.csv", b"instruction;output\na;b\n", "has no column 'instruction'; it has 'instruction;output'"),
        ("a.csv", b"instruction,answer\na,b\n", "has no column 'output'; it has 'instruction', 'answer'"),
        ("a.csv", b"output,instruction,output\na,b,c\n", ": column 'output' stands twice"),
        ("a.csv", f'{HEADER}1,a,,"b\n2,c,,d\n'.encode(), "the row that begins on line 2: unexpected end of data"),
        ("a.csv", f'{HEADER}1,a,,b\n2,"c"d,,e\n'.encode(), "is no CSV: the row that begins on line 3: ',' expected"),
        ("a.csv", f"{HEADER}1,a,,{'x' * 200_000}\n".encode(), "line 2: field larger than field limit"),
        ("a.parquet", b"", "is no Parquet file that can be read"),
        ("a.parquet", b"instruction,output\na,b\n", "is no Parquet file that can be read"),
        ("a.parquet", parquet(instruction=["a"], answer=["b"]), "no column 'output'; it has 'instruction', 'answer'"),
        ("a.parquet", parquet(instruction=["a"], output=[5]), ": column 'output' holds int64, not text"),
        ("a.parquet", parquet(instruction=[["a"]], output=["b"]), ": column 'instruction' holds list<"),
        ("a.parquet", parquet(instruction=["a"], output=["b"], id=[1.5]), ": column 'id' holds double, not text"),
        ("a.parquet", parquet(instruction=["a"] * 500, output=["b"] * 500)[:-40], "is no Parquet file"),
        ("notes.xlsx", b"PK", "is no file of instructions: they end in .csv, .json, .jsonl, .parquet"),
        ("README", b"", "is no file of instructions"),
    ],
)  # fmt: skip
def test_a_file_that_is_broken_as_a_whole_is_named_in_one_line(name: str, content: bytes, words: str) -> None:
    assert words in refused(name, content)
