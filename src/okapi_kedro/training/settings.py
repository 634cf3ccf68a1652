"""The hyperparameters that all trainers share, and how they become trainer arguments."""

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator


class TrainingSettings(BaseModel):
    """Optimisation of one training run.

    Args:
        epochs: passes over the training rows.
        learning_rate: peak learning rate of AdamW.
        schedule: learning-rate schedule after warm-up.
        warmup_steps: optimiser steps of linear warm-up.
        batch_size: rows per optimiser step, whatever the number of processes.
        micro_batch_size: rows per forward pass of a process; the rest is accumulated.
        weight_decay: AdamW's weight decay.
        max_length: longest text in tokens; longer rows are kept aside.
        precision: arithmetic of the forward and backward pass.
        gradient_checkpointing: recompute activations to save memory.
        log_steps: optimiser steps between two lines of the training log.
        optimizer: AdamW in one kernel per step, or as separate operations where an accelerator lacks that kernel.
        processes: that train together on this machine, each on an accelerator of its own or all on the CPU.
        sharding: `fsdp` divides weights, gradients and optimiser among the processes (FSDP2), `none` gives each all.
        cpu_offload: keep the divided weights and the optimiser in the CPU's memory; needs `fsdp`.
        checkpoint_steps: optimiser steps between two checkpoints, a multiple of `log_steps`; 0 makes none.
        keep_checkpoints: so many of the latest are kept.
        report_to: trackers that transformers reports to, such as tensorboard or wandb.
        early_stopping_patience: training ends after so many evaluations without a lower held-out loss, with the weights
            that it has then; null lets it go on.
    """

    model_config = ConfigDict(extra="forbid")

    epochs: float
    learning_rate: float
    schedule: Literal["cosine", "linear", "constant_with_warmup"]
    warmup_steps: int
    batch_size: PositiveInt
    micro_batch_size: PositiveInt
    weight_decay: float
    max_length: PositiveInt
    precision: Literal["float32", "bfloat16"]
    gradient_checkpointing: bool
    log_steps: PositiveInt
    optimizer: Literal["adamw_torch_fused", "adamw_torch"] = "adamw_torch_fused"
    processes: PositiveInt = 1
    sharding: Literal["none", "fsdp"] = "none"
    cpu_offload: bool = False
    checkpoint_steps: NonNegativeInt = 0
    keep_checkpoints: PositiveInt = 1
    report_to: list[str] = Field(default_factory=list)
    early_stopping_patience: PositiveInt | None = None

    @model_validator(mode="after")
    def _batches_divide(self) -> "TrainingSettings":
        if self.batch_size % (self.micro_batch_size * self.processes):
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size} "
                f"times {self.processes} processes"
            )
        return self

    @model_validator(mode="after")
    def _sharding_has_processes(self) -> "TrainingSettings":
        if self.sharding == "fsdp" and self.processes == 1:
            raise ValueError("sharding fsdp divides a model among processes and there is 1: raise processes")
        if self.cpu_offload and self.sharding == "none":
            raise ValueError("cpu_offload is FSDP's: set sharding to fsdp")
        return self

    @model_validator(mode="after")
    def _logs_end_at_checkpoints(self) -> "TrainingSettings":
        # What is averaged for the next line of the log is in no checkpoint.
        if self.checkpoint_steps % self.log_steps:
            raise ValueError(f"checkpoint_steps {self.checkpoint_steps} is no multiple of log_steps {self.log_steps}")
        return self

    @property
    def micro_batches(self) -> int:
        """So many of a process make one optimiser step."""
        return self.batch_size // (self.micro_batch_size * self.processes)

    def trainer_arguments(self, output_dir: str, seed: int) -> dict[str, Any]:
        """Keyword arguments that transformers' and TRL's configurations have in common."""
        return {
            "output_dir": output_dir,
            "num_train_epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": self.schedule,
            "warmup_steps": self.warmup_steps,
            "per_device_train_batch_size": self.micro_batch_size,
            "per_device_eval_batch_size": self.micro_batch_size,
            "gradient_accumulation_steps": self.micro_batches,
            "weight_decay": self.weight_decay,
            "optim": self.optimizer,
            "adam_beta1": 0.9,
            "adam_beta2": 0.95,
            "use_cpu": not torch.accelerator.is_available(),
            "bf16": self.precision == "bfloat16",
            "gradient_checkpointing": self.gradient_checkpointing,
            "logging_steps": self.log_steps,
            "logging_first_step": True,
            "report_to": self.report_to or "none",
            "log_level_replica": "error",
            "ddp_find_unused_parameters": False,
            "disable_tqdm": True,
            # Checkpoints are made by a callback of ours: training.checkpoints.
            "save_strategy": "no",
            "dataloader_pin_memory": False,
            "seed": seed,
            "data_seed": seed,
            **self._sharding_arguments(),
        }

    def _sharding_arguments(self) -> dict[str, Any]:
        if self.sharding == "none":
            return {}
        return {"fsdp": True, "fsdp_config": {"version": 2, "cpu_offload": self.cpu_offload}}
