"""RL raises the reward that the reward model gives, starting from the SFT model and leaving it as it is."""

import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM, AutoTokenizer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import completion_of
from okapi_kedro.training.reinforcement import reinforce
from okapi_kedro.training.reward import rewards
from okapi_kedro.training.sampling import SamplingSettings, respond

from .toys import FACTS, facts, files_of, rl_settings, training, weights


def mean_reward(model: ModelReference, judge: ModelReference) -> float:
    """Over 64 fresh responses."""
    sampling = SamplingSettings(temperature=1.0, top_p=1.0, max_new_tokens=8, batch_size=64)
    responses = respond(model, ["Words:"] * 64, sampling, seed=11, description="test")
    texts = ["Words:" + completion_of(response.text) for response in responses]
    return sum(rewards(judge.reward_model().eval(), judge.tokenizer(), texts, 64)) / len(texts)


def test_the_tuned_model_earns_more_than_the_model_it_started_from(babbling, judging, tuned):
    assert mean_reward(tuned[0], judging[0]) > mean_reward(babbling, judging[0]) + 1


def test_the_logged_reward_rises(tuned):
    logged = tuned[1]["reward"].dropna()
    assert len(logged) == 10
    assert logged.iloc[-3:].mean() > logged.iloc[:3].mean() + 1


def test_the_policy_starts_at_the_reference_and_leaves_it(tuned):
    divergence = tuned[1]["kl"].dropna().tolist()
    assert divergence[0] == pytest.approx(0, abs=1e-6)
    assert divergence[-1] > 0.05


def test_the_divergence_is_weighed(babbling, judging, tmp_path):
    """A weight beyond every reward holds the policy at the reference."""
    runs = [
        reinforce(
            babbling,
            judging[0],
            ["Words:"] * 24,
            rl_settings(kl_coefficient=weight),
            "rloo",
            tmp_path / str(weight),
            seed=0,
        )[1]["kl"].dropna()
        for weight in (0.001, 50.0)
    ]
    assert runs[1].iloc[-1] < runs[0].iloc[-1] / 2


def test_responses_are_drawn_at_the_temperature(babbling, judging, tmp_path):
    """Drawn cold, the responses to a prompt are one and the same, and so are their rewards."""
    cold, warm = (
        reinforce(babbling, judging[0], ["Words:"] * 4, rl_settings(temperature=t), "rloo", tmp_path / str(t), seed=0)[
            1
        ]
        for t in (0.001, 1.0)
    )
    assert cold["reward_std"].dropna().tolist() == pytest.approx([0], abs=1e-4)
    assert warm["reward_std"].dropna().iloc[0] > 0.1


def test_the_start_and_the_judge_stay_as_they_are(babbling, judging, tmp_path):
    before = files_of(babbling), files_of(judging[0])
    model, _ = reinforce(babbling, judging[0], ["Words:"] * 8, rl_settings(), "rloo", tmp_path, seed=0)
    assert (files_of(babbling), files_of(judging[0])) == before
    start = weights(babbling)
    assert any(not torch.equal(value, start[name]) for name, value in weights(model).items())


def test_what_rl_rewards_is_the_prompt_with_its_response_as_the_judge_learned_to_read_it(knowing, judging, tmp_path):
    """A model that knows its answers by heart, drawn cold and held still: the logged reward is that of the answers."""
    known = facts().head(4)
    settings = rl_settings(
        temperature=0.01, max_new_tokens=12, training=training(learning_rate=0.0, batch_size=16, micro_batch_size=16)
    )
    _, log = reinforce(knowing[0], judging[0], known["prompt"].tolist(), settings, "rloo", tmp_path, seed=0)
    texts = (known["prompt"] + known["completion"]).tolist()
    expected = rewards(judging[0].reward_model().eval(), judging[0].tokenizer(), texts, 4)
    assert list(FACTS.values())[:4] == [text.strip() for text in known["completion"]]
    assert log["reward"].dropna().tolist() == pytest.approx([sum(expected) / 4], abs=1e-4)


def test_the_saved_model_generates_in_plain_transformers(tuned):
    model = AutoModelForCausalLM.from_pretrained(tuned[0].name)
    tokenizer = AutoTokenizer.from_pretrained(tuned[0].name)
    inputs = tokenizer("Words:", return_tensors="pt", return_token_type_ids=False)
    output = model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    greedy = SamplingSettings(temperature=0.0, top_p=1.0, max_new_tokens=8, batch_size=1)
    ours = respond(tuned[0], ["Words:"], greedy, seed=0, description="test")[0].text
    assert tokenizer.decode(output, skip_special_tokens=True).strip() == ours != ""


def test_the_same_seed_gives_the_same_files_and_the_same_log(babbling, judging, tmp_path):
    runs = [
        reinforce(babbling, judging[0], ["Words:"] * 8, rl_settings(), "rloo", tmp_path / name, seed)
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    ]
    assert files_of(runs[0][0]) == files_of(runs[1][0])
    pd.testing.assert_frame_equal(runs[0][1], runs[1][1])
    assert files_of(runs[0][0])["model.safetensors"] != files_of(runs[2][0])["model.safetensors"]


@pytest.mark.parametrize("prompts", [0, 3])
def test_prompts_that_fill_no_step_are_an_error_that_counts_them(prompts, babbling, judging, tmp_path):
    with pytest.raises(UserError, match=rf"^RL has {prompts} prompts to train on, a step takes 4: .*") as caught:
        reinforce(babbling, judging[0], ["Words:"] * prompts, rl_settings(), "rloo", tmp_path, seed=0)
    assert "\n" not in str(caught.value)


def test_a_batch_that_holds_no_whole_number_of_prompts_is_refused_with_both_sizes():
    with pytest.raises(ValidationError, match="batch_size 16 is no multiple of responses_per_prompt 3"):
        rl_settings(responses_per_prompt=3)


def test_a_single_response_has_no_others_to_be_compared_with():
    with pytest.raises(ValidationError, match="responses_per_prompt"):
        rl_settings(responses_per_prompt=1)


@pytest.mark.parametrize("missing", ["start", "judge"])
def test_a_model_that_does_not_exist_is_an_error_of_one_line(missing, babbling, judging, tmp_path):
    nowhere = ModelReference(str(tmp_path / "nowhere"))
    start, judge = (nowhere, judging[0]) if missing == "start" else (babbling, nowhere)
    with pytest.raises(UserError, match="nowhere") as caught:
        reinforce(start, judge, ["Words:"] * 4, rl_settings(), "rloo", tmp_path, seed=0)
    assert "\n" not in str(caught.value)


def test_grpo_learns_the_judge_s_taste_too(babbling, judging, tmp_path):
    model, log = reinforce(babbling, judging[0], ["Words:"] * 40, rl_settings(), "grpo", tmp_path, seed=0)
    rewards = log["reward"].dropna()
    assert rewards.iloc[-2:].mean() > rewards.iloc[:2].mean()
    assert {"kl", "response_tokens", "without_eos"} <= set(log.columns)
    assert weights(model).keys() == weights(babbling).keys()
