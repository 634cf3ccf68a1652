"""The sources of English instructions and the split of their rows."""

import pandas as pd

from okapi_kedro import schemas
from okapi_kedro.pipelines.generation.nodes import (
    SplitParameters,
    read_alpaca_instructions,
    split_instructions,
)

from .test_self_instruct import parameters


def test_alpaca_rows_is_how_many_rows_are_read() -> None:
    text = '[{"instruction": "a b", "input": "", "output": "c"}, {"instruction": "d", "input": "", "output": "e"}]'
    assert len(read_alpaca_instructions(text, parameters(alpaca_rows=1))[0]) == 1
    assert len(read_alpaca_instructions(text, parameters())[0]) == 2


SPLIT = SplitParameters(sft_share={"seed": 1.0, "alpaca": 0.8, "generated": 0.0}, ranking_share=0.4, held_out=0.1)


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
