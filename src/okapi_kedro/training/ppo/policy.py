"""The policy with its frozen reference and its value head."""

import copy
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from okapi_kedro.training.frozen_trunk import Top, Trunk, head_of, positions, reference_of, split_policy
from okapi_kedro.training.models import device
from okapi_kedro.training.ppo.layout import Place, as_many_passes, place_whole
from okapi_kedro.training.ppo.shards import is_divided


class WholeModel(nn.Module):
    """All of a model in the place of a top: it reads tokens rather than a trunk's states.

    Args:
        model: a causal language model.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.backbone = model.base_model
        self.head = head_of(model)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The states after the final norm, of shape (rows, length, hidden), for tokens of shape (rows, length)."""
        outputs = self.backbone(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
        hidden: Tensor = outputs.last_hidden_state
        return hidden


@dataclass(frozen=True)
class Policy:
    """What PPO trains, and what it compares it with.

    Args:
        model: the whole model, which responses are drawn from; it learns what the top learns.
        trunk: its frozen part; None where the whole model learns.
        top: its part that learns, with the head.
        reference: the top as it was at the start.
        value_head: takes states after the final norm to the reward that is still to come.
        precision: the type that forward passes compute in.
    """

    model: PreTrainedModel
    trunk: Trunk | None
    top: Top | WholeModel
    reference: Top | WholeModel
    value_head: nn.Linear
    precision: torch.dtype

    @property
    def learning(self) -> dict[str, nn.Parameter]:
        """The parameters that learn: the model's by their names in it, and those of the value head."""
        of_model = {name: parameter for name, parameter in self.model.named_parameters() if parameter.requires_grad}
        of_values = {f"value_head.{name}": parameter for name, parameter in self.value_head.named_parameters()}
        return {**of_model, **of_values}

    def values(self, states: Tensor) -> Tensor:
        """The reward that is still to come after each state, shape (states,), for states of shape (states, hidden)."""
        values: Tensor = self.value_head(states.float())[:, 0]
        return values

    def computing(self) -> AbstractContextManager[object]:
        """Forward passes in the policy's precision, whatever that of the weights."""
        context: AbstractContextManager[object] = torch.autocast(
            device().type, self.precision, enabled=self.precision != torch.float32
        )
        return context

    def drawing(self) -> AbstractContextManager[object]:
        """Passes of the whole model whose number depends on what is drawn: where it is divided, all make as many."""
        divided = any(is_divided(parameter) for parameter in self.model.parameters())
        return as_many_passes(self.model.base_model) if divided else nullcontext()


def policy_of(
    model: PreTrainedModel, trainable_blocks: int, precision: torch.dtype, place: Place = place_whole
) -> Policy:
    """The policy that a model is at the start of its training.

    The weights that learn are float32 in every precision, or steps of a millionth would be lost in rounding. The value
    head starts at 0: no reward is expected.

    Args:
        model: a causal language model; changed in place.
        trainable_blocks: how many of the last blocks learn; 0 lets the whole model learn.
        precision: the type that forward passes compute in, and that frozen weights are held in.
        place: brings policy and reference to where they compute.
    """
    model.requires_grad_(True).eval()
    split = split_policy(model, trainable_blocks) if trainable_blocks else None
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.float32 if parameter.requires_grad else precision)
    top = split.top if split else WholeModel(model)
    reference = reference_of(split.top) if split else copy.deepcopy(top).requires_grad_(False)
    place(nn.ModuleList([model, reference]), precision)
    for parameter in {*model.parameters(), *reference.parameters()}:
        # What is read from a file may lie at any address in memory, and products of equal matrices at other addresses,
        # such as the reference's, are rounded otherwise. Divided ones are put together in memory of their own.
        if not is_divided(parameter):
            parameter.data = parameter.data.clone()
    width = model.get_output_embeddings().weight.shape[1]
    value_head = nn.utils.skip_init(nn.Linear, width, 1, device=device())
    nn.init.zeros_(value_head.weight)
    nn.init.zeros_(value_head.bias)
    return Policy(model, split.trunk if split else None, top, reference, value_head, precision)
