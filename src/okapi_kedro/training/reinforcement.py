"""Reinforcement learning by comparing the responses to one prompt with each other, on TRL's trainers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from datasets import Dataset
from pydantic import BaseModel, ConfigDict, Field, model_validator
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, device, save_model
from okapi_kedro.training.reward import rewards
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.training_log import show_progress, training_log

Algorithm = Literal["rloo", "grpo"]
_TRL: dict[Algorithm, tuple[Any, Any]] = {"rloo": (RLOOConfig, RLOOTrainer), "grpo": (GRPOConfig, GRPOTrainer)}
_OUR_NAMES = {"completions/mean_length": "response_tokens", "completions/clipped_ratio": "without_eos"}
"""Columns that PPO's log has as well."""


class ReinforcementSettings(BaseModel):
    """REINFORCE leave-one-out (Ahmadian et al. 2024) and group relative policy optimisation (Shao et al. 2024).

    Args:
        responses_per_prompt: responses drawn for each prompt; each is compared with the others.
        max_new_tokens: longest response in tokens.
        temperature: of the draws.
        kl_coefficient: weight of the divergence from the SFT model in the reward.
        training: optimisation; `max_length` is that of the prompts, `batch_size` counts responses.
    """

    model_config = ConfigDict(extra="forbid")

    responses_per_prompt: int = Field(ge=2)
    max_new_tokens: int
    temperature: float
    kl_coefficient: float
    training: TrainingSettings

    @model_validator(mode="after")
    def _prompts_fill_batches(self) -> "ReinforcementSettings":
        if self.training.batch_size % self.responses_per_prompt:
            raise ValueError(
                f"batch_size {self.training.batch_size} is no multiple of "
                f"responses_per_prompt {self.responses_per_prompt}"
            )
        return self

    @property
    def prompts_per_step(self) -> int:
        return self.training.batch_size // self.responses_per_prompt


def reinforce(
    start: ModelReference,
    reward_model: ModelReference,
    prompts: Sequence[str],
    settings: ReinforcementSettings,
    algorithm: Algorithm,
    directory: Path,
    seed: int,
) -> tuple[ModelReference, pd.DataFrame]:
    """Tunes the SFT model to responses of higher reward and saves it.

    Args:
        start: the SFT model; it is also the reference that the divergence is taken from.
        reward_model: scores prompts with responses.
        prompts: complete prompts to draw responses to.
        settings: the draws and the optimisation.
        algorithm: how responses are compared.
        directory: where the model is saved.
        seed: of the draws and the order of the prompts.

    Raises:
        UserError: when the prompts do not fill one optimiser step.
    """
    if len(prompts) < settings.prompts_per_step:
        raise UserError(
            f"RL has {len(prompts)} prompts to train on, a step takes {settings.prompts_per_step}: "
            "lower rl.groups.training.batch_size or make more instructions"
        )
    scorer, scorer_tokenizer = reward_model.reward_model().to(device()).eval(), reward_model.tokenizer()
    tokenizer = start.tokenizer()

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        texts = [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
        return rewards(scorer, scorer_tokenizer, texts, settings.training.micro_batch_size)

    configuration, trainer_class = _TRL[algorithm]
    arguments = configuration(
        **settings.training.trainer_arguments(str(directory), seed),
        num_generations=settings.responses_per_prompt,
        max_completion_length=settings.max_new_tokens,
        temperature=settings.temperature,
        beta=settings.kl_coefficient,
        disable_dropout=True,
    )
    trainer = trainer_class(
        model=start.name,
        reward_funcs=reward,
        args=arguments,
        train_dataset=Dataset.from_dict({"prompt": list(prompts)}),
        processing_class=tokenizer,
    )
    show_progress(trainer, algorithm.upper())
    trainer.train()
    log = training_log(trainer.state.log_history)
    return save_model(trainer.model, tokenizer, directory), log.rename(columns=_OUR_NAMES)
