"""Files of seeds and of Alpaca rows: what is read, what is kept aside, and what stops the run."""

import json
from pathlib import Path
from typing import Any

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.schemas import Instructions, Rejected
from okapi_kedro.text.instruction_files import read_alpaca, read_seed_tasks

REAL = Path(__file__).parents[3] / "shared" / "data"

SEED = {"id": "s1", "instruction": "Say hello.", "instances": [{"input": "to Ann", "output": "Hello, Ann!"}]}
ROW = {"instruction": "Say hello.", "input": "", "output": "Hello!"}


def real_file(name: str) -> str:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path.read_text(encoding="utf-8")


def seeds(*lines: dict[str, Any] | str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    kept, rejected = read_seed_tasks(text, "seeds.jsonl")
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == sum(
        bool(line.strip()) for line in text.split("\n")
    )
    return kept.to_dict("records"), rejected.to_dict("records")


def alpaca(*rows: Any) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    kept, rejected = read_alpaca(json.dumps(rows), "alpaca.json", None)
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == len(rows)
    return kept.to_dict("records"), rejected.to_dict("records")


def test_a_seed_task_is_its_instruction_with_its_first_instance() -> None:
    more = {**SEED, "instances": [{"input": " a ", "output": " b\n"}, {"input": "c", "output": "d"}]}
    kept, rejected = seeds(more)
    assert kept == [{"id": "s1", "source": "seed", "instruction": "Say hello.", "input": "a", "output": "b"}]
    assert rejected == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "s2", "instruction": ', "not JSON: Expecting value at column 29"),
        ("not at all", "not JSON: Expecting value at column 1"),
        ("[1]", "no instance with input and output"),
        ("5", "no instance with input and output"),
        ("null", "no instance with input and output"),
        ({"instruction": "Say.", "instances": [{"input": "", "output": "x"}]}, "column 'id' is missing"),
        ({"id": "s2", "instances": [{"input": "", "output": "x"}]}, "column 'instruction' is missing"),
        ({"id": "s2", "instruction": "Say."}, "column 'instances' is missing"),
        ({**SEED, "id": "s2", "instances": []}, "no instance with input and output"),
        ({**SEED, "id": "s2", "instances": None}, "no instance with input and output"),
        ({**SEED, "id": "s2", "instances": ["x"]}, "no instance with input and output"),
        ({**SEED, "id": "s2", "instances": [{"input": ""}]}, "column 'output' is missing"),
        ({**SEED, "id": "s2", "instances": [{"input": "x", "output": " "}]}, "empty instruction or output"),
        ({**SEED, "id": "s2", "instances": [{"input": "x", "output": None}]}, "empty instruction or output"),
        ({**SEED, "id": "s2", "instruction": None}, "empty instruction or output"),
        ({**SEED, "id": "s2", "instruction": "\t"}, "empty instruction or output"),
        ({**SEED, "instruction": "Another text."}, "id 's1' stands twice"),
    ],
)
def test_a_broken_seed_line_is_kept_aside_with_its_number_and_reason(line: dict[str, Any] | str, reason: str) -> None:
    kept, rejected = seeds(SEED, "", line, {**SEED, "id": "s3"})
    assert [row["id"] for row in kept] == ["s1", "s3"]
    raw = line if isinstance(line, str) else json.dumps(line)
    assert rejected == [{"id": "line 3", "reason": reason, "raw": raw}]


def test_a_broken_line_does_not_take_its_id_away_from_a_good_one() -> None:
    kept, rejected = seeds({**SEED, "instruction": ""}, SEED)
    assert [row["id"] for row in kept] == ["s1"]
    assert [row["reason"] for row in rejected] == ["empty instruction or output"]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_only_line_feeds_end_a_line(character: str) -> None:
    line = json.dumps({**SEED, "instruction": f"Say{character}hello."}, ensure_ascii=False)
    kept, rejected = seeds(line)
    assert kept[0]["instruction"] == f"Say{character}hello."
    assert rejected == []


def test_half_a_surrogate_pair_becomes_a_question_mark_because_no_file_can_hold_it() -> None:
    line = json.dumps({**SEED, "instruction": "Say \ud83d"})
    assert seeds(line)[0][0]["instruction"] == "Say ?"
    kept, rejected = alpaca({**ROW, "output": "\ud83d\ude00 \ud83d"}, {"instruction": "\ud83d"})
    assert kept[0]["output"] == "😀 ?"
    assert rejected[0]["raw"] == '{"instruction": "?"}'


