"""Only pairs of prompts that were not trained on are scored; their table says what each pair is worth."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.reward.quality import (
    measure_reward_quality,
    rank_distances,
    score_held_out_pairs,
    unseen,
)
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.pretraining import SmallModel, save_untrained
from okapi_kedro.training.reward import RewardSettings, rewards

from ..tokenizers import training

PARAMETERS = RewardSettings.model_validate({"trainable_blocks": 0, "training": training(64)})


def pairs(*rows: tuple[str, str, str, str, bool]) -> pd.DataFrame:
    """Pairs from (id, prompt, chosen, rejected, held_out), numbered in the order of their prompts."""
    table = pd.DataFrame(rows, columns=["id", "prompt", "chosen", "rejected", "held_out"])
    return schemas.Preferences.validate(
        table.astype({**dict.fromkeys(("id", "prompt", "chosen", "rejected"), "str"), "held_out": "bool"}).assign(
            pair=table.groupby("id").cumcount()
        )[["id", "pair", "prompt", "chosen", "rejected", "held_out"]]
    )


PAIRS = pairs(
    ("a", "What is snow?", " white", " black", True),
    ("a", "What is snow?", " white", " 雪は白い", True),
    ("b", "What is coal?", " black", "", False),
    ("c", "What is coal?", " black", " red", True),
    ("d", "दूध कस्तो छ?", " सेतो", " सेतो सेतो", True),
)


@pytest.fixture(scope="module")
def reward_model(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    shape = SmallModel.model_validate(
        {
            **{"architecture": "bloom", "vocabulary": 300, "hidden_size": 16, "layers": 1, "heads": 2, "texts": 0},
            "training": training(64),
        }
    )
    base = save_untrained(PAIRS["prompt"].tolist(), shape, tmp_path_factory.mktemp("base"), seed=0)
    torch.manual_seed(0)
    return save_model(base.reward_model(), base.tokenizer(), tmp_path_factory.mktemp("reward"))


@pytest.fixture(scope="module")
def margins(reward_model: ModelReference) -> pd.DataFrame:
    return schemas.RewardMargins.validate(score_held_out_pairs(reward_model, PAIRS, {}, PARAMETERS))


def test_no_prompt_is_trained_on_and_measured_not_even_under_another_id() -> None:
    measured = unseen(PAIRS)
    assert measured["id"].tolist() == ["a", "a", "d"]
    assert not set(measured["prompt"]) & set(PAIRS.loc[~PAIRS["held_out"], "prompt"])


@pytest.mark.parametrize("left", [PAIRS[~PAIRS["held_out"]], PAIRS[PAIRS["id"].isin(["b", "c"])], PAIRS.head(0)])
def test_where_nothing_unseen_is_left_the_error_says_what_to_raise(left: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=r"^no held-out preference pair: raise split\.held_out"):
        unseen(left)


def test_a_row_has_the_rewards_of_both_texts_and_their_lengths(
    margins: pd.DataFrame, reward_model: ModelReference
) -> None:
    model, tokenizer = reward_model.reward_model().eval(), reward_model.tokenizer()
    white, black = rewards(model, tokenizer, ["What is snow? white", "What is snow? black"], 2)
    first = margins.iloc[0]
    assert (first["chosen_reward"], first["rejected_reward"]) == pytest.approx((white, black), abs=1e-6)
    assert first["margin"] == pytest.approx(white - black, abs=1e-6)
    assert abs(white - black) > 1e-4
    assert margins["chosen_characters"].tolist() == [6, 6, 5]
    assert margins["rejected_characters"].tolist() == [6, 5, 10]
    assert margins.loc[0, "rejected_tokens"] == len(tokenizer(" black")["input_ids"])


def test_without_ranks_the_distance_is_missing_and_all_else_stands(margins: pd.DataFrame) -> None:
    assert margins["rank_distance"].isna().all()
    assert len(margins) == 3


def test_a_distance_is_read_from_the_ranks_of_the_texts() -> None:
    """White is drawn twice, ranked 1 and 3: the better rank counts, as it did when the pairs were made."""
    responses = pd.DataFrame(
        {"id": ["a"] * 4, "k": range(4), "response": ["white", "black", "white", "雪は白い"], "finish_reason": "stop"}
    )
    ranked = pd.DataFrame(
        {"id": ["a"] * 4, "k": range(4), "rank": [3, 2, 1, 4], "english_response": "", "shown_position": [1, 2, 3, 4]}
    )
    tables = {"responses": lambda: responses, "ranked_responses": lambda: ranked}
    assert rank_distances(unseen(PAIRS), tables).tolist() == [1, 3, pd.NA]


def test_ranks_of_other_responses_than_the_pairs_are_not_taken_for_theirs() -> None:
    responses = pd.DataFrame({"id": ["a"], "k": [0], "response": ["something else"], "finish_reason": "stop"})
    ranked = pd.DataFrame({"id": ["a"], "k": [0], "rank": [1], "english_response": [""], "shown_position": [1]})
    tables = {"responses": lambda: responses, "ranked_responses": lambda: ranked}
    assert rank_distances(unseen(PAIRS), tables).isna().all()


def test_the_figures_are_those_of_the_margins(margins: pd.DataFrame) -> None:
    (row,) = measure_reward_quality(margins.assign(margin=[1.0, -1.0, 3.0]), PAIRS).to_dict("records")
    assert row["held_out_accuracy"] == pytest.approx(2 / 3)
    assert row["margin"] == pytest.approx(1.0)
    assert (row["held_out_pairs"], row["held_out_prompts"], row["pairs"]) == (3, 2, 5)
    # Prompt a is one right of two, prompt d one of one: sqrt(((1 - 4/3)^2 + (1 - 2/3)^2) * 2) / 3.
    assert row["stderr"] == pytest.approx((2 * (1 / 9 + 1 / 9)) ** 0.5 / 3)


def test_the_order_and_the_index_of_the_pairs_do_not_matter(
    margins: pd.DataFrame, reward_model: ModelReference
) -> None:
    turned = PAIRS.iloc[::-1].set_index(pd.Index([5, 5, 1, 0, 9]))
    again = score_held_out_pairs(reward_model, turned, {}, PARAMETERS).sort_values(["id", "pair"], ignore_index=True)
    pd.testing.assert_frame_equal(again, margins, atol=1e-6)


def test_the_table_outlives_its_file(margins: pd.DataFrame, tmp_path: Path) -> None:
    margins.to_parquet(tmp_path / "margins.parquet", index=False)
    schemas.RewardMargins.validate(pd.read_parquet(tmp_path / "margins.parquet"))
