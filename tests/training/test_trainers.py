"""A step learns from the same rows, each counted once, with one process and with two, divided or not."""

import pandas as pd
import pytest
import torch
from torch.utils.data import BatchSampler, SequentialSampler

from okapi_kedro.training import sft
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.reward import RewardSettings, train_reward_model
from okapi_kedro.training.sft import fine_tune
from okapi_kedro.training.trainers import DealtBatches

from .together import fine_tune_and_count
from .toys import RECIPE, chatter, preference_pairs, training, weights


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("rows", [1, 2, 7, 12, 13])
def test_every_row_is_dealt_once_and_all_processes_get_as_many_batches(rows, processes):
    whole = BatchSampler(SequentialSampler(range(rows)), batch_size=3, drop_last=False)
    shares = [DealtBatches(whole, rank, processes) for rank in range(processes)]
    dealt = [list(share) for share in shares]
    assert {len(batches) for batches in dealt} == {len(shares[0])}
    counted = [
        row
        for share, batches in zip(shares, dealt, strict=True)
        for place, batch in enumerate(batches)
        for row in batch[: share.rows_of_last if place == len(batches) - 1 else None]
    ]
    assert sorted(counted) == list(range(rows))


def test_a_step_of_two_processes_has_the_rows_of_a_step_of_one():
    whole = BatchSampler(SequentialSampler(range(16)), batch_size=2, drop_last=False)
    first, second = (list(DealtBatches(whole, rank, 2)) for rank in range(2))
    accumulated = 2
    for step in range(2):
        own = slice(step * accumulated, (step + 1) * accumulated)
        assert sorted(row for batch in [*first[own], *second[own]] for row in batch) == list(
            range(8 * step, 8 * step + 8)
        )


def words(rows: int) -> pd.DataFrame:
    """Examples of different length, of which three are held out."""
    held_out = [place >= rows - 3 for place in range(rows)]
    return pd.DataFrame({"prompt": "Words:", "completion": chatter(rows, seed=0), "held_out": held_out})


STEPS = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-3}
"""Steps of four rows, of which the fifteen rows below leave three over in each epoch."""
APART = {"two": {"processes": 2}, "two, divided": {"processes": 2, "sharding": "fsdp"}}


def assert_alike(runs: list) -> None:
    logs = [log.loc[log["loss"].notna(), ["step", "loss"]].reset_index(drop=True) for _, log in runs]
    assert len(logs[0]) == 8
    pd.testing.assert_frame_equal(*logs, atol=1e-4, rtol=0)
    one, other = (weights(model) for model, _ in runs)
    assert set(one) == set(other)
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=1e-3, rtol=0)


@pytest.mark.parametrize(("apart", "held"), [("two", (1, 1)), ("two, divided", (0.5, 0.75))])
def test_fine_tuning_in_two_processes_gives_the_losses_and_weights_of_one(
    apart, held, untrained, tmp_path, monkeypatch
):
    """Each process holds the whole model, or half of it; the embeddings are whole after an evaluation."""
    base = untrained("bloom")
    one = fine_tune(base, words(18), training(**STEPS, micro_batch_size=1), RECIPE, ENGLISH, tmp_path / "one", 1)
    monkeypatch.setattr(sft, "_fine_tune", fine_tune_and_count)
    settings = training(**STEPS, micro_batch_size=1, **APART[apart])
    two = fine_tune(base, words(18), settings, RECIPE, ENGLISH, tmp_path / "two", 1)
    assert_alike([one, two])
    evaluated = [log["eval_loss"].dropna().tolist() for _, log in (one, two)]
    assert evaluated[0] == pytest.approx(evaluated[1], abs=1e-4)
    whole = sum(each.numel() for each in base.causal_lm().parameters())
    shares = [int((tmp_path / "two" / f"held by {rank}").read_text()) / whole for rank in range(2)]
    assert all(held[0] <= share <= held[1] for share in shares)


def test_a_reward_model_of_two_processes_has_the_losses_and_weights_of_one(untrained, tmp_path):
    """With pairs sorted by length, and blocks that do not learn."""
    pairs = preference_pairs(20, seed=0)
    runs = [
        train_reward_model(
            untrained("llama"),
            pairs,
            RewardSettings(trainable_blocks=1, training=training(**STEPS, micro_batch_size=1, processes=processes)),
            tmp_path / str(processes),
            seed=1,
        )
        for processes in (1, 2)
    ]
    assert_alike(runs)


@pytest.mark.parametrize("micro_batch_size", [1, 2])
def test_each_pair_of_a_step_counts_the_same_however_it_is_accumulated(micro_batch_size, untrained, tmp_path):
    """Five pairs make a batch of four and one of one, or steps whose last micro-batch is short."""
    pairs = preference_pairs(6, seed=0).assign(held_out=[False] * 5 + [True])
    logs = [
        train_reward_model(
            untrained("llama"),
            pairs,
            RewardSettings(trainable_blocks=0, training=training(batch_size=6, micro_batch_size=size)),
            tmp_path / str(size),
            seed=1,
        )[1]
        for size in (6, micro_batch_size)
    ]
    assert logs[0]["loss"].tolist() == pytest.approx(logs[1]["loss"].tolist(), abs=1e-6)
