"""Our own iteration: states captured while responses are drawn, top blocks for all the rest, reward on the trunk."""

import torch
from peak_memory import peak_mb
from phases import Line, Phases, resident_bytes, settings

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.ppo.experience import experience_of, targets_of
from okapi_kedro.training.ppo.policy import policy_of
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.responses import Responses
from okapi_kedro.training.ppo.rollouts import generator, roll_out
from okapi_kedro.training.ppo.scoring import shared_scorer
from okapi_kedro.training.ppo.settings import KlSettings, PpoSettings
from okapi_kedro.training.ppo.update import optimizer_of, update
from okapi_kedro.training.ppo.watch import watch
from okapi_kedro.training.shared_reward import SharedReward, shares_trunk


def ppo_settings(chosen: dict) -> PpoSettings:
    return PpoSettings(
        trainable_blocks=chosen["blocks"],
        epochs=1,
        rollouts=len(chosen["prompts"]),
        generation_batch_size=chosen["generation_batch"],
        inner_epochs=chosen["inner_epochs"],
        minibatch_size=chosen["minibatch"],
        micro_batch_size=chosen["minibatch"],
        max_prompt_length=1024,
        max_new_tokens=chosen["new_tokens"],
        temperature=chosen["temperature"],
        learning_rate=1e-6,
        kl=KlSettings(coefficient=0.05, target=None),
        precision="float32",
    )


def main() -> None:
    line, chosen, phases = Line(), settings(), Phases()
    options, alone = ppo_settings(chosen), Processes(0, 1)
    start, judge = (ModelReference(str(chosen["folder"] / name)) for name in ("policy", "reward"))
    tokenizer, model, reward_model = start.tokenizer(), start.causal_lm(), judge.reward_model()
    shared = shares_trunk(model, reward_model, torch.float32)
    policy = policy_of(model, options.trainable_blocks, torch.float32)
    reward = SharedReward(reward_model, min(shared, policy.trunk.depth))
    del reward_model
    optimizer = optimizer_of(policy, options)
    scored: dict[str, list] = {}

    def score(responses: Responses) -> torch.Tensor:
        with phases("reward"):
            rewards = shared_scorer(reward, policy)(responses)
        scored["sequences"] += responses.texts()
        scored["rewards"] += rewards.tolist()
        return rewards

    line.say({"parameter_bytes": resident_bytes([policy.model, policy.reference, policy.value_head, reward])})
    prompts = [(f"prompt {place}", ids) for place, ids in enumerate(chosen["prompts"])]
    depths = sorted({policy.trunk.depth, reward.depth})
    for iteration in range(chosen["iterations"]):
        line.wait()
        phases.taken()
        scored.update(sequences=[], rewards=[])
        with phases("generation"):
            rollouts = roll_out(policy, tokenizer, score, prompts, options, depths, alone, iteration)
        with phases("scoring"):
            experience = experience_of(policy, rollouts, options, alone)
            targets = targets_of(experience, options.kl.coefficient, options)
            watch(experience, targets, tokenizer.eos_token_id)
        with phases("update"):
            order = generator("order", iteration, seed=0)
            update(policy, optimizer, rollouts.batches, experience, targets, options, alone, order)
        line.say({"seconds": phases.taken(), "peak_mb": peak_mb(), **scored})


if __name__ == "__main__":
    main()
