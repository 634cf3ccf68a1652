"""Reinforcement learning against the reward model (Okapi, section 3.3)."""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from okapi_kedro.pipelines.sft.nodes import new_directory
from okapi_kedro.training.lengths import set_aside_long, token_counts
from okapi_kedro.training.models import ModelReference, device
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.train import train_policy
from okapi_kedro.training.preference_optimization import DpoSettings, optimize_preferences
from okapi_kedro.training.prompt import PromptTemplate, completion_of, prompt_of
from okapi_kedro.training.reinforcement import ReinforcementSettings, reinforce
from okapi_kedro.training.reward import rewards
from okapi_kedro.training.sampling import SamplingSettings, respond


class RlParameters(BaseModel):
    """Reinforcement learning and its check on held-out prompts.

    Args:
        algorithm: what tunes the policy.
        ppo: settings of `ppo`, the paper's.
        groups: settings of `rloo` and `grpo`.
        dpo: settings of `dpo`, which needs no reward model and learns from the preference pairs.
        watched_prompts: at most so many held-out prompts are answered while PPO goes on.
        checked_prompts: at most so many held-out prompts are answered before and after.
        answers: how they are answered.
    """

    model_config = ConfigDict(extra="forbid")

    algorithm: Literal["ppo", "rloo", "grpo", "dpo"]
    ppo: PpoSettings
    groups: ReinforcementSettings
    dpo: DpoSettings
    watched_prompts: NonNegativeInt
    checked_prompts: int
    answers: SamplingSettings

    @property
    def settings(self) -> PpoSettings | ReinforcementSettings | DpoSettings:
        """Those of the algorithm."""
        own: dict[str, PpoSettings | DpoSettings] = {"ppo": self.ppo, "dpo": self.dpo}
        return own.get(self.algorithm, self.groups)

    @property
    def longest_prompt(self) -> int:
        """In tokens."""
        chosen = self.settings
        return chosen.max_prompt_length if isinstance(chosen, PpoSettings) else chosen.training.max_length


def build_rl_prompts(
    translated: pd.DataFrame, template: PromptTemplate, sft_model: ModelReference, parameters: RlParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The prompts of the RL split that fit into the model's length, and the others."""
    rows = translated[translated["split"] == "rl"]
    prompts = [prompt_of(row.instruction, row.input, template) for row in rows.itertuples()]
    table = pd.DataFrame(
        {"id": rows["id"], "prompt": prompts, "reference": rows["output"], "held_out": rows["held_out"]}
    )
    lengths = token_counts(sft_model.tokenizer(), prompts)
    return set_aside_long(table, lengths, parameters.longest_prompt)


def tune_policy(
    sft_model: ModelReference,
    reward_model: ModelReference,
    prompts: pd.DataFrame,
    pairs: pd.DataFrame,
    parameters: RlParameters,
    checkpoints: Path,
    seed: int,
) -> tuple[ModelReference, pd.DataFrame, pd.DataFrame]:
    """The SFT model tuned to responses of higher reward, its training log, and answers to some held-out prompts.

    The answers are PPO's, as it goes on; the other algorithms have none.
    """
    training = prompts.loc[~prompts["held_out"], "prompt"].tolist()
    watched = prompts.loc[prompts["held_out"], "prompt"].head(parameters.watched_prompts).tolist()
    if parameters.algorithm == "ppo":
        return train_policy(sft_model, reward_model, training, parameters.ppo, checkpoints, seed, watched)
    if parameters.algorithm == "dpo":
        tuned = optimize_preferences(sft_model, pairs, parameters.dpo, new_directory(), seed)
    else:
        tuned = reinforce(
            sft_model, reward_model, training, parameters.groups, parameters.algorithm, new_directory(), seed
        )
    return (*tuned, pd.DataFrame(columns=["step", "prompt", "response", "reward"]).astype(_ANSWERS))


_ANSWERS = {"step": "int64", "prompt": "str", "response": "str", "reward": "float64"}


def compare_policies(
    sft_model: ModelReference,
    rlhf_model: ModelReference,
    reward_model: ModelReference,
    prompts: pd.DataFrame,
    parameters: RlParameters,
    seed: int,
) -> pd.DataFrame:
    """Responses before and after to held-out prompts, side by side with their rewards."""
    held_out = prompts[prompts["held_out"]].head(parameters.checked_prompts).reset_index(drop=True)
    network, tokenizer = reward_model.reward_model().to(device()).eval(), reward_model.tokenizer()
    table, names = held_out[["id", "prompt", "reference"]], held_out["id"].tolist()
    asked = held_out["prompt"].tolist()
    for name, model in (("sft", sft_model), ("rlhf", rlhf_model)):
        responses = respond(model, asked, parameters.answers, seed, f"{name} on held-out prompts", names)
        texts = [prompt + completion_of(response.text) for prompt, response in zip(asked, responses, strict=True)]
        values = rewards(network, tokenizer, texts, parameters.answers.batch_size)
        columns = {f"{name}_response": [r.text for r in responses], f"{name}_reward": values}
        table = table.assign(**columns)
    return table
