"""Batches keep a prompt's pairs together, each text is scored once, and the loss stays TRL's."""

import random
from collections import Counter, defaultdict

import pytest
import torch
from datasets import Dataset
from trl import RewardConfig, RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from okapi_kedro.training.ranked_lists import ListSampler, RankedListTrainer, UniqueTexts

from .toys import WORDS, training


def sampled(lists, batch_size, seed=0, epoch=0, lengths=None):
    """The batches of one epoch, as lists of row numbers."""
    sampler = ListSampler(lists, lengths or [1] * len(lists), batch_size, seed)
    sampler.set_epoch(epoch)
    rows = list(sampler)
    assert len(rows) == len(sampler)
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


def split_lists(lists, batches):
    """How many lists stand in more than one batch."""
    where = defaultdict(set)
    for number, batch in enumerate(batches):
        for row in batch:
            where[lists[row]].add(number)
    return sum(len(numbers) > 1 for numbers in where.values())


def drawn_lists(count, seed=0):
    """Lists of one to six pairs, as four responses with ties make them, their rows mixed."""
    draw = random.Random(seed)
    rows = [name for name in range(count) for _ in range(draw.randint(1, 6))]
    draw.shuffle(rows)
    return rows


@pytest.mark.parametrize(("count", "batch_size"), [(0, 4), (1, 4), (1, 1), (7, 16), (400, 16), (400, 64), (50, 1)])
def test_every_row_comes_once_an_epoch_in_full_batches(count, batch_size):
    lists = drawn_lists(count)
    batches = sampled(lists, batch_size)
    assert Counter(row for batch in batches for row in batch) == Counter(range(len(lists)))
    assert all(len(batch) == batch_size for batch in batches[:-1])


@pytest.mark.parametrize("batch_size", [16, 64])
def test_nearly_every_list_stands_in_one_batch(batch_size):
    lists = drawn_lists(1000)
    assert split_lists(lists, sampled(lists, batch_size)) <= 0.02 * 1000
    shuffled = random.Random(1).sample(range(len(lists)), len(lists))
    at_random = [shuffled[start : start + batch_size] for start in range(0, len(shuffled), batch_size)]
    assert split_lists(lists, at_random) > 0.75 * 1000


def test_a_list_longer_than_a_batch_is_split_and_none_of_it_lost():
    batches = sampled(["long"] * 10 + ["short"], 4)
    assert sorted(map(len, batches)) == [3, 4, 4]


def test_texts_of_like_length_share_a_batch():
    lists, lengths = list(range(320)), [10 if row % 2 else 100 for row in range(320)]
    mixed = [batch for batch in sampled(lists, 16, lengths=lengths) if len({lengths[row] for row in batch}) > 1]
    assert len(mixed) <= 5


def test_the_order_is_that_of_the_seed_and_another_each_epoch():
    lists = drawn_lists(100)
    assert sampled(lists, 16, seed=1) == sampled(lists, 16, seed=1)
    assert sampled(lists, 16, seed=1) != sampled(lists, 16, seed=2)
    assert sampled(lists, 16, epoch=0) != sampled(lists, 16, epoch=1)


def test_a_text_stands_in_a_batch_once_and_its_pairs_know_where():
    pairs = [
        {"chosen_ids": [5, 6, 2], "rejected_ids": [5, 2]},
        {"chosen_ids": [5, 6, 2], "rejected_ids": [7, 2], "list": 3},
        {"chosen_ids": [5, 2], "rejected_ids": [7, 2]},
    ]
    batch = UniqueTexts(pad_token_id=9)(pairs)
    assert batch["input_ids"].tolist() == [[5, 6, 2], [5, 2, 9], [7, 2, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0], [1, 1, 0]]
    assert batch["places"].tolist() == [0, 0, 1, 1, 2, 2]


def ranked_rows(prompts, responses=4):
    """All pairs of lists whose texts rank by how often they say `good`."""
    draw = random.Random(0)
    rows = []
    for number in range(prompts):
        texts = [f"Words {number}: " + " ".join(["good"] * n + draw.choices(WORDS, k=3)) for n in range(responses)]
        rows += [
            {"chosen": texts[better], "rejected": texts[worse], "list": number}
            for better in range(responses)
            for worse in range(better)
        ]
    return Dataset.from_list(rows)


def trainer(kind, untrained, directory, **changes):
    reference = untrained("bloom")
    torch.manual_seed(0)
    return kind(
        model=reference.reward_model().float(),
        args=RewardConfig(
            **training(**changes).trainer_arguments(str(directory), 0), max_length=64, remove_unused_columns=False
        ),
        train_dataset=ranked_rows(8),
        processing_class=reference.tokenizer(),
    )


def test_the_loss_and_the_gradients_are_those_of_scoring_every_pair_apart(untrained, tmp_path):
    losses, gradients = [], []
    for kind, collate in ((RewardTrainer, DataCollatorForPreference), (RankedListTrainer, UniqueTexts)):
        each = trainer(kind, untrained, tmp_path)
        loss = each.compute_loss(each.model, collate(pad_token_id=3)([each.train_dataset[row] for row in range(12)]))
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in each.model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert torch.allclose(*gradients, atol=1e-6)
    assert gradients[0].abs().max() > 1e-3


def test_training_sees_whole_lists_and_a_third_of_the_texts(untrained, tmp_path):
    """48 pairs of 8 prompts in steps of 12: two prompts a step, 8 texts for 12 pairs instead of 24."""
    texts = []

    class Watched(RankedListTrainer):
        def compute_loss(self, model, inputs, *options, **named):
            texts.append(len(inputs["input_ids"]))
            return super().compute_loss(model, inputs, *options, **named)

    each = trainer(Watched, untrained, tmp_path, batch_size=12, micro_batch_size=12, epochs=2)
    each.train()
    assert texts == [8] * 8
    assert [entry["loss"] for entry in each.state.log_history if "loss" in entry][-1] < 0.69
