"""Files of seed tasks: what is read, what is kept aside, and what stops the run."""

import json
from typing import Any

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.schemas import Instructions, Rejected
from okapi_kedro.text.seed_tasks import read_seed_tasks

from .real_files import real_file

SEED = {"id": "s1", "instruction": "Say hello.", "instances": [{"input": "to Ann", "output": "Hello, Ann!"}]}


def seeds(*lines: dict[str, Any] | str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    kept, rejected = read_seed_tasks(text, "seeds.jsonl")
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == sum(
        bool(line.strip()) for line in text.split("\n")
    )
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


@pytest.mark.parametrize("text", ["", "\n \n", "{}\n[]", "not JSON"])
def test_a_seed_file_without_a_usable_line_stops_with_its_name(text: str) -> None:
    with pytest.raises(UserError, match=r"^seeds\.jsonl has no usable row") as raised:
        read_seed_tasks(text, "seeds.jsonl")
    assert "\n" not in str(raised.value)


def test_the_seed_tasks_of_self_instruct_are_all_read() -> None:
    text = real_file("seed_tasks/seed_tasks_en.jsonl")
    kept, rejected = read_seed_tasks(text, "seed_tasks_en.jsonl")
    assert (len(kept), len(rejected)) == (175, 0)
    assert kept["output"].tolist()[0] == json.loads(text.split("\n")[0])["instances"][0]["output"].strip()


def test_half_a_surrogate_pair_becomes_a_question_mark_because_no_file_can_hold_it() -> None:
    line = json.dumps({**SEED, "instruction": "Say \ud83d"})
    assert seeds(line)[0][0]["instruction"] == "Say ?"
