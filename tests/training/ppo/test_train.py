"""Training with PPO: it learns, ends where it begins to cheat, and says what is wrong in one line."""

import math

import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.ppo.checkpoints import Progress, weights_of
from okapi_kedro.training.ppo.processes import Processes
from okapi_kedro.training.ppo.train import train_policy
from okapi_kedro.training.pretraining import train_tokenizer

from ..toys import files_of, weights
from .toy_loops import PROMPTS, length_of, loop_of, ppo_settings

COLUMNS = [
    *("step", "reward", "reward_q10", "reward_q50", "reward_q90", "kl", "entropy", "response_tokens"),
    *("distinct_1", "distinct_2", "distinct_responses", "without_eos", "empty", "explained_variance", "skipped"),
    *("kl_coefficient", "policy_loss", "value_loss", "clip_fraction", "grad_norm", "skipped_updates"),
    *("learning_rate", "seconds", "stopped_by"),
]
LONGER = {"rollouts": 32, "generation_batch_size": 32, "minibatch_size": 16, "micro_batch_size": 16, "inner_epochs": 4}


@pytest.fixture(scope="module")
def tuned(babbling, upper_judging, tmp_path_factory) -> tuple[ModelReference, pd.DataFrame, pd.DataFrame]:
    """The babbling model after ten steps, of which every fourth began with answers to held-out prompts."""
    settings = ppo_settings(**LONGER, held_out_every=4, kl={"coefficient": 0.02, "target": 3.0, "horizon": 1000})
    directory = tmp_path_factory.mktemp("tuned")
    held_out = ["Words:", "Words: red"]
    return train_policy(babbling, upper_judging, ["Words:"] * 320, settings, directory, seed=0, held_out=held_out)


def test_the_reward_rises_by_more_than_chance(tuned):
    """The gain over the first three steps' mean is beyond two standard errors of both means."""
    rewards = tuned[1]["reward"]
    first, last = rewards.iloc[:3], rewards.iloc[-3:]
    error = math.sqrt(first.var() / 3 + last.var() / 3)
    assert last.mean() - first.mean() > 2 * error
    assert last.mean() > first.mean() + 1


def test_the_log_has_a_line_for_each_step_and_every_figure(tuned):
    log = tuned[1]
    assert list(log.columns) == COLUMNS
    assert log["step"].tolist() == list(range(1, 11))
    assert log.drop(columns="stopped_by").notna().all(axis=None)
    assert log["stopped_by"].isna().all()
    assert log["kl"].iloc[0] == 0
    assert (log["kl"].iloc[1:] > 0).all()
    assert (log["skipped"] == 0).all()


def test_the_coefficient_follows_the_divergence(tuned):
    """Below the target of 3 it falls, above it rises, by no more than a fifth of 32 / 1000."""
    log = tuned[1]
    for before, after in zip(log.itertuples(), log.iloc[1:].itertuples(), strict=False):
        factor = 1 + max(-0.2, min(0.2, before.kl / 3 - 1)) * 32 / 1000
        assert after.kl_coefficient == pytest.approx(before.kl_coefficient * factor)


def test_the_held_out_prompts_are_answered_before_during_and_after(tuned):
    answers = tuned[2]
    assert answers["step"].tolist() == [0, 0, 4, 4, 8, 8, 10, 10]
    assert answers["prompt"].tolist() == ["Words:", "Words: red"] * 4
    assert answers.groupby("step")["reward"].mean().loc[10] > answers.groupby("step")["reward"].mean().loc[0]


def test_only_the_last_block_has_changed_in_the_saved_model(tuned, babbling):
    before, after = weights(babbling), weights(tuned[0])
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("model.layers.1.") for name in changed)
    assert before.keys() == after.keys()
    assert AutoModelForCausalLM.from_pretrained(tuned[0].name).dtype == babbling.causal_lm().dtype


def test_start_and_judge_stay_as_they_are_and_a_seed_gives_the_same_again(babbling, upper_judging, tmp_path):
    before = files_of(babbling), files_of(upper_judging)
    runs = [
        train_policy(babbling, upper_judging, PROMPTS, ppo_settings(), tmp_path / name, seed, held_out=["x"])
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    ]
    assert (files_of(babbling), files_of(upper_judging)) == before
    assert files_of(runs[0][0]) == files_of(runs[1][0])
    pd.testing.assert_frame_equal(runs[0][1].drop(columns="seconds"), runs[1][1].drop(columns="seconds"))
    pd.testing.assert_frame_equal(runs[0][2], runs[1][2])
    assert files_of(runs[0][0])["model.safetensors"] != files_of(runs[2][0])["model.safetensors"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_weights_are_saved_in_the_type_that_they_had(precision, babbling, upper_judging, tmp_path):
    """What is frozen is saved to the bit, also where it was computed with in half precision."""
    start = save_model(babbling.causal_lm().bfloat16(), babbling.tokenizer(), tmp_path / "start")
    settings = ppo_settings(precision=precision, learning_rate=0.01)
    model, *_ = train_policy(start, upper_judging, PROMPTS, settings, tmp_path / "run", seed=0)
    before, after = weights(start), weights(model)
    assert {weight.dtype for weight in after.values()} == {torch.bfloat16}
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("model.layers.1.") for name in changed)


