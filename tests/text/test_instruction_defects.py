"""Defects of instructions: each is found where it is, left alone where it is not, and dealt with as told."""

from typing import Any

import pytest
from pydantic import ValidationError

from okapi_kedro.schemas import Defects, Instructions, Rejected
from okapi_kedro.text.instruction_defects import DefectActions, Row, defects_of, screen

DROP = dict.fromkeys(DefectActions.model_fields, "drop")
KEEP = dict.fromkeys(DefectActions.model_fields, "keep")


def fields(instruction: str = "Say hello.", input: str = "", output: str = "Hello!") -> dict[str, str]:
    return {"instruction": instruction, "input": input, "output": output}


def row(number: int, id: str = "", problem: str = "", **texts: str) -> Row:
    return Row(f"line {number}", f"raw {number}", id, fields(**texts), problem)


def screened(rows: list[Row], **actions: Any) -> tuple[list[dict[str, str]], list[dict[str, str]], dict[str, int]]:
    kept, rejected, defects = screen(rows, "human", DefectActions(**actions))
    assert len(Instructions.validate(kept)) + len(Rejected.validate(rejected)) == len(rows)
    Defects.validate(defects)
    assert defects["action"].tolist() == [actions[name.replace(" ", "_")] for name in defects["defect"]]
    counts = defects.set_index("defect")["rows"]
    return kept.to_dict("records"), rejected.to_dict("records"), counts[counts > 0].to_dict()


@pytest.mark.parametrize(
    "input",
    [
        "<noinput>", '"<noinput>"', "`<noinput>`", "Noinput", "NoInput", "No input", "<No Input>", "No input.",
        "(no input)", "No input required.", "No input needed", "no input is provided", "<noinput", "\\<noinput\\>",
        "< noinput >", "<noinput>.", "[noinput]", "{\\noinput}", "N/A", "<N/A>", "NA", "None", "<none>",
    ],
)  # fmt: skip
def test_a_placeholder_alone_is_no_input(input: str) -> None:
    assert defects_of(fields(input=input)) == ["noinput"]


@pytest.mark.parametrize(
    "input",
    [
        "", "The boy <noinput> the ball", "No lemon", "None of the students", "Nothing ventured, nothing gained.",
        "[3, 4, <noinput>]", "Not interested", "NATO", "Input: 8", "no", "...",
    ],
)  # fmt: skip
def test_a_text_around_a_placeholder_is_an_input(input: str) -> None:
    assert defects_of(fields(input=input)) == []


@pytest.mark.parametrize(
    ("row", "defects"),
    [
        (fields(output=""), ["empty_output"]),
        (fields(output="<nooutput>"), ["nooutput"]),
        (fields(output="No output required"), ["nooutput"]),
        (fields(output="<noinput>\nBarack Obama is standing"), ["nooutput"]),
        (fields(output="N/A (GPT model cannot take any action)"), ["nooutput"]),
        (fields(output="None of the above."), []),
        (fields(output="No inputs were lost."), []),
        (fields(output="It ends.\n##\n9. Instruction: Write a résumé.\n9. Input:"), ["run_on"]),
        (fields(output="Instruction: Fill the mug.\n1. Instructions matter."), []),
        (fields(instruction="Summarise https://x.org/a."), ["link"]),
        (fields(input="www.example.com"), ["link"]),
        (fields(output="https://x.org"), []),
        (fields(input="httpd and awww."), []),
        (fields(input="![alt text](a.png)"), ["media"]),
        (fields(input="<An image of a living room>"), ["media"]),
        (fields(input="[Insert Photo Here]"), ["media"]),
        (fields(instruction="Describe the following painting."), ["media"]),
        (fields(instruction="Design a new company logo."), ["media"]),
        (fields(instruction="Sketch a comic strip of five panels."), ["media"]),
        (fields(instruction="Create a character sketch."), []),
        (fields(instruction="Humans are made in the image of God?"), []),
        (fields(instruction="Describe it.", input="![a](https://i.imgur.com/a.jpg)", output=""),
         ["empty_output", "link", "media"]),
    ],
)  # fmt: skip
def test_defects_are_found_where_they_are(row: dict[str, str], defects: list[str]) -> None:
    assert defects_of(row) == defects


ALL = [
    row(1, output=""),
    row(2, output="<nooutput>"),
    row(3, output="a\n2. Instruction: b"),
    row(4, input="Noinput", output="x"),
    row(5, input="www.x.org"),
    row(6, instruction="Draw a picture."),
    row(7),
    row(8),
    row(9, problem="not an object", instruction=""),
]
EACH_ONCE = {name.replace("_", " "): 1 for name in DefectActions.model_fields}


