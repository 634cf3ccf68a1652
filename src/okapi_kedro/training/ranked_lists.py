"""Keeps the pairs of one prompt in one batch, where each of its responses is scored once for all its pairs."""

import random
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Sampler
from transformers import PreTrainedModel

from okapi_kedro.training.trainers import RewardTrainer

LIST_COLUMN = "list"
"""The column of the training rows that says which pairs belong together."""
_WINDOW = 100
"""So many lists are sorted by length among themselves."""


class RankedListTrainer(RewardTrainer):
    """Trains a reward model by the same loss, over batches that hold the pairs of a prompt together.

    The pairs of a prompt are no independent examples; spread over an epoch, they let a model learn its responses by
    heart (Ouyang et al. 2022, section 3.5). In one batch, the n responses behind up to n (n - 1) / 2 pairs also need n
    forward passes instead of n (n - 1). The training rows need a column `list`, and `remove_unused_columns` off.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.data_collator = UniqueTexts(self.processing_class.pad_token_id)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        rows = self.train_dataset
        lengths = [max(map(len, pair)) for pair in zip(rows["chosen_ids"], rows["rejected_ids"], strict=True)]
        accumulated = self.args.gradient_accumulation_steps * self.accelerator.num_processes
        return ListSampler(rows[LIST_COLUMN], lengths, self.args.train_batch_size * accumulated, self.args.seed)

    def compute_loss(self, model: PreTrainedModel, inputs: dict[str, Any], *options: Any, **named: Any) -> Any:
        """The loss over all pairs; the model sees every text once."""
        places = inputs["places"]

        def scored(**texts: Any) -> Any:
            outputs = model(**texts)
            outputs.logits = outputs.logits[places]
            return outputs

        texts = {name: value for name, value in inputs.items() if name != "places"}
        return super().compute_loss(scored, texts, *options, **named)


class UniqueTexts:
    """Makes a batch that holds each text of its pairs once; `places` has those of the chosen, then the rejected ones.

    Args:
        pad_token_id: fills up shorter texts, on the right.
    """

    def __init__(self, pad_token_id: int) -> None:
        self._pad_token_id = pad_token_id

    def __call__(self, pairs: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        texts = [tuple(pair[side]) for side in ("chosen_ids", "rejected_ids") for pair in pairs]
        place_of = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        ids = [torch.tensor(text) for text in place_of]
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self._pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(each) for each in ids], batch_first=True),
            "places": torch.tensor([place_of[text] for text in texts]),
        }


class ListSampler(Sampler[int]):
    """The rows in batches of a fixed size that keep lists whole, like lengths together; another order each epoch.

    Only a list that fits into no gap of its window is split, over batches that are drawn apart.

    Args:
        lists: for each row, which list it belongs to.
        lengths: of each row, in tokens.
        batch_size: rows of one optimiser step, of all processes.
        seed: of the order.
    """

    def __init__(self, lists: Sequence[Hashable], lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lists, self._lengths, self._batch_size, self._seed = lists, lengths, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The trainer's call at the start of each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lists)

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"{self._seed} {self._epoch}")
        *full, last = self._batches(draw)
        draw.shuffle(full)
        return (row for batch in [*full, last] for row in batch)

    def _batches(self, draw: random.Random) -> list[list[int]]:
        """Batches of which only the last may be short."""
        rows_of = defaultdict(list)
        for row, name in enumerate(self._lists):
            rows_of[name].append(row)
        lists = list(rows_of.values())
        draw.shuffle(lists)
        batches: list[list[int]] = []
        short: list[int] = []
        for start in range(0, len(lists), _WINDOW):
            *full, short = self._packed([short, *lists[start : start + _WINDOW]])
            batches += full
        return [*batches, short]

    def _packed(self, lists: Sequence[Sequence[int]]) -> list[list[int]]:
        """The lists in batches, the longest texts first, each batch filled up with the first lists that fit."""
        waiting = sorted(filter(None, lists), key=lambda rows: -max(self._lengths[row] for row in rows))
        batches: list[list[int]] = [[]]
        while waiting:
            if len(batches[-1]) == self._batch_size:
                batches.append([])
            room = self._batch_size - len(batches[-1])
            place = next((n for n, rows in enumerate(waiting) if len(rows) <= room), 0)
            rows = waiting.pop(place)
            batches[-1] += rows[:room]
            waiting[:0] = filter(None, [rows[room:]])
        return batches
