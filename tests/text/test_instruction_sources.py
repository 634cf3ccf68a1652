"""Alpaca's rows and the user's own: what is kept, what is set aside and why, and which ids they have."""

import json
import logging
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.schemas import Defects, Instructions, Rejected
from okapi_kedro.text.instruction_defects import DefectActions
from okapi_kedro.text.instruction_sources import count_human_rows, read_alpaca, read_human

from .real_files import real_file

Rows = list[dict[str, str]]

ROW = {"instruction": "Say hello.", "input": "", "output": "Hello!"}
KEEP = DefectActions(**dict.fromkeys(DefectActions.model_fields, "keep"))
USUAL = DefectActions(
    empty_output="drop",
    nooutput="drop",
    run_on="drop",
    noinput="clear",
    link="keep",
    media="keep",
    duplicate="drop",
)


def alpaca(*rows: Any, actions: DefectActions = USUAL) -> tuple[Rows, Rows]:
    kept, rejected, defects = read_alpaca(json.dumps(rows), "alpaca", None, actions)
    Defects.validate(defects)
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == len(rows)
    return kept.to_dict("records"), rejected.to_dict("records")


def human(actions: DefectActions = USUAL, **files: str) -> tuple[Rows, Rows]:
    """Reads files whose names are written with `_` for the dot."""
    contents = {name.replace("_", "."): text.encode() for name, text in files.items()}
    kept, rejected, defects = read_human(contents, actions)
    Defects.validate(defects)
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == count_human_rows(contents)
    return kept.to_dict("records"), rejected.to_dict("records")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Say.", "input": ""}, "column 'output' is missing"),
        ({"input": "", "output": "x"}, "column 'instruction' is missing"),
        ({"instruction": "Say.", "output": "x"}, "column 'input' is missing"),
        ({**ROW, "instruction": None}, "empty instruction"),
        ({**ROW, "instruction": " \n"}, "empty instruction"),
        ({**ROW, "output": ["x"]}, "column 'output' is no text"),
        ({**ROW, "input": {"a": "b"}}, "column 'input' is no text"),
        ({**ROW, "instruction": True}, "column 'instruction' is no text"),
        ("Say hello.", "not an object"),
        (None, "not an object"),
        ([ROW], "not an object"),
    ],
)
def test_what_is_beyond_use_is_set_aside_whatever_the_actions_and_the_others_keep_their_numbers(
    row: Any, reason: str
) -> None:
    kept, rejected = alpaca(ROW, row, {**ROW, "input": "to Ann"}, actions=KEEP)
    assert [each["id"] for each in kept] == ["alpaca-000000", "alpaca-000002"]
    assert rejected == [{"id": "alpaca-000001", "reason": reason, "raw": json.dumps(row)}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**ROW, "output": ""}, "empty output"),
        ({**ROW, "output": None}, "empty output"),
        ({**ROW, "output": "Hello! "}, "duplicate"),
    ],
)
def test_a_row_with_a_defect_is_set_aside_or_kept_as_told(row: Any, reason: str) -> None:
    assert alpaca(ROW, row)[1] == [{"id": "alpaca-000001", "reason": reason, "raw": json.dumps(row)}]
    assert [each["id"] for each in alpaca(ROW, row, actions=KEEP)[0]] == ["alpaca-000000", "alpaca-000001"]


def test_numbers_are_read_as_text_and_a_missing_input_value_is_empty() -> None:
    kept, _ = alpaca({"instruction": "Add 2 and 3.", "input": None, "output": 5, "id": 7})
    texts = {"instruction": "Add 2 and 3.", "input": "", "output": "5"}
    assert kept == [{"id": "alpaca-000000", "source": "alpaca", **texts}]


