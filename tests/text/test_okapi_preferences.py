"""Pairs of responses in the published form, three rows for a prompt, and in ours."""

import json
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.text.okapi_preferences import preference_rows, read_preferences
from okapi_kedro.training.prompt import ENGLISH, prompt_of


def pair(id: Any = "p1", better: Any = "tốt", worse: Any = "xấu", **more: Any) -> dict[str, Any]:
    return {
        "instruction": "Vì sao?",
        "input": "",
        "prefered_output": better,
        "rejected_output": worse,
        "id": id,
        **more,
    }


def read(*rows: Any) -> Any:
    published = read_preferences("ranking/vi.json", json.dumps(rows, ensure_ascii=False), ENGLISH)
    assert len(published.kept) + len(published.rejected) == len(rows)
    return published


def test_the_pairs_of_a_prompt_are_numbered_as_they_come() -> None:
    kept, _, _ = read(pair(), pair("p2"), pair(better="hơn"), pair("p2", worse=""), pair(7))
    assert kept[["id", "pair"]].to_numpy().tolist() == [["p1", 0], ["p2", 0], ["p1", 1], ["p2", 1], ["7", 0]]
    first = {"id": "p1", "pair": 0, "chosen": " tốt", "rejected": " xấu", "held_out": None}
    assert kept.iloc[0].to_dict() == {**first, "prompt": prompt_of("Vì sao?", "", ENGLISH)}
    assert kept["rejected"].tolist()[3] == " "


def test_the_word_may_be_spelt_rightly() -> None:
    right = {name.replace("prefered", "preferred"): value for name, value in pair().items()}
    assert read(right).kept["chosen"].tolist() == [" tốt"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"id": "x"}, "column 'instruction' is missing"),
        (pair(id=""), "empty id"),
        (pair(id=None), "empty id"),
        (pair(instruction=" "), "empty instruction"),
        (pair("x", worse="tốt"), "both responses are equal"),
        (pair("x", worse={}), "column 'rejected_output' is an object"),
        (pair(pair=0), "pair 0 of 'p1' stands twice"),
        (pair(pair="one"), "column 'pair' is no number: 'one'"),
        (pair("x", held_out="no"), "column 'held_out' is neither true nor false"),
        ([], "not an object"),
    ],
)
def test_a_broken_pair_is_set_aside_with_file_and_row(broken: Any, reason: str) -> None:
    kept, rejected, _ = read(pair(), broken)
    assert len(kept) == 1
    assert rejected[["id", "reason"]].to_numpy().tolist() == [["ranking/vi.json row 2", reason]]
    assert json.loads(rejected["raw"].iat[0]) == json.loads(json.dumps(broken), parse_int=str)


def test_responses_that_are_no_text_are_counted() -> None:
    kept, _, defects = read(pair(better=["a", "b"], worse=None))
    assert kept[["chosen", "rejected"]].to_numpy().tolist() == [[" a\nb", " "]]
    assert defects.to_numpy().tolist() == [
        ["prefered_output is a list", 1, "keep"],
        ["rejected_output is null", 1, "clear"],
    ]


TRAPS = [
    "",
    "x",
    "a\n\n### Input:\nb",
    "### Response:",
    "\n\n### Response:",
    "{input}",
    " ",
    "नेपाल\u2028",
    "\n\n### Input:\n",
    "\n\n### Input:",
]


def test_written_and_read_again_a_table_is_the_same() -> None:
    instructions = [trap for trap in TRAPS if trap.strip()]
    prompts = [prompt_of(instruction, input, ENGLISH) for instruction in instructions for input in TRAPS]
    table = pd.DataFrame(
        [
            {
                "id": f"p{place}",
                "pair": number,
                "prompt": prompt,
                "chosen": f" {TRAPS[number]}",
                "rejected": f" {TRAPS[number]}.",
                "held_out": place % 2 == 0,
            }
            for place, prompt in enumerate(prompts)
            for number in (0, 3, 4)
        ]
    )
    kept, rejected, _ = read_preferences("f", json.dumps(preference_rows(table, ENGLISH)), ENGLISH)
    assert kept.to_dict("records") == table.to_dict("records")
    assert rejected.empty


def test_instruction_and_input_are_told_apart() -> None:
    table = read(pair(instruction="Tính tổng.\n", input="1\n2")).kept.assign(held_out=False)
    [written] = preference_rows(table, ENGLISH)
    assert written == {**pair(instruction="Tính tổng.\n", input="1\n2"), "pair": 0, "held_out": False}


@pytest.mark.parametrize(
    "change", [{"prompt": "Why?"}, {"prompt": prompt_of(" ", "", ENGLISH)}, {"chosen": "no space"}]
)
def test_preferences_in_another_frame_are_refused_with_the_id(change: dict[str, str]) -> None:
    table = read(pair("the id")).kept.assign(**change)
    with pytest.raises(UserError, match="the id"):
        preference_rows(table, ENGLISH)
