"""The seed tasks of the project: as many and of the kinds that the paper names, each different from the others."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from okapi_kedro.pipelines.generation.nodes import read_seeds
from okapi_kedro.text.near_duplicates import NearDuplicateIndex

FILE = Path(__file__).parents[1] / "data" / "01_raw" / "seed_tasks.jsonl"
THEIRS = Path(__file__).parents[2] / "shared" / "data" / "seed_tasks" / "seed_tasks_en.jsonl"
NEW_KINDS = ("relation_extraction", "event_extraction", "event_summarization", "logical_question")


def tasks(path: Path = FILE) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def test_there_are_205_and_all_of_them_are_usable() -> None:
    kept, rejected = read_seeds(FILE.read_text(encoding="utf-8"))
    assert (len(tasks()), len(kept), len(rejected)) == (205, 205, 0)


def test_30_are_of_the_four_kinds_that_okapi_adds() -> None:
    kinds = Counter(kind for task in tasks() for kind in NEW_KINDS if task["name"].startswith(kind))
    assert set(kinds) == set(NEW_KINDS)
    assert kinds.total() == 30
    assert min(kinds.values()) >= 5


def test_every_task_has_self_instructs_schema() -> None:
    for task in tasks():
        assert {key: type(value) for key, value in task.items()} == {
            "id": str,
            "name": str,
            "instruction": str,
            "instances": list,
            "is_classification": bool,
        }
        assert task["instruction"].strip() == task["instruction"] != ""
        assert len(task["instances"]) >= 1
        for instance in task["instances"]:
            assert set(instance) == {"input", "output"}
            assert instance["output"].strip()


def test_at_least_a_quarter_and_at_most_half_are_classification() -> None:
    classification = sum(task["is_classification"] for task in tasks())
    assert 205 / 4 <= classification <= 205 / 2


def test_no_classification_has_a_long_answer() -> None:
    longest = max((task["instances"][0]["output"] for task in tasks() if task["is_classification"]), key=len)
    assert len(longest.split()) <= 12, longest


@pytest.mark.parametrize("column", ["id", "name", "instruction"])
def test_ids_names_and_instructions_are_unique(column: str) -> None:
    repeated = [value for value, count in Counter(task[column] for task in tasks()).items() if count > 1]
    assert repeated == []


def test_no_two_are_near_duplicates() -> None:
    index = NearDuplicateIndex(0.7)
    assert [match for task in tasks() if (match := index.add(task["instruction"], task["id"]))] == []


def test_none_repeats_a_seed_task_of_self_instruct() -> None:
    if not THEIRS.exists():
        pytest.skip(f"{THEIRS} is not on this machine")
    index = NearDuplicateIndex(0.7)
    for task in tasks(THEIRS):
        index.keep(task["instruction"], task["id"])
    near = {task["id"]: match for task in tasks() if (match := index.find(task["instruction"]))}
    assert near == {}
