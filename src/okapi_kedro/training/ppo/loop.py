"""The loop of PPO: a step draws responses, looks at them and learns from them."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from okapi_kedro.errors import UserError
from okapi_kedro.training.draws import row_keys
from okapi_kedro.training.ppo.checkpoints import Best, Progress, save_checkpoint, set_weights, weights_of
from okapi_kedro.training.ppo.experience import Experience, MicroBatch, Targets, experience_of, targets_of
from okapi_kedro.training.ppo.kl_controller import next_kl_coefficient
from okapi_kedro.training.ppo.policy import Policy
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.responses import draw_responses
from okapi_kedro.training.ppo.rollouts import Prompts, generator, roll_out
from okapi_kedro.training.ppo.scoring import Scorer
from okapi_kedro.training.ppo.settings import PpoSettings
from okapi_kedro.training.ppo.stop_rules import passed_limits, reason_to_stop
from okapi_kedro.training.ppo.update import update
from okapi_kedro.training.ppo.watch import Row, watch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loop:
    """All that a step works with.

    Args:
        policy: learns in place.
        optimizer: AdamW of the policy's weights that learn.
        tokenizer: of the policy.
        score: the reward of responses.
        depths: after how many blocks the trunk's states are needed.
        prompts: that responses are drawn to.
        held_out: prompts that are answered now and then, always with the same draws.
        settings: the algorithm and its watch.
        processes: that share each step.
    """

    policy: Policy
    optimizer: torch.optim.Optimizer
    tokenizer: PreTrainedTokenizerBase
    score: Scorer
    depths: Sequence[int]
    prompts: Prompts
    held_out: Sequence[str]
    settings: PpoSettings
    processes: Processes

    def run(self, progress: Progress, steps: int, folder: Path) -> Progress:
        """Goes on until so many steps are done, or a limit was passed: then the policy is back at its best.

        Args:
            progress: so far.
            steps: in all.
            folder: of the checkpoints.
        """
        is_first = self.processes.rank == 0
        with tqdm(total=steps, initial=progress.step, desc="PPO", disable=None if is_first else True) as bar:
            while progress.step < steps and not progress.stopped_by:
                progress = self.step(progress)
                bar.update()
                bar.set_postfix({name: progress.log[-1][name] for name in ("reward", "kl")})
                every = self.settings.checkpoint_steps
                if every and progress.step % every == 0 and progress.step < steps:
                    kept = self.settings.keep_checkpoints
                    save_checkpoint(folder, progress, self.policy, self.optimizer, self.processes, kept)
        if progress.stopped_by:
            return self._at_best(progress)
        return self._answered(progress, progress.step)

    def step(self, progress: Progress) -> Progress:
        """One step; nothing is learnt in one that ends the training."""
        started, number = time.perf_counter(), progress.step
        answers = self._answers(number) if number % self.settings.held_out_every == 0 else []
        batches, experience = self._draw(number)
        targets = targets_of(experience, progress.kl_coefficient, self.settings)
        seen: Row = {
            "step": number + 1,
            **watch(experience, targets, self.tokenizer.eos_token_id),
            "kl_coefficient": progress.kl_coefficient,
        }
        stopped_by = reason_to_stop([*progress.log, seen], self.settings.stop)
        best = progress.best if stopped_by else self._better(progress, seen)
        learnt = {} if stopped_by else self._learn(number, batches, experience, targets)
        row: Row = {**seen, **learnt, "seconds": time.perf_counter() - started, "stopped_by": stopped_by}
        kl = self.settings.kl
        return Progress(
            kl_coefficient=next_kl_coefficient(
                progress.kl_coefficient, seen["kl"], self.settings.rollouts, kl.target, kl.horizon
            ),
            step=number if stopped_by else number + 1,
            log=(*progress.log, row),
            held_out=(*progress.held_out, *answers),
            best=best,
            stopped_by=stopped_by,
        )

    def _draw(self, number: int) -> tuple[dict[int, MicroBatch], Experience]:
        """This process's micro-batches of a step, and the figures of all processes' responses.

        Raises:
            UserError: where no response has finite figures.
        """
        rollouts = roll_out(
            self.policy,
            self.tokenizer,
            self.score,
            self.prompts.of_step(number, self.settings.rollouts),
            self.settings,
            self.depths,
            self.processes,
            self.prompts.seed,
        )
        experience = experience_of(self.policy, rollouts, self.settings, self.processes)
        if not experience.kept.any():
            raise UserError(
                f"no response of PPO's step {number + 1} has a finite reward and finite log-probabilities: "
                "look at the reward model, or lower rl.ppo.learning_rate"
            )
        return rollouts.batches, experience

    def _learn(self, number: int, batches: dict[int, MicroBatch], experience: Experience, targets: Targets) -> Row:
        """The figures of the updates.

        Raises:
            UserError: where no update has a finite gradient.
        """
        settings = self.settings
        warm = min(1.0, (number + 1) / max(settings.warmup_steps, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_rate"] * warm
        order = generator("order of micro-batches", number, self.prompts.seed)
        figures = update(self.policy, self.optimizer, batches, experience, targets, settings, self.processes, order)
        if math.isnan(figures.grad_norm):
            raise UserError(
                f"no update of PPO's step {number + 1} has a finite gradient: lower rl.ppo.learning_rate "
                "or set rl.ppo.precision to float32"
            )
        return {**asdict(figures), "learning_rate": settings.learning_rate * warm}

    def _better(self, progress: Progress, seen: Row) -> Best | None:
        """The best policy so far: that which has drawn the step's responses, or the one before."""
        settings = self.settings
        if not settings.stop.has_limits or passed_limits(seen, settings.stop):
            return progress.best
        objective = seen["reward"] - settings.kl.coefficient * seen["kl"]
        if progress.best and progress.best.objective >= objective:
            return progress.best
        return Best(progress.step, objective, weights_of(self.policy))

    def _at_best(self, progress: Progress) -> Progress:
        """After a limit was passed: the policy has its best weights again.

        Raises:
            UserError: where there are none, as the first steps had passed a limit already.
        """
        if progress.best is None:
            raise UserError(
                f"PPO passed a limit of rl.ppo.stop before it had learnt anything ({progress.stopped_by}): "
                "the SFT model itself is beyond it, so set another limit"
            )
        logger.warning(
            "PPO ends before step %d, %s; the policy is the one after %d steps",
            progress.step + 1,
            progress.stopped_by,
            progress.best.step,
        )
        set_weights(self.policy, progress.best.weights)
        return self._answered(progress, progress.best.step)

    def _answered(self, progress: Progress, step: int) -> Progress:
        """With the answers of the policy that is saved, where it has not given them already."""
        if any(row["step"] == step for row in progress.held_out):
            return progress
        return replace(progress, held_out=(*progress.held_out, *self._answers(step)))

    def _answers(self, step: int) -> list[Row]:
        """The policy's answers to the held-out prompts, the same in every process."""
        rows: list[Row] = []
        tokens = self.tokenizer(list(self.held_out))["input_ids"] if self.held_out else []
        keys = row_keys([f"held-out {place}" for place in range(len(tokens))], self.prompts.seed)
        for start in range(0, len(tokens), self.settings.generation_batch_size):
            part = slice(start, start + self.settings.generation_batch_size)
            responses = draw_responses(
                self.policy, self.tokenizer, tokens[part], keys[part], self.settings, self.depths
            )
            texts = self.tokenizer.batch_decode(responses.spoken(), skip_special_tokens=True)
            rewards = self.score(responses).tolist()
            rows += [
                {"step": step, "prompt": prompt, "response": text.strip(), "reward": reward}
                for prompt, text, reward in zip(self.held_out[part], texts, rewards, strict=True)
            ]
        return rows
