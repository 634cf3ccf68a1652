"""What a step learns from equals what the whole model says of each text alone."""

import math
from dataclasses import replace

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from okapi_kedro.training.models import save_model
from okapi_kedro.training.ppo.experience import experience_of, targets_of
from okapi_kedro.training.ppo.log_probabilities import log_probabilities
from okapi_kedro.training.ppo.rollouts import roll_out

from .toy_loops import ALONE, PROMPTS, length_of, loop_of, policy_from, ppo_settings


def rolled_out(start, **changes):
    settings = ppo_settings(**changes)
    loop = loop_of(start, length_of, settings)
    prompts = loop.prompts.of_step(0, settings.rollouts)
    rollouts = roll_out(loop.policy, loop.tokenizer, length_of, prompts, settings, loop.depths, ALONE, seed=0)
    return loop.policy, rollouts, settings, prompts


@pytest.fixture(scope="module")
def start_of(untrained, tmp_path_factory):
    """Untrained models by architecture; Gemma 2 is one that limits its logits."""
    tokenizer = untrained("llama").tokenizer()
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = Gemma2Config(
        vocab_size=len(tokenizer), num_key_value_heads=1, head_dim=16, final_logit_softcapping=0.05, **shape
    )
    torch.manual_seed(0)
    gemma = save_model(Gemma2ForCausalLM(config), tokenizer, tmp_path_factory.mktemp("gemma2"))
    return lambda architecture: gemma if architecture == "gemma2" else untrained(architecture)


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("architecture", ["bloom", "llama", "gemma2"])
def test_figures_equal_those_of_the_whole_model_for_each_text_alone(architecture, blocks, start_of):
    policy, rollouts, settings, prompts = rolled_out(start_of(architecture), trainable_blocks=blocks, temperature=0.8)
    torch.nn.init.normal_(policy.value_head.weight)
    experience = experience_of(policy, rollouts, settings, ALONE)
    model = start_of(architecture).causal_lm().eval()
    for row, (_, prompt) in enumerate(prompts):
        drawn = experience.tokens[row][experience.drawn[row]]
        with torch.no_grad():
            out = model(torch.tensor([[*prompt, *drawn.tolist()]]), output_hidden_states=True)
        before = slice(len(prompt) - 1, -1)
        distribution = torch.distributions.Categorical(logits=out.logits[0, before] / 0.8)
        values = policy.value_head(out.hidden_states[-1][0, before])[:, 0]
        for figures, expected in (
            (experience.log_probs, distribution.log_prob(drawn)),
            (experience.entropies, distribution.entropy()),
            (experience.values, values),
        ):
            torch.testing.assert_close(figures[row][experience.drawn[row]], expected, atol=2e-5, rtol=0)
            assert not figures[row][~experience.drawn[row]].any()
    assert experience.scores.tolist() == experience.drawn.sum(dim=1).tolist()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_before_the_first_update_every_ratio_is_1_and_the_divergence_0_to_the_bit(
    architecture, blocks, precision, untrained
):
    policy, rollouts, settings, _ = rolled_out(untrained(architecture), trainable_blocks=blocks, precision=precision)
    experience = experience_of(policy, rollouts, settings, ALONE)
    assert torch.equal(experience.log_probs, experience.reference_log_probs)
    assert not experience.divergences.any()
    for batch in rollouts.batches.values():
        with policy.computing():
            states = batch.states(policy.top, batch.drawn)
            learning = log_probabilities(states, policy.top.head, batch.tokens[batch.drawn], 1.0, 5)
        assert learning.requires_grad
        old = experience.log_probs[batch.rows, : batch.drawn.shape[1]][batch.drawn]
        assert torch.equal(torch.exp(learning - old), torch.ones_like(old))


def test_responses_with_figures_that_are_not_finite_are_left_out(babbling):
    """The others' targets are those of a step without them."""
    policy, rollouts, settings, _ = rolled_out(babbling)
    whole = experience_of(policy, rollouts, settings, ALONE)
    for bad in (math.nan, math.inf, -math.inf):
        scores = rollouts.scores.clone()
        scores[[2, 5]] = bad
        experience = experience_of(policy, replace(rollouts, scores=scores), settings, ALONE)
        assert experience.kept.tolist() == [row not in (2, 5) for row in range(8)]
        targets = targets_of(experience, 0.02, settings)
        kept = [0, 1, 3, 4, 6, 7]
        without = targets_of(
            replace(whole, **{name: value[kept] for name, value in vars(whole).items()}), 0.02, settings
        )
        torch.testing.assert_close(targets.advantages[kept], without.advantages)
        torch.testing.assert_close(targets.returns[kept], without.returns)
        assert not targets.advantages[[2, 5]].any()
        assert not targets.returns[[2, 5]].any()


def test_scores_are_clipped_and_then_lowered_where_the_end_is_missing(babbling):
    policy, rollouts, settings, _ = rolled_out(
        babbling, reward_clip=3.0, missing_eos_penalty=2.0, max_new_tokens=4, gae_lambda=1.0
    )
    experience = experience_of(policy, rollouts, settings, ALONE)
    assert {True, False} == set(experience.ended.tolist())
    returns = targets_of(experience, 0.0, settings).returns
    for row in range(len(PROMPTS)):
        score = min(float(experience.scores[row]), 3.0) - (0.0 if experience.ended[row] else 2.0)
        assert returns[row][experience.drawn[row]].tolist() == pytest.approx(
            [score] * int(experience.drawn[row].sum()), abs=1e-6
        )


def test_one_prompt_too_many_for_a_batch_changes_nothing_but_rounding(babbling):
    by_size = []
    for generation_batch_size, capture in ((2, True), (8, True), (4, False)):
        policy, rollouts, settings, _ = rolled_out(
            babbling, generation_batch_size=generation_batch_size, capture_states=capture
        )
        by_size.append(experience_of(policy, rollouts, settings, ALONE))
    for other in by_size[1:]:
        assert torch.equal(other.tokens, by_size[0].tokens)
        torch.testing.assert_close(other.log_probs, by_size[0].log_probs, atol=2e-5, rtol=0)


def test_the_policy_in_half_precision_learns_in_full_precision(babbling):
    policy = policy_from(babbling, ppo_settings(precision="bfloat16"))
    assert {parameter.dtype for parameter in policy.learning.values()} == {torch.float32}
    frozen = {parameter.dtype for parameter in policy.model.parameters() if not parameter.requires_grad}
    assert frozen == {torch.bfloat16}
