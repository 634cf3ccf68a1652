"""Rewards of drawn responses."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from okapi_kedro.training.models import device
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.responses import Responses
from okapi_kedro.training.reward import rewards
from okapi_kedro.training.shared_reward import SharedReward

Scorer = Callable[[Responses], Tensor]
"""Takes responses to the reward of each, shape (rows,)."""


def shared_scorer(reward: SharedReward, policy: Policy) -> Scorer:
    """Reads the states that the policy's trunk has made at the reward model's own depth."""

    def score(responses: Responses) -> Tensor:
        with policy.computing():
            return reward.rewards(responses.states[reward.depth], responses.mask, responses.last)

    return score


def token_scorer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Scorer:
    """Reads the tokens as they were drawn, for a reward model with the policy's own tokenizer."""

    def score(responses: Responses) -> Tensor:
        inputs = tokenizer.pad({"input_ids": responses.texts()}, padding_side="right", return_tensors="pt")
        with torch.inference_mode():
            return model(**inputs.to(device())).logits[:, 0].float().clone()

    return score


def text_scorer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, policy_tokenizer: PreTrainedTokenizerBase
) -> Scorer:
    """Reads the text of prompt and response, for a reward model with a tokenizer of its own."""

    def score(responses: Responses) -> Tensor:
        without_end = [tokens[:-1] for tokens in responses.texts()]
        texts = policy_tokenizer.batch_decode(without_end, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return torch.tensor(rewards(model, tokenizer, texts, len(texts)), device=device())

    return score


def speak_alike(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase) -> bool:
    """Whether a token means the same text to both."""
    return bool(one.eos_token_id == other.eos_token_id and one.get_vocab() == other.get_vocab())