def test_rows_with_defects_are_set_aside_each_with_its_reason() -> None:
    kept, rejected, counts = screened(ALL, **DROP)
    assert [each["output"] for each in kept] == ["Hello!"]
    assert [(each["id"], each["reason"], each["raw"]) for each in rejected] == [
        ("line 1", "empty output", "raw 1"),
        ("line 2", "nooutput", "raw 2"),
        ("line 3", "run on", "raw 3"),
        ("line 4", "noinput", "raw 4"),
        ("line 5", "link", "raw 5"),
        ("line 6", "media", "raw 6"),
        ("line 8", "duplicate", "raw 8"),
        ("line 9", "not an object", "raw 9"),
    ]
    assert counts == EACH_ONCE


def test_rows_that_are_kept_are_counted_and_unchanged_and_have_ids_of_their_own() -> None:
    kept, rejected, counts = screened(ALL, **KEEP)
    assert [{name: each[name] for name in ("instruction", "input", "output")} for each in kept] == [
        each.fields for each in ALL[:-1]
    ]
    assert [each["reason"] for each in rejected] == ["not an object"]
    assert counts == EACH_ONCE
    assert kept[6]["id"] != kept[7]["id"]


@pytest.mark.parametrize("defect", list(DefectActions.model_fields))
def test_each_action_is_for_its_defect_alone(defect: str) -> None:
    _, rejected, counts = screened(ALL, **{**KEEP, defect: "drop"})
    assert [each["reason"] for each in rejected] == [defect.replace("_", " "), "not an object"]
    assert counts == EACH_ONCE


def test_a_cleared_input_is_empty_and_the_row_may_then_be_a_duplicate() -> None:
    rows = [row(1, input="<noinput>"), row(2, input="No input"), row(3), row(4, input="to Ann")]
    kept, rejected, counts = screened(rows, **{**DROP, "noinput": "clear"})
    assert [each["input"] for each in kept] == ["", "to Ann"]
    assert [(each["id"], each["reason"]) for each in rejected] == [("line 2", "duplicate"), ("line 3", "duplicate")]
    assert counts == {"noinput": 2, "duplicate": 2}


def test_a_row_that_is_dropped_for_several_defects_names_them_all() -> None:
    _, rejected, counts = screened([row(1, input="[image] www.x.org", output="")], **{**DROP, "link": "keep"})
    assert rejected[0]["reason"] == "empty output, media"
    assert counts == {"empty output": 1, "link": 1, "media": 1}


def test_an_id_stands_once_and_a_row_that_was_dropped_does_not_take_it() -> None:
    rows = [
        row(1, id="a", output=""),
        row(2, id="a"),
        row(3, id="a", output="x"),
        row(4, id="b"),
        row(5, id="c", output="y"),
    ]
    kept, rejected, _ = screened(rows, **DROP)
    assert [(each["id"], each["output"]) for each in kept] == [("a", "Hello!"), ("c", "y")]
    assert [each["reason"] for each in rejected] == ["empty output", "id 'a' stands twice", "duplicate"]


def test_an_id_of_the_content_is_the_same_wherever_the_row_stands_and_another_for_every_field() -> None:
    rows = [
        row(1),
        row(2, input="Hello!", output="a"),
        row(3, input="Hello!a", output="b"),
        row(4, instruction="Say hello.H"),
    ]
    ids = {each["output"] + each["input"] + each["instruction"]: each["id"] for each in screened(rows, **KEEP)[0]}
    turned = {
        each["output"] + each["input"] + each["instruction"]: each["id"] for each in screened(rows[::-1], **KEEP)[0]
    }
    assert ids == turned
    assert len(set(ids.values())) == 4
    assert screened([row(1)], **KEEP)[0][0]["id"] == "human-e077ef6d1325f939"


def test_no_rows_make_empty_tables() -> None:
    assert screened([], **KEEP) == ([], [], {})


@pytest.mark.parametrize(
    "changes", [{"link": "delete"}, {"link": "clear"}, {"empty_output": "clear"}, {"links": "drop"}, {"noinput": None}]
)
def test_an_unknown_action_or_defect_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        DefectActions(**{**DROP, **changes})


def test_texts_made_to_stall_a_search_are_searched_at_once() -> None:
    for piece in ("\n", "!", "[", "[image", "<no input ", "1", "\n1", "a ", "make a a ", "a-", "n/"):
        long = piece * (50_000 // len(piece))
        defects_of(fields(instruction=long, input=long, output=long))
        defects_of(fields(instruction=f"make {long}", input=f"no input {long}", output=f"no {long}"))


def test_a_row_beyond_use_is_rejected_wherever_it_stands() -> None:
    kept, rejected, counts = screened([row(1, problem="not an object"), row(2)], **DROP)
    assert [each["id"] for each in rejected] == ["line 1"]
    assert (len(kept), counts) == (1, {})
