"""A policy in two parts: the trunk, which is frozen and run once for each rollout, and the top blocks, which learn."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedModel

from okapi_kedro.errors import UserError

_BLOCKS_AND_NORM = {
    "bloom": ("h", "ln_f"),
    "llama": ("layers", "norm"),
    "mistral": ("layers", "norm"),
    "qwen2": ("layers", "norm"),
    "qwen3": ("layers", "norm"),
    "gemma2": ("layers", "norm"),
    "gemma3_text": ("layers", "norm"),
}
"""What each architecture calls its list of blocks and the norm after them. Each one is proved by the tests."""


class Trunk(nn.Module):
    """The embeddings and the lower blocks of a model, frozen.

    Args:
        backbone: what `lower_part` gives.
    """

    def __init__(self, backbone: PreTrainedModel) -> None:
        super().__init__()
        self.backbone = backbone
        self.depth = len(blocks_of(backbone))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The states that enter the top, of shape (rows, length, hidden).

        Args:
            ids: tokens, of shape (rows, length), padded on any side.
            mask: 1 for a token and 0 for padding, of that shape.
        """
        with torch.no_grad():
            outputs = self.backbone(input_ids=ids, attention_mask=mask, position_ids=positions(mask))
        states: torch.Tensor = outputs.last_hidden_state
        return states


class Top(nn.Module):
    """The upper blocks of a model and its final norm, with the head that makes logits of what they give.

    Args:
        backbone: what `upper_part` gives.
        head: takes states of shape (..., hidden) to logits of shape (..., vocabulary).
    """

    def __init__(self, backbone: PreTrainedModel, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    @property
    def blocks(self) -> nn.ModuleList:
        return blocks_of(self.backbone)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The states after the final norm, of shape (rows, length, hidden).

        Args:
            states: what the trunk gives, of that shape.
            mask: 1 for a token and 0 for padding, of shape (rows, length).
        """
        outputs = self.backbone(inputs_embeds=states, attention_mask=mask, position_ids=positions(mask))
        hidden: torch.Tensor = outputs.last_hidden_state
        return hidden


@dataclass(frozen=True)
class SplitPolicy:
    """A model's two parts; they hold the model's own modules, so that it learns what the top learns."""

    trunk: Trunk
    top: Top


def split_policy(model: PreTrainedModel, blocks: int) -> SplitPolicy:
    """Splits a causal language model below its last blocks and freezes all but these.

    Only the blocks learn, as in the paper (arXiv 2307.16039, section 3.3). The embeddings, the final norm and the head
    stay as they are, tied or not: one copy serves the policy and its reference. The parts run the model's own forward
    code and hold its own weights: after the top has learnt, the model itself can generate and be saved. Dropout is off.

    Args:
        model: a causal language model; frozen in place but for its last blocks.
        blocks: how many of the last blocks learn, from 1 to all.

    Raises:
        UserError: where the architecture is not one that is proved to split, or has fewer blocks.
    """
    backbone = model.base_model
    count = len(blocks_of(backbone))
    if not 1 <= blocks <= count:
        raise UserError(f"{blocks} blocks of a model of {count} cannot learn: choose from 1 to {count}")
    model.requires_grad_(False).eval()
    trunk = Trunk(lower_part(backbone, count - blocks)).eval()
    top = Top(upper_part(backbone, count - blocks), head_of(model)).eval()
    top.blocks.requires_grad_(True)
    return SplitPolicy(trunk, top)


def reference_of(top: Top) -> Top:
    """The top as it is now, frozen: its blocks are copied, its norm and its head shared."""
    backbone = _part(top.backbone, slice(None))
    setattr(backbone, _names(backbone)[0], copy.deepcopy(top.blocks).requires_grad_(False))
    reference = Top(backbone, top.head)
    reference.eval()
    return reference


def lower_part(backbone: PreTrainedModel, depth: int) -> PreTrainedModel:
    """The embeddings and the first blocks, no norm after them.

    Args:
        backbone: a model without a head.
        depth: how many blocks.
    """
    part = _part(backbone, slice(depth))
    setattr(part, _names(backbone)[1], nn.Identity())
    return part


def upper_part(backbone: PreTrainedModel, depth: int) -> PreTrainedModel:
    """The blocks above the first ones and the final norm; it takes states as `inputs_embeds`.

    Args:
        backbone: a model without a head.
        depth: how many blocks are left out.
    """
    part = _part(backbone, slice(depth, None))
    part.set_input_embeddings(nn.Identity())
    if hasattr(part, "word_embeddings_layernorm"):
        part.word_embeddings_layernorm = nn.Identity()
    return part


def blocks_of(backbone: PreTrainedModel) -> nn.ModuleList:
    """The list of blocks of a model without a head.

    Raises:
        UserError: where the architecture is not one that is proved to split.
    """
    blocks: nn.ModuleList = getattr(backbone, _names(backbone)[0])
    return blocks


def positions(mask: torch.Tensor) -> torch.Tensor:
    """The place of each token in its own text, as `generate` counts it; 0 for padding on the left."""
    return (mask.long().cumsum(dim=-1) - 1).clamp(min=0)


def head_of(model: PreTrainedModel) -> nn.Module:
    """What makes logits of the states after the final norm, with the architecture's limit on them where it has one."""
    head: nn.Module = model.get_output_embeddings()
    cap = getattr(model.config, "final_logit_softcapping", None)
    return head if cap is None else nn.Sequential(head, _SoftCap(cap))


class _SoftCap(nn.Module):
    """cap * tanh(logits / cap), as Gemma 2 limits its logits (arXiv 2408.00118, section 2)."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return self.cap * torch.tanh(logits / self.cap)


def _part(backbone: PreTrainedModel, where: slice) -> PreTrainedModel:
    """A model of the same class with the same modules, but of these blocks only.

    Masks, ALiBi and rotary embeddings are thus made by the class's own forward pass. It has no cache, in which the
    blocks would look for the places that they have in the whole model.
    """
    blocks = blocks_of(backbone)[where]
    config = copy.deepcopy(backbone.config)
    config.use_cache = False
    config.num_hidden_layers = len(blocks)
    if getattr(config, "layer_types", None) is not None:
        config.layer_types = config.layer_types[where]
    with torch.device("meta"):
        part = type(backbone)(config)
    for child, module in backbone.named_children():
        setattr(part, child, module)
    setattr(part, _names(backbone)[0], blocks)
    return part


def _names(backbone: PreTrainedModel) -> tuple[str, str]:
    kind = backbone.config.model_type
    if kind not in _BLOCKS_AND_NORM:
        raise UserError(
            f"a model of type {kind!r} cannot be split into a frozen trunk and a top: "
            f"take one of {', '.join(_BLOCKS_AND_NORM)}, or let the whole model learn"
        )
    return _BLOCKS_AND_NORM[kind]
