"""The libraries' trainers, whose optimiser step learns from the same rows whatever the number of processes."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
import transformers
import trl
from accelerate import DistributedType, FullyShardedDataParallelPlugin, PartialState
from accelerate.data_loader import prepare_data_loader
from safetensors import SafetensorError
from torch.utils.data import BatchSampler, DataLoader
from transformers.trainer_pt_utils import LengthGroupedSampler

from okapi_kedro.errors import UserError

Batch = dict[str, Any]


class DealtBatches(BatchSampler):
    """One process's share of the batches, which are dealt out in turn.

    All processes get as many, as they wait for each other; one that comes away empty in the last round gets the last
    batch again, which must not count (`rows_of_last`).

    Args:
        batches: of all processes.
        rank: whose share it is.
        processes: how many share.
    """

    def __init__(self, batches: BatchSampler, rank: int, processes: int) -> None:
        self._batches, self._rank, self._processes = batches, rank, processes
        # Where accelerate looks for what has to be told of a new epoch.
        self.sampler, self.batch_size, self.drop_last = batches.sampler, batches.batch_size, False

    def __len__(self) -> int:
        return math.ceil(len(self._batches) / self._processes)

    def __iter__(self) -> Iterator[list[int]]:
        dealt = 0
        batch: list[int] = []
        for place, batch in enumerate(self._batches):
            if place % self._processes == self._rank:
                dealt += 1
                yield batch
        if dealt < len(self):
            yield batch

    @property
    def rows_of_last(self) -> int:
        """Rows that count in this process's last batch."""
        behind = len(self._batches) - 1 - ((len(self) - 1) * self._processes + self._rank)
        if behind > 0:
            return int(self.batch_size)
        return _rows_of_last(self._batches) if behind == 0 else 0


def _rows_of_last(batches: BatchSampler) -> int:
    return (len(batches.sampler) - 1) % int(batches.batch_size) + 1


class WholeSteps(transformers.Trainer):
    """Makes an optimiser step the same for one process and for many.

    The libraries fill up the last round of an epoch with rows of its beginning, and sort by length within windows whose
    size depends on the number of processes.
    """

    def __init__(self, **options: Any) -> None:
        # Several accelerators in one process would multiply the batch.
        options["args"]._n_gpu = min(options["args"].n_gpu, 1)
        super().__init__(**options)

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        state = self.accelerator.state
        if self.args.fsdp_plugin_args and state.distributed_type == DistributedType.MULTI_CPU:
            # accelerate divides models among accelerators alone, and would go on undivided without a word.
            state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
            state.fsdp_plugin = FullyShardedDataParallelPlugin(**self.args.fsdp_plugin_args)
            self.is_fsdp_enabled = True

    def get_train_dataloader(self) -> DataLoader[Any]:
        loader = super().get_train_dataloader()
        if self.args.world_size == 1:
            self._rows_of_last = _rows_of_last(loader.batch_sampler)
            return loader
        whole = loader.batch_sampler.batch_sampler
        if isinstance(whole.sampler, LengthGroupedSampler):
            whole.sampler.batch_size *= self.args.world_size
        dealt = DealtBatches(whole, self.args.process_index, self.args.world_size)
        self._rows_of_last = dealt.rows_of_last
        own = DataLoader(loader.dataset, batch_sampler=dealt, collate_fn=loader.collate_fn)
        return prepare_data_loader(own, self.args.device, num_processes=1, process_index=0, put_on_device=True)

    def rows_of(self, batches: Sequence[Batch]) -> list[int]:
        """How many rows count in each of the batches that were fetched for a step."""
        full = [int(self.args.train_batch_size)] * len(batches)
        at_end = self.accelerator.gradient_state.end_of_dataloader
        return [*full[:-1], self._rows_of_last] if at_end else full

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"cannot save a checkpoint in {self.args.output_dir}: {reason}; earlier ones are kept: make room and "
                "run the same again"
            ) from error

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: TRL would write one beside the checkpoints."""


class TokenMeanTrainer(WholeSteps):
    """The loss of a step is the mean over the tokens of all its rows, as the libraries have it."""

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], torch.Tensor]:
        batches = list(islice(epoch_iterator, num_batches))
        if self.rows_of(batches)[-1] == 0:
            batches[-1] = {**batches[-1], "labels": torch.full_like(batches[-1]["labels"], -100)}
        return batches, self._get_num_items_in_batch(batches, device)


class SFTTrainer(TokenMeanTrainer, trl.SFTTrainer):
    """TRL's, in whole steps."""


class RewardTrainer(WholeSteps, trl.RewardTrainer):
    """TRL's, in whole steps; the loss of a step is the mean over all its pairs, not over the means of its batches."""

    loss_is_scaled_for_ga = True

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], None]:
        batches = list(islice(epoch_iterator, num_batches))
        pairs = self.rows_of(batches)
        of_all = self.accelerator.gather(torch.tensor(sum(pairs), device=device)).sum().item()
        # The processes' gradients are averaged.
        shares = [count * self.accelerator.num_processes / of_all for count in pairs]
        return [{**batch, "share": share} for batch, share in zip(batches, shares, strict=True)], None

    def compute_loss(self, model: Any, inputs: Batch, return_outputs: bool = False, **options: Any) -> Any:
        """TRL's mean over a batch; in training, times the batch's share in the step's pairs."""
        pairs = {name: value for name, value in inputs.items() if name != "share"}
        computed = super().compute_loss(model, pairs, return_outputs=return_outputs, **options)
        return computed * inputs["share"] if "share" in inputs else computed