def test_half_a_surrogate_pair_becomes_a_question_mark_because_no_file_can_hold_it() -> None:
    kept, rejected = alpaca({**ROW, "output": "\ud83d\ude00 \ud83d"}, {"instruction": "\ud83d"})
    assert kept[0]["output"] == "😀 ?"
    assert rejected[0]["raw"] == '{"instruction": "?"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: Expecting value at line 1, column 1"),
        ('[{"instruction": "a"}', "is not JSON: Expecting ',' delimiter at line 1"),
        ('[\n{"a": 1}\n{"b": 2}]', "is not JSON: Expecting ',' delimiter at line 3, column 1"),
        ('{"instruction": "a"}', "must be a JSON array"),
        ("null", "must be a JSON array"),
        ("[]", "has no usable row .it is empty"),
        ('\ufeff[{"instruction": "a"}]', "has no usable row; first problem: alpaca row 1: column 'input' is missing"),
    ],
)
def test_an_alpaca_file_that_is_no_array_of_rows_stops_with_its_name_and_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^alpaca {message}") as raised:
        read_alpaca(text, "alpaca", None, USUAL)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("most", "ids"), [(1, [0]), (2, [0]), (3, [0, 2]), (None, [0, 2, 3]), (9, [0, 2, 3])])
def test_most_counts_rows_of_the_file_usable_or_not(most: int | None, ids: list[int]) -> None:
    rows = [ROW, {}, {**ROW, "input": "b"}, {**ROW, "input": "c"}]
    kept = read_alpaca(json.dumps(rows), "alpaca", most, USUAL).kept
    assert kept["id"].tolist() == [f"alpaca-{number:06d}" for number in ids]


def test_alpaca_itself_has_28_empty_outputs_and_674_inputs_that_say_there_is_none() -> None:
    text = real_file("alpaca/alpaca_data.json")
    raw = json.loads(text)
    kept, rejected, defects = read_alpaca(text, "alpaca_data.json", None, USUAL)
    counts = defects.set_index("defect")["rows"].to_dict()
    empty = [f"alpaca-{number:06d}" for number, row in enumerate(raw) if not row["output"].strip()]
    assert len(raw) == len(kept) + len(rejected) == 52_002
    assert len(empty) == counts["empty output"] == 28
    assert rejected.loc[rejected["reason"] == "empty output", "id"].tolist() == empty
    assert Counter(rejected["reason"]) == {name: counts[name] for name in ("empty output", "nooutput", "run on")}
    bare = [row["input"].strip("\"'`<>()[]. ").lower() in ("noinput", "no input") for row in raw]
    assert 500 < sum(bare) <= counts["noinput"] == 674
    assert not kept["input"].isin(["Noinput", "No input", "<noinput>", '"<noinput>"', "N/A"]).any()
    assert (kept["input"] == "").sum() >= sum(not row["input"] for row in raw) + 600 - len(rejected)
    assert counts["link"] == sum(
        any(s in (row["instruction"] + " " + row["input"]) for s in ("http://", "https://", "www.")) for row in raw
    )
    assert counts["duplicate"] == 0


def test_alpaca_itself_comes_through_unchanged_where_all_is_kept() -> None:
    text = real_file("alpaca/alpaca_data.json")
    kept, rejected, _ = read_alpaca(text, "alpaca_data.json", None, KEEP)
    assert len(rejected) == 0
    raw = pd.DataFrame(json.loads(text)).map(str.strip)
    pd.testing.assert_frame_equal(kept[["instruction", "input", "output"]], raw[["instruction", "input", "output"]])


def test_a_released_file_that_is_not_json_is_named_with_the_line_that_breaks_it() -> None:
    text = real_file("alpaca_zh/hikariming_zh_9407-12345.json")
    with pytest.raises(UserError, match=r"^zh\.json is not JSON: .* at line (\d+), column \d+$") as raised:
        read_human({"zh.json": text.encode()}, USUAL)
    line = int(str(raised.value).rsplit("line ", 1)[1].split(",")[0])
    assert 1 <= line <= text.count("\n") + 1
    # What stands before that line is the beginning of an array, and closing it there makes JSON of it.
    before = "\n".join(text.split("\n")[: line - 1]).rstrip().rstrip(",")
    assert isinstance(json.loads(before.removesuffix("]") + "]"), list)


def test_no_files_of_the_users_own_are_no_rows() -> None:
    assert human() == ([], [])


