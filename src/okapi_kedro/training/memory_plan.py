"""What a training run will hold in memory, from a rehearsal on tensors without content, before anything is loaded."""

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from weakref import finalize

import psutil
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary
from transformers import PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

from okapi_kedro.errors import UserError
from okapi_kedro.training.settings import TrainingSettings

logger = logging.getLogger(__name__)

_UNCERTAIN = 0.2
"""Share of the activations by which a rehearsal may be wrong: another device's kernels keep other things."""
_ADAM_STATES = 2
_KEPT_BYTES = torch.float32.itemsize
"""Of one weight, one gradient, one number of the optimiser's."""

Build = Callable[[torch.dtype], PreTrainedModel]
Loss = Callable[[PreTrainedModel, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Step:
    """What one process does for one step of the optimiser.

    Args:
        texts: that are in memory together: a micro-batch of SFT, twice a micro-batch of the reward model's pairs.
        length: of the longest text in tokens.
        micro_batches: whose gradients are added up.
        precision: arithmetic of the forward and backward pass; weights are kept in float32.
        gradient_checkpointing: activations are computed again instead of kept.
        shards: processes over which weights, gradients and states are divided (FSDP); 1 keeps all of them in each.
        offload: what is divided is kept in the machine's memory, not on the accelerator.
    """

    texts: int
    length: int
    micro_batches: int
    precision: Literal["float32", "bfloat16"]
    gradient_checkpointing: bool
    shards: int = 1
    offload: bool = False


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that one process needs at once.

    Args:
        weights: those that learn and those that do not.
        gradients, optimiser: of the weights that learn; the optimiser is AdamW.
        gathered: weights and gradients that are put together from their shards while they are used.
        activations: what the forward pass keeps for the backward pass, and what both hold in passing.
        offloaded: weights, gradients and states are not on the accelerator.
    """

    weights: int
    gradients: int
    optimiser: int
    gathered: int
    activations: int
    offloaded: bool = False

    @property
    def kept(self) -> int:
        """What stays on the device from step to step, known to the byte."""
        return 0 if self.offloaded else self.weights + self.gradients + self.optimiser

    @property
    def total(self) -> int:
        """What is on the device at once."""
        return self.kept + self.gathered + self.activations

    def __str__(self) -> str:
        parts = [(self.gathered, "gathered shards"), (self.activations, "activations")]
        kept = [(self.weights, "weights"), (self.gradients, "gradients"), (self.optimiser, "optimiser")]
        shown = [f"{in_gigabytes(size)} {name}" for size, name in [*([] if self.offloaded else kept), *parts] if size]
        return f"{in_gigabytes(self.total)} ({' + '.join(shown)})"


def require_room(
    build: Build, loss: Loss, settings: TrainingSettings, texts: int, stage: str, frozen_bytes: float = _KEPT_BYTES
) -> None:
    """Raises a UserError before a model is loaded, where its training surely would run out of memory.

    Args:
        build, loss, frozen_bytes: as of `plan_memory`.
        settings: of the training.
        texts: that are in memory together.
        stage: the parameters' name, for the advice: sft or reward.
    """
    step = planned_step(settings, texts)
    plan = plan_memory(build, loss, step, frozen_bytes)
    require_memory(plan, available_memory(settings.processes), step, stage)


def planned_step(settings: TrainingSettings, texts: int) -> Step:
    """What one process does by the settings of a training.

    Args:
        settings: of the training.
        texts: that are in memory together.
    """
    return Step(
        texts=texts,
        length=settings.max_length,
        micro_batches=settings.micro_batches,
        precision=settings.precision,
        gradient_checkpointing=settings.gradient_checkpointing,
        shards=settings.processes if settings.sharding == "fsdp" else 1,
        offload=settings.cpu_offload,
    )


def plan_memory(build: Build, loss: Loss, step: Step, frozen_bytes: float = _KEPT_BYTES) -> MemoryPlan:
    """The memory of one process, from the model's own forward and backward pass on tensors that have only shapes.

    It takes seconds for 7 billion parameters and no memory to speak of.

    Args:
        build: makes the model from its configuration with weights of a type, frozen and with adapters as in training.
        loss: `language_model_loss` or `reward_loss`.
        step: what is done with it.
        frozen_bytes: of a weight that does not learn.
    """
    with FakeTensorMode():
        # FSDP gathers weights in the precision of the pass; else autocast makes copies, which the rehearsal sees.
        lower = step.shards > 1 and step.precision == "bfloat16"
        model = build(torch.bfloat16 if lower else torch.float32).train()
        learning = _KEPT_BYTES * sum(each.numel() for each in model.parameters() if each.requires_grad)
        frozen = sum(each.numel() for each in model.parameters() if not each.requires_grad)
        gathered = _gathered(model) if step.shards > 1 else 0
        activations = _rehearsed(model, loss, step)
    return MemoryPlan(
        weights=_share(learning + math.ceil(frozen_bytes * frozen), step.shards),
        gradients=_share(learning, step.shards),
        optimiser=_share(_ADAM_STATES * learning, step.shards),
        gathered=gathered,
        activations=activations,
        offloaded=step.offload,
    )


def language_model_loss(model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """SFT's loss as TRL computes it: in tiles, so that a vocabulary of 250,880 tokens never has all its logits."""
    loss: torch.Tensor = model(input_ids=ids, attention_mask=mask, labels=ids, use_cache=False, fused_lm_head=True).loss
    return loss


def reward_loss(model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The pairwise loss of the reward model; the first half of the texts are the chosen ones."""
    rewards = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0]
    chosen, rejected = rewards.chunk(2)
    return -torch.nn.functional.logsigmoid(chosen - rejected).mean()


def with_tiled_logits(model: PreTrainedModel) -> PreTrainedModel:
    """A language model whose logits are made and forgotten in tiles, as TRL's SFTTrainer lets it."""
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    return model


class _LiveBytes(TorchDispatchMode):
    """Follows the memory of every tensor that operations make, from its first use to its end.

    Args:
        known: tensors that are there already and do not count.
    """

    def __init__(self, known: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._seen = WeakIdKeyDictionary({tensor.untyped_storage(): True for tensor in known})

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        results = operation(*arguments, **(options or {}))
        for result in tree_leaves(results):
            if isinstance(result, torch.Tensor) and result.untyped_storage() not in self._seen:
                storage = result.untyped_storage()
                self._seen[storage] = True
                finalize(storage, self._free, storage.nbytes())
                self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        return results

    def _free(self, size: int) -> None:
        self.live -= size


def _rehearsed(model: PreTrainedModel, loss: Loss, step: Step) -> int:
    """The most that is held at once beside weights and complete gradients."""
    if step.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    ids = torch.zeros((step.texts, step.length), dtype=torch.long)
    mask = torch.ones_like(ids)
    bfloat16 = step.precision == "bfloat16"
    # With shards, gradients are complete in none of the processes: they are taken off as when they add up.
    adding_up = step.micro_batches > 1 or step.shards > 1
    with _LiveBytes([*model.parameters(), *model.buffers()]) as memory:
        for _ in range(2 if adding_up else 1):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                value = loss(model, ids, mask)
            value.backward()
            del value
    gradients = _bytes(parameter.grad for parameter in model.parameters() if parameter.grad is not None)
    return int(memory.peak - gradients)


def _gathered(model: PreTrainedModel) -> int:
    """What FSDP2 holds whole: all that is in no block, two blocks (one is fetched ahead), and one block's gradients."""
    names = set(model._no_split_modules or ())
    blocks = [_bytes(module.parameters()) for module in model.modules() if type(module).__name__ in names]
    rest = _bytes(model.parameters()) - sum(blocks)
    return rest + 3 * max(blocks, default=0)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _share(size: int, shards: int) -> int:
    return math.ceil(size / shards)


def available_memory(processes: int = 1) -> int:
    """Bytes that each of the processes on this machine can still take, on its accelerator or of the machine's memory.

    Args:
        processes: that share the machine's memory where there is no accelerator.
    """
    if torch.accelerator.is_available():
        return int(torch.accelerator.get_memory_info()[0])
    return int(min([psutil.virtual_memory().available, *_free_of_control_groups()])) // processes


def _free_of_control_groups(root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What limits on a container leave (cgroup version 2, then 1); a limit that is not set is none."""
    files = [("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")]
    pairs = [(root / limit, root / used) for limit, used in files if (root / limit).exists()]
    texts = [(limit.read_text().strip(), used.read_text().strip()) for limit, used in pairs]
    return [int(limit) - int(used) for limit, used in texts if limit != "max"]


def in_gigabytes(size: float) -> str:
    """A size as people read it: 14.1 GB."""
    return f"{size / 1e9:,.1f} GB"


def require_memory(plan: MemoryPlan, available: int, step: Step, stage: str) -> None:
    """Refuses a run that surely does not fit, says so when it may not, and else tells what it will take.

    Args:
        plan: of one process.
        available: bytes that it can take.
        step: that was planned.
        stage: the parameters' name, for the advice: sft or reward.

    Raises:
        UserError: with what to change, when not even four fifths of the activations fit.
    """
    surely = plan.total - _UNCERTAIN * plan.activations
    message = f"{stage}: one process needs about {plan}, and {in_gigabytes(available)} are free"
    if surely > available:
        raise UserError(f"{message}: {advice(plan, available, step, stage)}")
    logger.log(logging.WARNING if plan.total > available else logging.INFO, "%s", message)


def advice(plan: MemoryPlan, available: int, step: Step, stage: str) -> str:
    """The parameter whose change helps most, named as it is written."""
    settings = f"{stage}.training"
    if plan.kept > available:
        if step.shards == 1:
            shards = math.ceil(1.2 * plan.kept / available)
            return f"divide them with {settings}.sharding=fsdp and processes={shards}, or train an adapter (LoRA)"
        return f"raise {settings}.processes, keep them in the machine's memory (cpu_offload) or train an adapter (LoRA)"
    if not step.gradient_checkpointing:
        return f"set {settings}.gradient_checkpointing=true"
    if step.texts > 2:
        return f"lower {settings}.micro_batch_size, the batch stays as large"
    return f"lower {settings}.max_length, or train an adapter (LoRA)"
