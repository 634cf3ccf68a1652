"""Short trainings with made-up rewards."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo.loop import Loop
from okapi_kedro.training.ppo.policy import Policy, policy_of
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.responses import Responses
from okapi_kedro.training.ppo.rollouts import Prompts
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.update import optimizer_of

PROMPTS = ["Words:", "Name the colour: grass", "Words: red blue", "நல்ல Words:", "x", "Name", "Words: 17", "雪 Words:"]
ALONE = Processes(0, 1)


def ppo_settings(**changes: Any) -> PpoSettings:
    """Settings of short steps, with changes."""
    values: dict[str, Any] = {
        "trainable_blocks": 1,
        "epochs": 1,
        "rollouts": 8,
        "generation_batch_size": 4,
        "inner_epochs": 2,
        "minibatch_size": 4,
        "micro_batch_size": 2,
        "max_prompt_length": 64,
        "max_new_tokens": 8,
        "learning_rate": 3e-3,
        "kl": {"coefficient": 0.02, "target": None},
        "precision": "float32",
        "logits_chunk": 5,
    }
    return PpoSettings(**{**values, **changes})


def policy_from(start: ModelReference, settings: PpoSettings) -> Policy:
    return policy_of(start.causal_lm(), settings.trainable_blocks, getattr(torch, settings.precision))


def loop_of(
    start: ModelReference,
    score: Callable[[Responses], torch.Tensor],
    settings: PpoSettings,
    prompts: Sequence[str] = PROMPTS,
    held_out: Sequence[str] = (),
    seed: int = 0,
) -> Loop:
    """A training with a reward of one's own."""
    policy, tokenizer = policy_from(start, settings), start.tokenizer()
    optimizer = optimizer_of(policy, settings)
    depths = [policy.trunk.depth] if policy.trunk else []
    tokens = tokenizer(list(prompts))["input_ids"]
    return Loop(policy, optimizer, tokenizer, score, depths, Prompts(tokens, seed), held_out, settings, ALONE)


def length_of(responses: Responses) -> torch.Tensor:
    """Longer is better."""
    return responses.lengths.float()
