"""A reward model that reads the policy's own states, where its lower blocks are the policy's to the last bit.

Equal are blocks that PPO holds as equal: in the precision of the training, which both are brought to.
"""

from hashlib import sha256
from itertools import takewhile

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.frozen_trunk import blocks_of, lower_part, positions, upper_part

_OF_NO_ACCOUNT = {
    "_name_or_path",
    "architectures",
    "bos_token_id",
    "chunk_size_feed_forward",
    "dtype",
    "id2label",
    "label2id",
    "num_labels",
    "pad_token_id",
    "problem_type",
    "tie_word_embeddings",
    "transformers_version",
    "use_cache",
}
"""What two configurations may differ in and still compute the same states from the same weights."""


def shares_trunk(policy: PreTrainedModel, reward_model: PreTrainedModel, precision: torch.dtype) -> int | None:
    """How many lower blocks the two have in common, with the embeddings below them; None where nothing is.

    The weights are compared by their SHA-256, block by block, in the type that PPO holds frozen weights in, whatever
    the types that they were saved in: a reward model that was saved rounded to bfloat16 shares the trunk of a training
    in bfloat16, and shares none of one in float32, whose states its own lower blocks would not have made. The
    configurations are compared by what they say of the computation. Equal embeddings of equal size, with the same end
    of a text, take a token to mean the same to both. A policy that learns changes its upper blocks: no more of them may
    be shared than its trunk has.

    Args:
        policy: a causal language model as it is before it learns.
        reward_model: a sequence classification model.
        precision: of the training.

    Returns:
        A number of blocks from 0 to all but one, which the reward model reads the states with.
    """
    ours, theirs = policy.base_model, reward_model.base_model
    if type(ours) is not type(theirs) or _computation(ours.config) != _computation(theirs.config):
        return None
    if _digest(lower_part(ours, 0), precision) != _digest(lower_part(theirs, 0), precision):
        return None
    pairs = zip(blocks_of(ours)[:-1], blocks_of(theirs)[:-1], strict=True)
    return sum(1 for _ in takewhile(lambda pair: _digest(pair[0], precision) == _digest(pair[1], precision), pairs))


class SharedReward(nn.Module):
    """The upper blocks of a reward model, its final norm and its head: all of it that has to be in memory.

    Args:
        reward_model: a sequence classification model of one number; it can be let go of.
        depth: after how many blocks it takes over the policy's states: at most as many as the two share, and as the
            policy's trunk has.

    Raises:
        UserError: where no block is left above that depth.
    """

    def __init__(self, reward_model: PreTrainedModel, depth: int) -> None:
        super().__init__()
        count = len(blocks_of(reward_model.base_model))
        if not 0 <= depth < count:
            raise UserError(f"a reward model of {count} blocks cannot share {depth}: choose from 0 to {count - 1}")
        self.depth = depth
        self.backbone = upper_part(reward_model.base_model, depth)
        self.score = reward_model.score
        self.requires_grad_(False).eval()

    def rewards(self, states: torch.Tensor, mask: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """The reward of each text, read at its end as in training, of shape (rows,).

        Args:
            states: the policy's after `depth` blocks, of shape (rows, length, hidden).
            mask: 1 for a token of the text, its end included, and 0 for padding, of shape (rows, length).
            last: the place of the end of each text, of shape (rows,).
        """
        rows = torch.arange(len(last), device=last.device)
        with torch.no_grad():
            outputs = self.backbone(inputs_embeds=states, attention_mask=mask, position_ids=positions(mask))
            at_end: torch.Tensor = self.score(outputs.last_hidden_state[rows, last])
        return at_end[:, 0].float()


def _computation(config: PreTrainedConfig) -> dict[str, object]:
    return {name: value for name, value in config.to_dict().items() if name not in _OF_NO_ACCOUNT}


def _digest(module: nn.Module, precision: torch.dtype) -> bytes:
    """Of names, shapes and every bit that a precision keeps of a module's weights."""
    digest = sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        kept = tensor.to(precision) if tensor.is_floating_point() else tensor
        digest.update(kept.cpu().contiguous().view(torch.uint8).numpy())
    return digest.digest()
