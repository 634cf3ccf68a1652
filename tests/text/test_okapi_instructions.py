"""Instructions in the published form: ids by place, rows of ours as they were, everything else with a reason."""

import json
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.text.instruction_defects import DefectActions
from okapi_kedro.text.okapi_instructions import instruction_rows, read_instructions

from .real_files import real_file

ALL_KEPT = dict.fromkeys(DefectActions.model_fields, "keep")
AS_BY_DEFAULT = DefectActions(**{**ALL_KEPT, "empty_output": "drop"})


def row(instruction: Any = "Vì sao?", output: Any = "Vì thế.", **more: Any) -> dict[str, Any]:
    return {"instruction": instruction, "input": "", "output": output, **more}


def read(actions: DefectActions = AS_BY_DEFAULT, **files: list[Any]) -> Any:
    named = {split: (f"{split}/vi.json", json.dumps(rows, ensure_ascii=False)) for split, rows in files.items()}
    published = read_instructions(named, actions)
    assert len(published.kept) + len(published.rejected) == sum(map(len, files.values()))
    return published


def test_rows_without_an_id_are_called_after_their_place_also_behind_broken_ones() -> None:
    kept, rejected, _ = read(sft=[row("a"), "broken", row("b")], rl=[row("c"), row("d", id=77), row("e", id="x")])
    assert kept["id"].tolist() == ["alpaca-000000", "alpaca-000002", "rl-000000", "77", "x"]
    assert kept["split"].tolist() == ["sft", "sft", "rl", "rl", "rl"]
    assert kept["attempts"].tolist() == [0] * 5
    assert kept["held_out"].isna().all()
    assert rejected.to_dict("records") == [{"id": "sft/vi.json row 2", "reason": "not an object", "raw": '"broken"'}]


def test_rows_of_ours_are_as_they_were() -> None:
    mine = row(" Vì  sao? ", "noinput", id="generated-1", held_out=True, attempts=3)
    kept, _, _ = read(ranking=[mine, row("b", id="generated-2", held_out=False, attempts=0)])
    assert kept.to_dict("records") == [
        {**mine, "split": "ranking"},
        {**row("b"), "id": "generated-2", "split": "ranking", "held_out": False, "attempts": 0},
    ]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (row(" "), "empty instruction"),
        (row(None), "empty instruction"),
        (row(output=""), "empty output"),
        (row(output=None), "empty output"),
        (row(output={}), "column 'output' is an object"),
        ({"instruction": "a"}, "column 'output' is missing"),
        (row(held_out="yes"), "column 'held_out' is neither true nor false"),
        (row(held_out=1), "column 'held_out' is neither true nor false"),
        (row(attempts=-1), "column 'attempts' is no count: '-1'"),
        (row(attempts="1" * 5000), f"column 'attempts' is no count: '{'1' * 20}'"),
        (row(id="alpaca-000000"), "id 'alpaca-000000' stands twice"),
        (7, "not an object"),
    ],
)
def test_a_broken_row_is_set_aside_with_file_and_row(broken: Any, reason: str) -> None:
    kept, rejected, _ = read(sft=[row("good"), broken])
    assert len(kept) == 1
    assert rejected[["id", "reason"]].to_numpy().tolist() == [["sft/vi.json row 2", reason]]


def test_an_id_that_stands_twice_takes_nothing_from_its_namesake() -> None:
    kept, rejected, _ = read(
        sft=[row("a", output="", id="x", held_out=True), row("b", id="x", held_out=False)],
        rl=[row("c", id="y", held_out=True)],
    )
    assert kept["id"].tolist() == ["y"]
    assert rejected["reason"].tolist() == ["empty output", "id 'x' stands twice"]


def test_values_that_are_no_text_are_read_and_counted() -> None:
    kept, _, defects = read(sft=[row(output=["a", "b"]), row(output=["c"]), row("x", input=None), row(output=True)])
    assert kept["output"].tolist() == ["a\nb", "c", "Vì thế.", "true"]
    counted = defects.query("rows > 0").to_numpy().tolist()
    assert counted == [
        ["input is null", 1, "clear"],
        ["output is a list", 2, "keep"],
        ["output is true or false", 1, "keep"],
    ]


def test_defects_are_dropped_as_told() -> None:
    actions = DefectActions(**{**ALL_KEPT, "link": "drop", "duplicate": "drop"})
    kept, rejected, _ = read(actions, sft=[row(), row(), row("Xem https://a.vn"), row("x", output="")])
    assert kept["id"].tolist() == ["alpaca-000000", "alpaca-000003"]
    assert rejected["reason"].tolist() == ["duplicate", "link"]


def test_written_and_read_again_a_table_is_the_same() -> None:
    texts = ["", "a|b\r\n\u2028", " ### Input:\n", "नेपाल 🏔️", "</script>", '"\\', "x" * 100_000, "7", "null", "noinput"]
    table = pd.DataFrame(
        [
            {
                "id": f"id {number}",
                "split": split,
                "held_out": number % 3 == 0,
                "instruction": text or "?",
                "input": text,
                "output": text or "!",
                "attempts": number,
            }
            for split in ("sft", "ranking", "rl")
            for number, text in enumerate(texts, start={"sft": 0, "ranking": 100, "rl": 200}[split])
        ]
    )
    files = {split: (split, json.dumps(rows)) for split, rows in instruction_rows(table).items()}
    kept, rejected, _ = read_instructions(files, AS_BY_DEFAULT)
    assert kept[table.columns].to_dict("records") == table.to_dict("records")
    assert rejected.empty


def test_no_rows_are_no_rows() -> None:
    kept, rejected, _ = read(sft=[])
    assert (len(kept), len(rejected)) == (0, 0)


def test_a_file_of_the_community_is_read_by_place() -> None:
    text = real_file("alpaca_zh/carbonz0_zh-data-part-00.json")
    kept, rejected, _ = read_instructions({"sft": ("zh.json", text)}, AS_BY_DEFAULT)
    raw = json.loads(text)
    assert len(kept) + len(rejected) == len(raw) == 10021
    assert rejected["reason"].unique().tolist() == ["empty output"]
    assert all(raw[int(row.id.removeprefix("alpaca-"))]["output"] == row.output for row in kept.itertuples())


def test_a_file_that_is_really_broken_is_one_line() -> None:
    text = real_file("alpaca_zh/hikariming_zh_9407-12345.json")
    with pytest.raises(UserError, match=r"^zh\.json is not JSON: Expecting value at line 14007, column 1$"):
        read_instructions({"sft": ("zh.json", text)}, AS_BY_DEFAULT)
