"""The hyperparameters that all trainers share, and how they become trainer arguments."""

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator


class TrainingSettings(BaseModel):
    """Optimisation of one training run.

    Args:
        epochs: passes over the training rows.
        learning_rate: peak learning rate of AdamW.
        schedule: learning-rate schedule after warm-up.
        warmup_steps: optimiser steps of linear warm-up.
        batch_size: rows per optimiser step, whatever the number of processes.
        micro_batch_size: rows per forward pass; the rest is accumulated.
        weight_decay: AdamW's weight decay.
        max_length: longest text in tokens; longer rows are kept aside.
        precision: arithmetic of the forward and backward pass.
        gradient_checkpointing: recompute activations to save memory.
        log_steps: optimiser steps between two lines of the training log.
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

    @model_validator(mode="after")
    def _batches_divide(self) -> "TrainingSettings":
        if self.batch_size % self.micro_batch_size:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size}")
        return self

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
            "gradient_accumulation_steps": self.batch_size // self.micro_batch_size,
            "weight_decay": self.weight_decay,
            "adam_beta1": 0.9,
            "adam_beta2": 0.95,
            "use_cpu": not torch.accelerator.is_available(),
            "bf16": self.precision == "bfloat16",
            "gradient_checkpointing": self.gradient_checkpointing,
            "logging_steps": self.log_steps,
            "logging_first_step": True,
            "report_to": "none",
            "disable_tqdm": True,
            "save_strategy": "no",
            "dataloader_pin_memory": False,
            "seed": seed,
            "data_seed": seed,
        }
