"""An iteration as trlX runs it with its hydra head, which is that of Okapi's released code.

One model and a frozen copy of its top blocks; the trunk runs anew in every pass. As in trlX, logits are made at every
place, those of the prompt too, and the value head has a hidden layer of twice the width. More kindly than there, the
embeddings are frozen like ours, so that no gradient goes through the trunk. The reward model is a whole one beside it.
"""

import torch
from peak_memory import peak_mb
from phases import Line, Phases, resident_bytes, settings
from torch import nn
from transformers import GenerationConfig

from okapi_kedro.training.frozen_trunk import positions, reference_of, split_policy
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo.advantages import generalized_advantages, token_rewards, whiten
from okapi_kedro.training.ppo.losses import policy_losses, value_losses


class Hydra:
    """A model whose passes start at the embeddings.

    Args:
        chosen: the benchmark's settings.
    """

    def __init__(self, chosen: dict) -> None:
        start, judge = (ModelReference(str(chosen["folder"] / name)) for name in ("policy", "reward"))
        self.model, self.reward_model = start.causal_lm(), judge.reward_model().requires_grad_(False).eval()
        self.blocks, self.padding = chosen["blocks"], start.tokenizer().pad_token_id
        self.reference = reference_of(split_policy(self.model, self.blocks).top)
        width = self.model.get_output_embeddings().weight.shape[1]
        self.value_head = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        self.learning = [p for p in (*self.model.parameters(), *self.value_head.parameters()) if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.learning, lr=1e-6, betas=(0.9, 0.95))
        self.chosen = chosen

    def draw(self, prompts: torch.Tensor) -> torch.Tensor:
        config = GenerationConfig(
            do_sample=True,
            top_k=0,
            temperature=self.chosen["temperature"],
            max_new_tokens=self.chosen["new_tokens"],
            pad_token_id=self.padding,
        )
        return torch.cat(
            [
                self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
                for ids in prompts.split(self.chosen["generation_batch"])
            ]
        )

    def rewards(self, sequences: torch.Tensor) -> torch.Tensor:
        parts = sequences.split(self.chosen["generation_batch"])
        return torch.cat([self.reward_model(ids, attention_mask=torch.ones_like(ids)).logits[:, 0] for ids in parts])

    def forward(self, ids: torch.Tensor, with_reference: bool) -> tuple[torch.Tensor, ...]:
        """Log-probabilities and values at every place; the reference's log-probabilities too."""
        mask = torch.ones_like(ids)
        outputs = self.model(
            ids, attention_mask=mask, position_ids=positions(mask), output_hidden_states=True, use_cache=False
        )
        values = self.value_head(outputs.hidden_states[-1])[..., 0]
        log_probs = of_labels(outputs.logits, ids)
        if not with_reference:
            return log_probs, values
        branch = self.reference(outputs.hidden_states[-self.blocks - 1], mask)
        return log_probs, values, of_labels(self.reference.head(branch), ids)


def of_labels(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The log-probability of each token after the first."""
    return logits[:, :-1].log_softmax(dim=-1).gather(-1, ids[:, 1:, None])[..., 0]


def iterate(hydra: Hydra, prompts: torch.Tensor, phases: Phases) -> dict:
    """One iteration: what was scored, with the rewards."""
    chosen = hydra.chosen
    response = slice(prompts.shape[1] - 1, None)
    with torch.no_grad():
        with phases("generation"):
            sequences = hydra.draw(prompts)
        with phases("reward"):
            rewards = hydra.rewards(sequences)
        with phases("scoring"):
            passes = [hydra.forward(ids, with_reference=True) for ids in sequences.split(chosen["generation_batch"])]
            log_probs, values, reference = (torch.cat(part)[:, response] for part in zip(*passes, strict=True))
            values = values[:, :-1]
            mask = torch.ones_like(log_probs, dtype=torch.bool)
            per_token = token_rewards(rewards, log_probs, reference, mask, 0.05)
            advantages, returns = generalized_advantages(per_token, values, mask, 1.0, 0.95)
            advantages = whiten(advantages, mask)
    with phases("update"):
        for _ in range(chosen["inner_epochs"]):
            for rows in torch.randperm(len(sequences)).split(chosen["minibatch"]):
                now, now_values = (part[:, response] for part in hydra.forward(sequences[rows], with_reference=False))
                loss = policy_losses(now, log_probs[rows], advantages[rows], 0.2).mean()
                loss = loss + value_losses(now_values[:, :-1], values[rows], returns[rows], 0.2).mean()
                loss.backward()
                nn.utils.clip_grad_norm_(hydra.learning, 1.0)
                hydra.optimizer.step()
                hydra.optimizer.zero_grad()
    return {"sequences": sequences.tolist(), "rewards": rewards.tolist()}


def main() -> None:
    line, chosen, phases = Line(), settings(), Phases()
    hydra, prompts = Hydra(chosen), torch.tensor(chosen["prompts"])
    line.say({"parameter_bytes": resident_bytes([hydra.model, hydra.reference, hydra.value_head, hydra.reward_model])})
    for _ in range(chosen["iterations"]):
        line.wait()
        phases.taken()
        scored = iterate(hydra, prompts, phases)
        line.say({"seconds": phases.taken(), "peak_mb": peak_mb(), **scored})


if __name__ == "__main__":
    main()