def test_own_rows_of_all_files_are_read_and_the_bad_ones_named_with_file_and_line() -> None:
    kept, rejected = human(
        a_csv='id,instruction,output\n007,"Say\nhello.",Hello!\n8,,x\n9,Say.\n,Say bye.,Bye!\n',
        b_jsonl="\n".join(
            [json.dumps(ROW), "[1]", '{"instruction": ', '{"instruction": "x"}', json.dumps({**ROW, "output": ""})]
        ),
        c_json=json.dumps(
            [{**ROW, "id": 7}, {**ROW, "id": [7]}, {**ROW, "input": "No input"}, {**ROW, "input": "to Ann"}]
        ),
    )
    assert [(each["id"], each["source"], each["instruction"], each["input"]) for each in kept] == [
        ("human-a.csv-007", "human", "Say\nhello.", ""),
        (kept[1]["id"], "human", "Say bye.", ""),
        (kept[2]["id"], "human", "Say hello.", ""),
        (kept[3]["id"], "human", "Say hello.", "to Ann"),
    ]
    assert [(each["id"], each["reason"]) for each in rejected] == [
        ("a.csv line 4", "empty instruction"),
        ("a.csv line 5", "2 cells under a header of 3"),
        ("b.jsonl line 2", "not an object"),
        ("b.jsonl line 3", "not JSON: Expecting value at column 17"),
        ("b.jsonl line 4", "column 'output' is missing"),
        ("b.jsonl line 5", "empty output"),
        ("c.json row 1", "duplicate"),
        ("c.json row 2", "column 'id' is no text"),
        ("c.json row 3", "duplicate"),
    ]
    assert [each["raw"] for each in rejected[:4]] == ["8,,x", "9,Say.", "[1]", '{"instruction":']


def test_the_same_id_may_stand_in_two_files_but_not_twice_in_one() -> None:
    table = "id,instruction,output\n1,{0} a,b\n1,{0} c,d\nalpaca-000000,{0} e,f\n"
    kept, rejected = human(a_csv=table.format("A"), b_csv=table.format("B"))
    assert [each["id"] for each in kept] == [
        "human-a.csv-1",
        "human-a.csv-alpaca-000000",
        "human-b.csv-1",
        "human-b.csv-alpaca-000000",
    ]
    assert [(each["id"], each["reason"]) for each in rejected] == [
        ("a.csv line 3", "id 'human-a.csv-1' stands twice"),
        ("b.csv line 3", "id 'human-b.csv-1' stands twice"),
    ]


def test_an_id_of_the_content_depends_on_neither_file_nor_place_nor_the_other_rows() -> None:
    one = "instruction,output\nA?,B\nC?,D\n"
    other = '[{"instruction": "E?", "output": "F"}, {"instruction": "C?", "input": null, "output": "D"}]'
    (first, _), (second, _) = human(a_csv=one), human(z_json=other)
    assert {each["output"]: each["id"] for each in first}["D"] == {each["output"]: each["id"] for each in second}["D"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "instruction,output\n", "a.csv has no usable row (it is empty)"),
        (
            "a.csv",
            "instruction,output\n,x\n",
            "a.csv has no usable row; first problem: a.csv line 2: empty instruction",
        ),
        ("a.jsonl", "", "a.jsonl has no usable row (it is empty)"),
        ("a.jsonl", '{"prompt": "a"}', "first problem: a.jsonl line 1: column 'instruction' is missing"),
        ("a.json", '{"prompt": "a"}', "a.json must be a JSON array"),
        ("a.txt", "Say hello.", "a.txt is no file of instructions: they end in .csv, .json, .jsonl, .parquet"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_stops_the_run(name: str, text: str, message: str) -> None:
    good = json.dumps([ROW]).encode()
    with pytest.raises(UserError) as raised:
        read_human({"0.json": good, name: text.encode(), "z.json": good}, USUAL)
    assert message in str(raised.value)


def test_a_file_name_that_is_no_unicode_still_makes_ids_that_fit_in_a_file() -> None:
    kept, rejected, _ = read_human({"caf\udce9.csv": b"id,instruction,output\n1,a,b\n2,,c\n"}, USUAL)
    assert kept["id"].tolist() == ["human-caf?.csv-1"]
    assert rejected["id"].tolist() == ["caf?.csv line 3"]


def test_a_copy_of_a_file_adds_nothing_and_stops_nothing() -> None:
    kept, rejected = human(a_json=json.dumps([ROW]), b_json=json.dumps([ROW]))
    assert (len(kept), [each["reason"] for each in rejected]) == (1, ["duplicate"])


def test_columns_that_are_not_read_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        human(a_jsonl=json.dumps({**ROW, "context": "x", "id": "1"}), b_json=json.dumps([{**ROW, "output": "y"}]))
    assert caplog.messages == ["a.jsonl: columns that are not read: 'context'"]
