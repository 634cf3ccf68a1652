"""Reinforcement learning of the SFT model against the reward model with PPO (Okapi, section 3.3)."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import (
    complete_checkpoints,
    fingerprint_of,
    identity,
    keep_only_own,
    prove_bytes,
    remove_checkpoints,
)
from okapi_kedro.training.launch import launch
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.ppo.checkpoints import Progress, bytes_of_checkpoints, load_checkpoint
from okapi_kedro.training.ppo.layout import PLACES
from okapi_kedro.training.ppo.loop import Loop
from okapi_kedro.training.ppo.policy import Policy, policy_of
from okapi_kedro.training.ppo.processes import join
from okapi_kedro.training.ppo.rollouts import Prompts
from okapi_kedro.training.ppo.scoring import Scorer, shared_scorer, speak_alike, text_scorer, token_scorer
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.shards import gathered
from okapi_kedro.training.ppo.update import optimizer_of
from okapi_kedro.training.ppo.watch import Row
from okapi_kedro.training.shared_reward import SharedReward, shares_trunk

logger = logging.getLogger(__name__)

Tables = tuple[list[Row], list[Row]]


def train_policy(
    start: ModelReference,
    reward_model: ModelReference,
    prompts: Sequence[str],
    settings: PpoSettings,
    directory: Path,
    seed: int,
    held_out: Sequence[str] = (),
) -> tuple[ModelReference, pd.DataFrame, pd.DataFrame]:
    """Tunes the SFT model to responses of higher reward and saves it; an interrupted training is gone on with.

    Args:
        start: the SFT model; it is also the reference that the divergence is taken from.
        reward_model: scores prompts with responses.
        prompts: complete prompts to draw responses to.
        settings: the algorithm and its watch.
        directory: the training's own, for its checkpoints and at the end, in `model`, for the model.
        seed: of the draws and the order of the prompts.
        held_out: prompts that are answered before, during and after the training.

    Returns:
        The tuned model; a log with a line for each step (see `watch`); and the answers to the held-out prompts with
        the columns step (that the policy had done), prompt, response and reward.

    Raises:
        UserError: when prompts do not fill a step or are too long, or when training cannot go on.
    """
    if int(len(prompts) * settings.epochs) < settings.rollouts:
        raise UserError(
            f"PPO has {len(prompts)} prompts for {settings.epochs:g} epochs, a step takes {settings.rollouts}: "
            "lower rl.ppo.rollouts or make more instructions"
        )
    with tempfile.TemporaryDirectory(prefix="okapi-ppo-") as folder:
        rows = Path(folder) / "prompts.parquet"
        pd.DataFrame(
            {"prompt": [*prompts, *held_out], "held_out": [False] * len(prompts) + [True] * len(held_out)}
        ).to_parquet(rows, index=False)
        choices = {"reward_model": identity(reward_model)}
        keep_only_own(directory, fingerprint_of("ppo", start, rows, settings, choices, seed))
        log, answers = launch(
            _train, start, reward_model, rows, settings, directory, seed, processes=settings.processes
        )
    remove_checkpoints(directory)
    columns = ["step", "prompt", "response", "reward"]
    return (
        ModelReference(str(directory / "model"), temporary=True),
        pd.DataFrame(log),
        pd.DataFrame(answers, columns=columns),
    )


def _train(
    start: ModelReference,
    reward_model: ModelReference,
    rows: Path,
    settings: PpoSettings,
    directory: Path,
    seed: int,
) -> Tables:
    """One process's part."""
    processes = join(settings.processes)
    tokenizer, model = start.tokenizer(), start.causal_lm()
    table = pd.read_parquet(rows)
    prompts, held_out = (table.loc[table["held_out"] == which, "prompt"].tolist() for which in (False, True))
    tokens = tokenizer(prompts)["input_ids"]
    _prove_lengths([*tokens, *(tokenizer(held_out)["input_ids"] if held_out else [])], model, settings)
    policy, score, depths = _policy_and_scorer(model, tokenizer, reward_model, settings)
    optimizer = optimizer_of(policy, settings)
    if processes.rank == 0:
        _prove_room(directory, policy, settings)
    progress = Progress(kl_coefficient=settings.kl.coefficient)
    complete = complete_checkpoints(directory)
    if complete:
        logger.info("PPO goes on from %s", complete[-1])
        progress = load_checkpoint(complete[-1], policy, optimizer)
    loop = Loop(policy, optimizer, tokenizer, score, depths, Prompts(tokens, seed), held_out, settings, processes)
    progress = loop.run(progress, int(len(prompts) * settings.epochs) // settings.rollouts, directory)
    learnt = gathered(policy.learning, processes.rank == 0)
    if processes.rank == 0:
        _save(learnt, start, tokenizer, directory / "model")
        rewards = [row["reward"] for row in progress.log]
        logger.info("PPO: %d steps, reward %.3f at first, %.3f at last", progress.step, rewards[0], rewards[-1])
    processes.wait()
    return list(progress.log), list(progress.held_out)


def _prove_lengths(tokens: Sequence[list[int]], model: PreTrainedModel, settings: PpoSettings) -> None:
    lengths = [len(ids) for ids in tokens]
    if min(lengths) == 0:
        raise UserError(f"prompt {lengths.index(0) + 1} of {len(lengths)} for PPO is empty: leave it out")
    longest = max(lengths)
    if longest > settings.max_prompt_length:
        long = sum(length > settings.max_prompt_length for length in lengths)
        raise UserError(
            f"{long} of {len(lengths)} prompts for PPO have more than {settings.max_prompt_length} tokens, the longest "
            f"{longest}: raise rl.ppo.max_prompt_length or leave them out"
        )
    window = getattr(model.config, "max_position_embeddings", None)
    # The end of a text that was cut is read as well.
    needed = longest + settings.max_new_tokens + 1
    if window is not None and needed > window:
        raise UserError(
            f"PPO's longest prompt of {longest} tokens with a response of {settings.max_new_tokens} and its end needs "
            f"{needed} positions and the model has {window}: lower rl.ppo.max_new_tokens or max_prompt_length"
        )


def _policy_and_scorer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, reward_model: ModelReference, settings: PpoSettings
) -> tuple[Policy, Scorer, list[int]]:
    """The policy, the reward, and the depths at which they need the trunk's states.

    Where the lower blocks of policy and reward model are one and the same, the reward is read off the policy's trunk.
    """
    place, precision = PLACES[settings.sharding], getattr(torch, settings.precision)
    judge, judge_tokenizer = reward_model.reward_model(), reward_model.tokenizer()
    alike = speak_alike(tokenizer, judge_tokenizer)
    shared = shares_trunk(model, judge, precision) if alike and settings.trainable_blocks else None
    policy = policy_of(model, settings.trainable_blocks, precision, place)
    depths = [policy.trunk.depth] if policy.trunk else []
    if policy.trunk and shared and policy.trunk.depth:
        depth = min(shared, policy.trunk.depth)
        logger.info("PPO: the reward model reads the states of the policy's first %d blocks", depth)
        upper = SharedReward(judge, depth)
        for parameter in upper.parameters():
            # Not the module: rotary frequencies are no weights and lose places in a long text when they are rounded.
            parameter.data = parameter.data.to(precision)
        place(upper, precision)
        return policy, shared_scorer(upper, policy), sorted({*depths, depth})
    logger.info("PPO: the reward model shares no blocks with the policy's frozen ones and is held beside it")
    place(judge.eval(), None)
    if alike:
        return policy, token_scorer(judge, judge_tokenizer), depths
    return policy, text_scorer(judge, judge_tokenizer, tokenizer), depths


def _prove_room(directory: Path, policy: Policy, settings: PpoSettings) -> None:
    whole = sum(parameter.numel() * parameter.element_size() for parameter in policy.model.parameters())
    count = settings.keep_checkpoints + 1 if settings.checkpoint_steps else 0
    prove_bytes(directory, whole + bytes_of_checkpoints(policy, count))


def _save(
    learnt: Mapping[str, torch.Tensor], start: ModelReference, tokenizer: PreTrainedTokenizerBase, directory: Path
) -> None:
    """Saves the model that the policy started from with the weights that it has learnt, in the type they had there."""
    model = start.causal_lm()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in learnt:
                parameter.copy_(learnt[name])
    save_model(model, tokenizer, directory)
