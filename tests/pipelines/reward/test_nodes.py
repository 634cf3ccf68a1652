"""Pairs that are too long are set aside whole."""

from pathlib import Path

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.reward.nodes import set_aside_long_pairs
from okapi_kedro.training.reward import RewardSettings

from ..tokenizers import training, word_model


def settings(max_length: int) -> RewardSettings:
    return RewardSettings.model_validate({"trainable_blocks": 0, "training": training(max_length)})


def pairs(*lengths: tuple[int, int]) -> pd.DataFrame:
    """Pairs after a prompt of three words, whose texts have so many words in all."""
    rows = [
        {
            "id": f"row-{n}",
            "pair": n,
            "prompt": "one two three",
            "chosen": " word" * (chosen - 3),
            "rejected": " word" * (rejected - 3),
            "held_out": n % 2 == 0,
        }
        for n, (chosen, rejected) in enumerate(lengths)
    ]
    columns = ["id", "pair", "prompt", "chosen", "rejected", "held_out"]
    text = dict.fromkeys(("id", "prompt", "chosen", "rejected"), "str")
    table = pd.DataFrame(rows, columns=columns).astype({**text, "pair": "int64", "held_out": "bool"})
    return schemas.Preferences.validate(table)


def test_a_pair_is_kept_when_both_texts_fit_with_their_end_token(tmp_path: Path) -> None:
    given = pairs((9, 4), (10, 4), (4, 9), (4, 10), (9, 9), (30, 20), (3, 3))
    kept, rejected = set_aside_long_pairs(given, word_model(tmp_path), settings(10))
    schemas.Preferences.validate(kept)
    pd.testing.assert_frame_equal(kept, given.iloc[[0, 2, 4, 6]].reset_index(drop=True))
    assert rejected.to_dict("records") == [
        {"id": "row-1", "pair": 1, "reason": "11 tokens, longer than 10"},
        {"id": "row-3", "pair": 3, "reason": "11 tokens, longer than 10"},
        {"id": "row-5", "pair": 5, "reason": "31 tokens, longer than 10"},
    ]


@pytest.mark.parametrize("lengths", [[], [(4, 4)], [(40, 4), (4, 40)]])
def test_taken_is_kept_and_rejected_also_when_one_of_them_is_empty(
    lengths: list[tuple[int, int]], tmp_path: Path
) -> None:
    given = pairs(*lengths)
    kept, rejected = set_aside_long_pairs(given, word_model(tmp_path), settings(10))
    schemas.Preferences.validate(kept)
    assert sorted([*kept["id"], *rejected["id"]]) == given["id"].tolist()
    assert rejected.columns.tolist() == ["id", "pair", "reason"]


def test_the_index_of_the_given_table_does_not_matter(tmp_path: Path) -> None:
    given = pairs((4, 4), (40, 4), (5, 5)).set_index(pd.Index([7, 7, 3]))
    kept, rejected = set_aside_long_pairs(given, word_model(tmp_path), settings(10))
    assert (kept["id"].tolist(), rejected["id"].tolist()) == (["row-0", "row-2"], ["row-1"])
