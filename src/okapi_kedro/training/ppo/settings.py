"""The parameters of PPO."""

from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)


class KlSettings(BaseModel):
    """What the policy pays for leaving the reference (Ziegler et al. 2019, section 2.2).

    Args:
        coefficient: beta, of the first step.
        target: divergence, in nats of a response, that beta is steered to; null keeps beta as it is.
        horizon: responses in which beta can change by about a fifth of itself.
    """

    model_config = ConfigDict(extra="forbid")

    coefficient: NonNegativeFloat
    target: PositiveFloat | None
    horizon: PositiveInt = 10_000


class StopSettings(BaseModel):
    """Limits beyond which the policy is taken to exploit the reward model; null sets none.

    Args:
        kl_ceiling: divergence from the reference, nats of a response.
        entropy_floor: mean entropy of the policy at a token, nats.
        distinct_floor: share of different responses among the responses of a step, from 0 to 1.
        without_eos_ceiling: share of responses that did not end themselves, from 0 to 1.
        patience: training ends when a limit was passed in so many steps in a row.
    """

    model_config = ConfigDict(extra="forbid")

    kl_ceiling: PositiveFloat | None = None
    entropy_floor: PositiveFloat | None = None
    distinct_floor: float | None = Field(default=None, gt=0, le=1)
    without_eos_ceiling: float | None = Field(default=None, ge=0, lt=1)
    patience: PositiveInt = 1

    @property
    def has_limits(self) -> bool:
        return bool(self.model_dump(exclude={"patience"}, exclude_none=True))


class PpoSettings(BaseModel):
    """Reinforcement learning with proximal policy optimisation (Schulman et al. 2017; Ouyang et al. 2022, section 3.5).

    A step draws responses, scores them and learns from them in several inner epochs. Results are the same for any
    `generation_batch_size`, `logits_chunk`, `capture_states`, number of `processes` and `sharding`, but for rounding.

    Args:
        trainable_blocks: how many of the last blocks learn, beside the value head; 0 lets the whole model learn.
        epochs: passes over the prompts.
        rollouts: responses of a step, of all processes.
        generation_batch_size: responses that a process draws together.
        inner_epochs: passes over the responses of a step.
        minibatch_size: responses of an update of the weights, of all processes.
        micro_batch_size: responses of a forward pass; the rest of a minibatch is accumulated.
        max_prompt_length: longest prompt in tokens.
        max_new_tokens: longest response in tokens.
        temperature: of the draws, and of the distributions that are compared.
        learning_rate: of AdamW (betas 0.9 and 0.95, epsilon 1e-8), constant after the warm-up.
        value_learning_rate: that of the value head, which starts from nothing; null takes `learning_rate`.
        warmup_steps: steps in which the learning rates rise to theirs.
        weight_decay: AdamW's.
        max_grad_norm: longest gradient; longer ones are scaled down to it.
        gamma: discount of a reward one token later.
        gae_lambda: of the advantage estimates.
        policy_clip: how far a ratio of probabilities may move from 1.
        value_clip: how far a value may move from the old one.
        value_coefficient: weight of the value loss.
        entropy_coefficient: weight of a bonus for the policy's entropy.
        reward_clip: rewards are held within plus and minus this; null leaves them as they are.
        missing_eos_penalty: taken from the reward, after the clip, of a response that was cut at `max_new_tokens`; it
            is scored as if it had ended there.
        kl: what leaving the reference costs.
        stop: when training ends early.
        precision: arithmetic of forward and backward passes; in bfloat16 the weights that learn stay float32.
        logits_chunk: states whose logits are held at once.
        capture_states: keep the trunk's states while responses are drawn, instead of one pass more over them. Only
            where some blocks are frozen.
        held_out_every: steps between two answers to the held-out prompts.
        processes: that train together on this machine, each on an accelerator of its own or all on the CPU.
        sharding: `fsdp` divides the blocks of policy, reference and reward model among the processes (FSDP2), with the
            gradients and the optimiser of those that learn; embeddings, last norm and head stay whole in each. `none`
            gives each process all.
        checkpoint_steps: steps between two checkpoints; 0 makes none.
        keep_checkpoints: so many of the latest are kept.
    """

    model_config = ConfigDict(extra="forbid")

    trainable_blocks: NonNegativeInt
    epochs: PositiveFloat
    rollouts: PositiveInt
    generation_batch_size: PositiveInt
    inner_epochs: PositiveInt
    minibatch_size: PositiveInt
    micro_batch_size: PositiveInt
    max_prompt_length: PositiveInt
    max_new_tokens: PositiveInt
    temperature: PositiveFloat = 1.0
    learning_rate: NonNegativeFloat
    value_learning_rate: NonNegativeFloat | None = None
    warmup_steps: NonNegativeInt = 0
    weight_decay: NonNegativeFloat = 0.0
    max_grad_norm: PositiveFloat = 1.0
    gamma: float = Field(default=1.0, ge=0, le=1)
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    policy_clip: PositiveFloat = 0.2
    value_clip: PositiveFloat = 0.2
    value_coefficient: NonNegativeFloat = 1.0
    entropy_coefficient: NonNegativeFloat = 0.0
    reward_clip: PositiveFloat | None = 10.0
    missing_eos_penalty: NonNegativeFloat = 0.0
    kl: KlSettings
    stop: StopSettings = StopSettings()
    precision: Literal["float32", "bfloat16"]
    logits_chunk: PositiveInt = 256
    capture_states: bool = True
    held_out_every: PositiveInt = 10
    processes: PositiveInt = 1
    sharding: Literal["none", "fsdp"] = "none"
    checkpoint_steps: NonNegativeInt = 0
    keep_checkpoints: PositiveInt = 1

    @model_validator(mode="after")
    def _sizes_divide(self) -> "PpoSettings":
        sizes = [
            ("rollouts", self.rollouts, "minibatch_size", self.minibatch_size),
            ("minibatch_size", self.minibatch_size, "micro_batch_size", self.micro_batch_size),
            ("generation_batch_size", self.generation_batch_size, "micro_batch_size", self.micro_batch_size),
            ("minibatch_size / micro_batch_size", self.micro_batches, "processes", self.processes),
        ]
        for name, size, part_name, part in sizes:
            if size % part:
                raise ValueError(f"{name} {size} is no multiple of {part_name} {part}")
        return self

    @model_validator(mode="after")
    def _sharding_has_processes(self) -> "PpoSettings":
        if self.sharding == "fsdp" and self.processes == 1:
            raise ValueError("sharding fsdp divides a model among processes and there is 1: raise processes")
        return self

    @property
    def micro_batches(self) -> int:
        """Of a minibatch."""
        return self.minibatch_size // self.micro_batch_size