def hacked(babbling, tmp_path, score=length_of, steps=30, **changes):
    settings = ppo_settings(**{**LONGER, "kl": {"coefficient": 0.0, "target": None}, **changes})
    loop = loop_of(babbling, score, settings, prompts=["Words:"] * 32)
    return loop, loop.run(Progress(kl_coefficient=settings.kl.coefficient), steps, tmp_path)


def count_of(token):
    """More of one token is better."""
    return lambda responses: (responses.ids == token).sum(dim=1).float()


@pytest.mark.parametrize(
    ("stop", "cheat", "blocks"),
    [
        ({"kl_ceiling": 3.0}, "longer", 1),
        ({"without_eos_ceiling": 0.6}, "longer", 1),
        ({"distinct_floor": 0.3}, "one word", 0),
        ({"entropy_floor": 1.0}, "shorter", 0),
    ],
)
def test_a_reward_that_can_be_cheated_ends_the_training_with_the_best_policy(stop, cheat, blocks, babbling, tmp_path):
    [good] = babbling.tokenizer()(" good")["input_ids"]
    score = {"longer": length_of, "shorter": lambda responses: -length_of(responses), "one word": count_of(good)}[cheat]
    loop, end = hacked(babbling, tmp_path, score, stop=stop, trainable_blocks=blocks)
    [rule] = stop
    assert end.stopped_by.startswith(rule)
    assert 0 < end.best.step < end.step == len(end.log) - 1 < 30
    assert [row["stopped_by"] for row in end.log] == [None] * end.step + [end.stopped_by]
    assert end.best.step == max(range(end.step), key=lambda step: end.log[step]["reward"])
    assert all(torch.equal(weight, end.best.weights[name]) for name, weight in weights_of(loop.policy).items())
    assert "policy_loss" not in end.log[-1]


def test_without_limits_nothing_ends_it(babbling, tmp_path):
    _, end = hacked(babbling, tmp_path, steps=8)
    assert (end.step, end.stopped_by, end.best) == (8, None, None)


def test_the_policy_that_was_best_answers_last(babbling, tmp_path):
    settings = ppo_settings(**LONGER, stop={"kl_ceiling": 3.0}, held_out_every=100)
    loop = loop_of(babbling, length_of, settings, prompts=["Words:"] * 32, held_out=["Words:"])
    end = loop.run(Progress(kl_coefficient=0.0), 30, tmp_path)
    assert [row["step"] for row in end.held_out] == [0, end.best.step]
    assert end.held_out[-1]["reward"] >= end.held_out[0]["reward"]


def test_a_start_beyond_a_limit_is_an_error_that_says_so(babbling, tmp_path):
    with pytest.raises(UserError, match=r"before it had learnt anything \(entropy_floor: entropy .* is below 50\)"):
        hacked(babbling, tmp_path, stop={"entropy_floor": 50.0})


def test_all_responses_alike_are_learnt_from_without_a_bad_number(babbling, tmp_path):
    """Drawn cold from one prompt, they all are one, with one reward: nothing to choose, but a value to learn."""
    settings = ppo_settings(temperature=1e-4)
    loop = loop_of(babbling, length_of, settings, prompts=["Words:"])
    end = loop.run(Progress(kl_coefficient=0.02), 2, tmp_path)
    assert all(math.isfinite(row[name]) for row in end.log for name in ("kl", "policy_loss", "value_loss", "grad_norm"))
    assert end.log[0]["distinct_responses"] == 1 / 8
    assert all(weight.isfinite().all() for weight in weights_of(loop.policy).values())


def test_a_reward_that_is_not_a_number_is_skipped_and_counted(babbling, tmp_path):
    def sometimes(responses):
        return torch.where(responses.lengths > 4, math.nan, responses.lengths.float())

    loop = loop_of(babbling, sometimes, ppo_settings(**LONGER), prompts=["Words:"] * 32)
    end = loop.run(Progress(kl_coefficient=0.02), 2, tmp_path)
    assert all(0 < row["skipped"] < 32 for row in end.log)
    assert all(row["response_tokens"] <= 4 for row in end.log)
    assert all(weight.isfinite().all() for weight in weights_of(loop.policy).values())


def test_no_reward_that_is_a_number_is_an_error_and_leaves_the_policy_alone(babbling, tmp_path):
    loop = loop_of(babbling, lambda responses: torch.full((len(responses.ids),), math.nan), ppo_settings())
    before = weights_of(loop.policy)
    with pytest.raises(UserError, match="step 1 has a finite reward") as caught:
        loop.run(Progress(kl_coefficient=0.02), 2, tmp_path)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(weight, before[name]) for name, weight in weights_of(loop.policy).items())