@pytest.mark.parametrize("text", ["", "\n \n", "{}\n[]", "not JSON"])
def test_a_seed_file_without_a_usable_line_stops_with_its_name(text: str) -> None:
    with pytest.raises(UserError, match=r"^seeds\.jsonl has no usable row") as raised:
        read_seed_tasks(text, "seeds.jsonl")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Say.", "input": ""}, "column 'output' is missing"),
        ({"input": "", "output": "x"}, "column 'instruction' is missing"),
        ({"instruction": "Say.", "output": "x"}, "column 'input' is missing"),
        ({**ROW, "output": ""}, "empty instruction or output"),
        ({**ROW, "output": None}, "empty instruction or output"),
        ({**ROW, "instruction": None}, "empty instruction or output"),
        ({**ROW, "instruction": " \n"}, "empty instruction or output"),
        ("Say hello.", "not an object"),
        (None, "not an object"),
        ([ROW], "not an object"),
        ({**ROW, "output": "Hello! "}, "an earlier row is equal"),
    ],
)
def test_a_broken_alpaca_row_is_kept_aside_and_the_others_keep_their_numbers(row: Any, reason: str) -> None:
    kept, rejected = alpaca(ROW, row, {**ROW, "input": "to Ann"})
    assert [each["id"] for each in kept] == ["alpaca-000000", "alpaca-000002"]
    assert rejected == [{"id": "alpaca-000001", "reason": reason, "raw": json.dumps(row, ensure_ascii=False)}]


def test_values_that_are_no_text_are_read_as_text_and_a_missing_input_value_is_empty() -> None:
    kept, _ = alpaca({"instruction": "Add 2 and 3.", "input": None, "output": 5, "id": 7})
    assert kept[0] | {"id": ""} == {
        "id": "",
        "source": "alpaca",
        "instruction": "Add 2 and 3.",
        "input": "",
        "output": "5",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: Expecting value at line 1, column 1"),
        ('[{"instruction": "a"}', "is not JSON: Expecting ',' delimiter at line 1"),
        ('[\n{"a": 1}\n{"b": 2}]', "is not JSON: Expecting ',' delimiter at line 3, column 1"),
        ("\ufeff[]", "is not JSON: .*BOM"),
        ('{"instruction": "a"}', "must be a JSON array"),
        ("null", "must be a JSON array"),
        ("[]", "has no usable row .it is empty"),
        ('[{"instruction": "a"}]', "has no usable row; first problem: alpaca-000000: column 'input' is missing"),
    ],
)
def test_an_alpaca_file_that_is_no_array_of_rows_stops_with_its_name_and_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^alpaca\.json {message}") as raised:
        read_alpaca(text, "alpaca.json", None)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("most", "ids"), [(1, [0]), (2, [0]), (3, [0, 2]), (None, [0, 2, 3]), (9, [0, 2, 3])])
def test_most_counts_rows_of_the_file_usable_or_not(most: int | None, ids: list[int]) -> None:
    rows = [ROW, {}, {**ROW, "input": "b"}, {**ROW, "input": "c"}]
    kept, _ = read_alpaca(json.dumps(rows), "alpaca.json", most)
    assert kept["id"].tolist() == [f"alpaca-{number:06d}" for number in ids]


def test_alpaca_itself_loses_its_28_empty_outputs_and_nothing_else() -> None:
    text = real_file("alpaca/alpaca_data.json")
    kept, rejected = read_alpaca(text, "alpaca_data.json", None)
    raw = json.loads(text)
    empty = [f"alpaca-{number:06d}" for number, row in enumerate(raw) if not row["output"].strip()]
    assert len(raw) == 52_002
    assert len(empty) == 28
    assert rejected["id"].tolist() == empty
    assert len(kept) == 52_002 - 28
    assert kept["instruction"].tolist() == [row["instruction"].strip() for row in raw if row["output"].strip()]


def test_the_seed_tasks_of_self_instruct_are_all_read() -> None:
    text = real_file("seed_tasks/seed_tasks_en.jsonl")
    kept, rejected = read_seed_tasks(text, "seed_tasks_en.jsonl")
    assert (len(kept), len(rejected)) == (175, 0)
    assert kept["output"].tolist()[0] == json.loads(text.split("\n")[0])["instances"][0]["output"].strip()


def test_a_released_file_that_is_not_json_is_named_with_the_line_that_breaks_it() -> None:
    text = real_file("alpaca_zh/hikariming_zh_9407-12345.json")
    with pytest.raises(UserError, match=r"^hikariming\.json is not JSON: .* at line (\d+), column \d+$") as raised:
        read_alpaca(text, "hikariming.json", None)
    line = int(str(raised.value).rsplit("line ", 1)[1].split(",")[0])
    assert 1 <= line <= text.count("\n") + 1
    # What stands before that line is the beginning of an array, and closing it there makes JSON of it.
    before = "\n".join(text.split("\n")[: line - 1]).rstrip().rstrip(",")
    assert isinstance(json.loads(before.removesuffix("]") + "]"), list)
