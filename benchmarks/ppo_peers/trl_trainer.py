"""TRL's PPOTrainer, timed by phase: its own functions are wrapped, nothing in it is changed.

Runs in an environment with TRL 1.12, the last release that has it. Policy, reference, value and reward model are four
models, as in TRL's own example; the blocks that learn are the same as ours, in the policy and in the value model.
"""

from typing import Any

import torch
from datasets import Dataset
from peak_memory import peak_mb
from phases import Line, Phases, resident_bytes, settings
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer


class Asked(TrainerCallback):
    """Hands in the figures of an iteration and waits until another one is asked for."""

    def __init__(self, line: Line, phases: Phases, scored: dict[str, list[Any]]) -> None:
        self.line, self.phases, self.scored = line, phases, scored

    def on_step_end(self, *args: Any, **options: Any) -> None:
        self.line.say({"seconds": self.phases.taken(), "peak_mb": peak_mb(), **self.scored})
        self.scored.update(sequences=[], rewards=[])
        self.line.wait()
        self.phases.taken()


def freeze_below(model: PreTrainedModel, blocks: int, head: bool) -> PreTrainedModel:
    """Only the last blocks learn, and a value model's head."""
    model.requires_grad_(False)
    backbone = model.base_model
    for block in list(backbone.h if hasattr(backbone, "h") else backbone.layers)[-blocks:]:
        block.requires_grad_(True)
    if head:
        model.score.requires_grad_(True)
    return model


def wrap_phases(phases: Phases, reward_model: PreTrainedModel, scored: dict[str, list[Any]]) -> None:
    """Times the trainer's functions; passes with gradients are the update's, which is all that is not named."""
    get_reward, forward = ppo_trainer.get_reward, ppo_trainer.forward

    def timed_get_reward(model: PreTrainedModel, sequences: torch.Tensor, *args: Any) -> Any:
        if model is not reward_model:
            with phases("scoring"):
                return get_reward(model, sequences, *args)
        with phases("reward"):
            result = get_reward(model, sequences, *args)
        scored["sequences"] += sequences.tolist()
        scored["rewards"] += result[1].tolist()
        return result

    def timed_forward(*args: Any) -> Any:
        with phases("update" if torch.is_grad_enabled() else "scoring"):
            return forward(*args)

    ppo_trainer.get_reward, ppo_trainer.forward = timed_get_reward, timed_forward
    ppo_trainer.batch_generation = phases.timed("generation", ppo_trainer.batch_generation)


def main() -> None:
    line, chosen, phases = Line(), settings(), Phases()
    folder, blocks = chosen["folder"], chosen["blocks"]
    load_reward = AutoModelForSequenceClassification.from_pretrained
    policy = freeze_below(AutoModelForCausalLM.from_pretrained(folder / "policy"), blocks, head=False)
    reference = AutoModelForCausalLM.from_pretrained(folder / "policy").requires_grad_(False)
    value = freeze_below(load_reward(folder / "reward", num_labels=1), blocks, head=True)
    reward = load_reward(folder / "reward", num_labels=1).requires_grad_(False).eval()
    scored: dict[str, list[Any]] = {"sequences": [], "rewards": []}
    wrap_phases(phases, reward, scored)
    rows = chosen["prompts"]
    arguments = PPOConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=len(rows),
        gradient_accumulation_steps=1,
        num_mini_batches=len(rows) // chosen["minibatch"],
        local_rollout_forward_batch_size=chosen["generation_batch"],
        num_ppo_epochs=chosen["inner_epochs"],
        total_episodes=len(rows) * chosen["iterations"],
        response_length=chosen["new_tokens"],
        temperature=chosen["temperature"],
        learning_rate=1e-6,
        vf_coef=1.0,
        num_sample_generations=0,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = PPOTrainer(
        args=arguments,
        processing_class=AutoTokenizer.from_pretrained(folder / "policy", padding_side="left"),
        model=policy,
        ref_model=reference,
        reward_model=reward,
        value_model=value,
        train_dataset=Dataset.from_dict({"input_ids": rows}),
        callbacks=[Asked(line, phases, scored)],
    )
    line.say({"parameter_bytes": resident_bytes([policy, reference, value, reward])})
    line.wait()
    phases.taken()
    trainer.train()


if __name__ == "__main__":
    main()