def test_a_gradient_without_a_finite_number_is_an_error_and_leaves_the_policy_alone(babbling, tmp_path):
    def monstrous(responses):
        return 1e30 * responses.lengths.float()

    loop = loop_of(babbling, monstrous, ppo_settings(reward_clip=None))
    before = weights_of(loop.policy)
    with pytest.raises(UserError, match="no update of PPO's step 1 has a finite gradient"):
        loop.run(Progress(kl_coefficient=0.02), 2, tmp_path)
    assert all(torch.equal(weight, before[name]) for name, weight in weights_of(loop.policy).items())


def test_the_learning_rate_warms_up(babbling, tmp_path):
    loop = loop_of(babbling, length_of, ppo_settings(warmup_steps=4, learning_rate=1e-3))
    end = loop.run(Progress(kl_coefficient=0.02), 6, tmp_path)
    assert [row["learning_rate"] for row in end.log] == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3, 1e-3])


def test_every_prompt_is_drawn_once_in_an_epoch_in_an_order_of_its_own(babbling):
    prompts = loop_of(babbling, length_of, ppo_settings()).prompts
    steps = [prompts.of_step(step, 6) for step in range(4)]
    names = [name for step in steps for name, _ in step]
    assert len(set(names)) == 24
    by_place = dict(pair for step in steps for pair in step)
    epochs = [[by_place[f"rollout {8 * epoch + place}"] for place in range(8)] for epoch in range(3)]
    assert all(sorted(epoch) == sorted(prompts.tokens) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert all([len(ids) for _, ids in step] == sorted((len(ids) for _, ids in step), reverse=True) for step in steps)


@pytest.mark.parametrize(
    ("prompts", "changes", "message"),
    [
        ([], {}, "PPO has 0 prompts for 1 epochs, a step takes 8"),
        (PROMPTS, {"epochs": 0.5}, "PPO has 8 prompts for 0.5 epochs, a step takes 8"),
        ([*PROMPTS, "red " * 99], {}, "1 of 10 prompts for PPO have more than 64 tokens"),
        ([*PROMPTS, ""], {}, "prompt 9 of 10 for PPO is empty"),
    ],
)
def test_prompts_that_do_not_fit_are_an_error_of_one_line(prompts, changes, message, babbling, upper_judging, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        train_policy(babbling, upper_judging, prompts, ppo_settings(**changes), tmp_path, seed=0, held_out=["x"])
    assert "\n" not in str(caught.value)


def test_a_prompt_and_response_beyond_the_models_window_are_an_error(babbling, upper_judging, tmp_path):
    model = babbling.causal_lm()
    model.config.max_position_embeddings = 20
    short = save_model(model, babbling.tokenizer(), tmp_path / "short")
    with pytest.raises(UserError, match="positions and the model has 20"):
        train_policy(short, upper_judging, PROMPTS, ppo_settings(max_new_tokens=16), tmp_path / "run", seed=0)


@pytest.mark.parametrize("missing", ["start", "judge"])
def test_a_model_that_does_not_exist_is_an_error_of_one_line(missing, babbling, upper_judging, tmp_path):
    nowhere = ModelReference(str(tmp_path / "nowhere"))
    start, judge = (nowhere, upper_judging) if missing == "start" else (babbling, nowhere)
    with pytest.raises(UserError, match="nowhere") as caught:
        train_policy(start, judge, PROMPTS, ppo_settings(), tmp_path, seed=0)
    assert "\n" not in str(caught.value)


def test_a_judge_with_a_tokenizer_of_its_own_is_trained_against(babbling, judging, tmp_path):
    other = train_tokenizer(["quite other words are good and bad"], 400)
    judge = save_model(judging[0].reward_model(), other, tmp_path / "judge")
    _, log, _ = train_policy(babbling, judge, PROMPTS, ppo_settings(), tmp_path / "run", seed=0)
    assert log["reward"].notna().all()


def test_two_processes_learn_what_one_does(babbling, upper_judging, tmp_path):
    runs = [
        train_policy(
            babbling,
            upper_judging,
            PROMPTS,
            ppo_settings(processes=processes, learning_rate=1e-4, epochs=2),
            tmp_path / str(processes),
            seed=0,
            held_out=["Words:"],
        )
        for processes in (1, 2)
    ]
    (one, log, answers), (two, other_log, other_answers) = runs
    pd.testing.assert_frame_equal(log.drop(columns="seconds"), other_log.drop(columns="seconds"), rtol=1e-3, atol=1e-4)
    pd.testing.assert_frame_equal(answers, other_answers, rtol=1e-3)
    start = weights(babbling)
    moved = max(float((weight - start[name]).abs().max()) for name, weight in weights(one).items())
    for name, weight in weights(one).items():
        torch.testing.assert_close(weights(two)[name], weight, atol=moved / 50, rtol=0)


def test_the_sum_over_one_process_is_its_own():
    alone = Processes(0, 1)
    values = torch.tensor([1.0, 2.0])
    assert alone.sum(values) is values
    alone.sum_gradients([torch.nn.Parameter(values)])
    alone.wait()
