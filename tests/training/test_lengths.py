"""Texts that are too long are set aside with their length as the reason."""

import pandas as pd

from okapi_kedro.training.lengths import set_aside_long


def test_rows_that_fit_are_kept_and_the_others_named_with_their_length():
    table = pd.DataFrame({"id": ["a", "b", "c"], "pair": [0, 1, 2], "text": ["x", "y", "z"]}, index=[7, 3, 9])
    kept, aside = set_aside_long(table, [5, 6, 7], longest=5, key=("id", "pair"))
    assert kept.to_dict("list") == {"id": ["a"], "pair": [0], "text": ["x"]}
    assert aside.to_dict("list") == {
        "id": ["b", "c"],
        "pair": [1, 2],
        "reason": ["6 tokens, longer than 5", "7 tokens, longer than 5"],
    }
    assert list(kept.index) == [0]
    assert list(aside.index) == [0, 1]


def test_an_empty_table_has_empty_parts_with_their_columns():
    kept, aside = set_aside_long(pd.DataFrame({"id": pd.Series([], dtype="str")}), [], longest=5)
    assert (list(kept.columns), list(aside.columns)) == (["id"], ["id", "reason"])
    assert (len(kept), len(aside)) == (0, 0)
    assert aside["reason"].dtype == "str"
