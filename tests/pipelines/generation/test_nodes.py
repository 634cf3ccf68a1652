"""The sources of English instructions and the split of their rows."""

import json
import logging
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.generation.nodes import (
    AlpacaParameters,
    HumanParameters,
    SplitParameters,
    collect_instructions,
    read_alpaca_instructions,
    read_human_instructions,
    split_instructions,
)
from okapi_kedro.text.instruction_defects import DefectActions

DROP = dict.fromkeys(DefectActions.model_fields, "drop")
ROWS = [
    {"instruction": "a b", "input": "", "output": "c"},
    {"instruction": "d", "input": "Noinput", "output": ""},
    {"instruction": "e", "input": "No input", "output": "f"},
    {"instruction": "", "input": "", "output": "g"},
]


def alpaca(rows: int | None = None, **defects: str) -> AlpacaParameters:
    return AlpacaParameters.model_validate({"rows": rows, "defects": {**DROP, **defects}})


def test_rows_is_how_many_rows_of_alpaca_are_read() -> None:
    for rows, read in [(1, 1), (3, 3), (9, 4), (None, 4)]:
        kept, rejected, _ = read_alpaca_instructions(json.dumps(ROWS), alpaca(rows))
        assert len(kept) + len(rejected) == read


@pytest.mark.parametrize("rows", [0, -1, "all"])
def test_a_number_of_rows_that_reads_none_is_refused(rows: Any) -> None:
    with pytest.raises(ValidationError, match="rows"):
        alpaca(rows)


def test_a_run_tells_what_became_of_the_rows(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read_alpaca_instructions(json.dumps(ROWS), alpaca(noinput="clear"))
        read_human_instructions({}, HumanParameters.model_validate({"defects": DROP}))
    assert caplog.messages == [
        "Alpaca: kept 2 of 4 rows; set aside: empty output (1), empty instruction (1); "
        "defects: empty output (1: drop), noinput (2: clear)",
        "Human (files: 0): kept 0 of 0 rows; set aside: none; defects: none",
    ]


def test_a_broken_file_of_the_users_own_is_named_with_its_dataset_so_that_the_run_can_tell_its_folder() -> None:
    with pytest.raises(UserError) as raised:
        read_human_instructions({"a.json": b"["}, HumanParameters.model_validate({"defects": DROP}))
    assert str(raised.value) == "a.json is not JSON: Expecting value at line 1, column 2, in human_files"
    assert "human_files" in str(raised.value).split()


def test_all_sources_come_into_one_table_whether_or_not_there_are_rows_of_the_users_own() -> None:
    own = json.dumps([{"instruction": "x", "output": "y"}]).encode()
    seeds = pd.DataFrame([{"id": "s", "source": "seed", "instruction": "i", "input": "", "output": "o"}], dtype="str")
    from_alpaca, _, _ = read_alpaca_instructions(json.dumps(ROWS), alpaca())
    for files, sources in [({}, ["seed", "alpaca"]), ({"a.json": own}, ["seed", "alpaca", "human"])]:
        human, _, _ = read_human_instructions(files, HumanParameters.model_validate({"defects": DROP}))
        table = collect_instructions(seeds, from_alpaca, human, from_alpaca.iloc[:0])
        schemas.AllInstructions.validate(table)
        assert table["source"].tolist() == sources


SPLIT = SplitParameters(
    sft_share={"seed": 1.0, "alpaca": 0.8, "human": 1.0, "generated": 0.0}, ranking_share=0.4, held_out=0.1
)


def many(source: str, count: int) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"{source}-{n}" for n in range(count)], "source": source}, dtype="str")


def test_the_splits_have_their_shares() -> None:
    rows = pd.concat([many("seed", 100), many("alpaca", 4000), many("generated", 4000)], ignore_index=True)
    splits = split_instructions(rows, SPLIT)
    schemas.InstructionSplits.validate(splits)
    assert splits["id"].tolist() == rows["id"].tolist()
    shares = pd.crosstab(rows["source"], splits["split"], normalize="index")
    expected = pd.DataFrame(
        {"ranking": [0.08, 0.4, 0.0], "rl": [0.12, 0.6, 0.0], "sft": [0.8, 0.0, 1.0]},
        index=["alpaca", "generated", "seed"],
    )
    # Four standard deviations of a share of one half in 4,000.
    assert (shares - expected).abs().to_numpy().max() < 0.032
    held_out = splits["held_out"].groupby(splits["split"]).mean()
    assert (held_out - 0.1).abs().max() < 0.04


def test_a_rows_split_stays_when_rows_are_added_or_come_in_another_order() -> None:
    few, more = many("generated", 200), many("generated", 500)
    before = split_instructions(few, SPLIT).set_index("id")
    after = split_instructions(more.sample(frac=1, random_state=1), SPLIT).set_index("id")
    pd.testing.assert_frame_equal(after.loc[before.index], before)


def test_splits_do_not_depend_on_the_index_of_the_table() -> None:
    rows = many("alpaca", 50)
    shifted = rows.set_index(pd.Index(range(1000, 1050)))
    pd.testing.assert_frame_equal(
        split_instructions(shifted, SPLIT).reset_index(drop=True), split_instructions(rows, SPLIT)
    )
