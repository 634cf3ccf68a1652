"""How supervised fine-tuning reads its rows: what the loss is on, how rows share a batch, which weights are trained."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.adapters import AdapterSettings


class SftRecipe(BaseModel):
    """The choices of a fine-tuning beside its optimisation.

    Args:
        loss_on: `completion`, or `everything` as in Okapi's released code, the prompt included; the end of the text is
            learnt with both.
        batching: `padded` draws rows at random; `length_grouped` puts rows of like length into a batch, which pads
            less; `packed` joins several rows, none of which sees another, up to the greatest length.
        adapter: which weights are trained.
    """

    model_config = ConfigDict(extra="forbid")

    loss_on: Literal["completion", "everything"]
    batching: Literal["padded", "length_grouped", "packed"]
    adapter: AdapterSettings


def recipe_arguments(recipe: SftRecipe, model: PreTrainedModel) -> dict[str, Any]:
    """The keyword arguments of TRL's SFTConfig that the recipe stands for.

    Rows longer than `max_length` have to be set aside before: TRL cuts them off, and their end with it. Held-out rows
    are never packed, so that their loss can be compared with that of the other recipes.

    Args:
        recipe: the choices.
        model: the one that is trained.

    Raises:
        UserError: for a packed recipe and a model that cannot keep packed rows apart.
    """
    if recipe.batching == "packed" and not keeps_packed_rows_apart(model):
        raise UserError(
            f"sft.recipe.batching=packed does not go with {model.config.model_type}: rows in one pack would see each "
            "other, as its attention disregards the position ids that tell them apart (ALiBi models such as BLOOM all "
            "do); use length_grouped"
        )
    return {
        "completion_only_loss": recipe.loss_on == "completion",
        "packing": recipe.batching == "packed",
        "packing_strategy": "bfd",
        "eval_packing": False,
        "train_sampling_strategy": "group_by_length" if recipe.batching == "length_grouped" else "random",
    }


def keeps_packed_rows_apart(model: PreTrainedModel) -> bool:
    """Whether a row in a pack is computed as if it were alone: bit for bit the same whatever stands before it.

    A pack has no attention mask; its position ids, which begin again with every row, are all that tells the rows apart.
    From them transformers derives a block-diagonal mask (sdpa, eager) or the boundaries that flash attention takes, but
    not in every architecture: so the model is asked, with three rows of four tokens.
    """
    one, other, row = torch.arange(4, 16, device=model.device).view(3, 1, 4)
    positions = torch.arange(4, device=model.device).repeat(2)[None]
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        after_one, after_other = (
            model(torch.cat([before, row], dim=1), position_ids=positions, use_cache=False).logits[:, 4:]
            for before in (one, other)
        )
    model.train(was_training)
    return bool(torch.equal(after_one, after_other))


def packs_per_step(rows: int, lengths: Sequence[int], longest: int, multiple_of: int) -> int:
    """How many packs an optimiser step takes so that it learns from about so many rows, as without packing.

    Args:
        rows: rows per optimiser step.
        lengths: tokens of each training row, its end included.
        longest: tokens of a full pack.
        multiple_of: packs that are computed at once, by all processes together.
    """
    packs = rows * sum(lengths) / (len(lengths) * longest)
    return multiple_of * max(1, round(packs / multiple_of))
