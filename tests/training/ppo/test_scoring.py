"""One text has one reward, however it is read."""

from inspect import getclosurevars

import pytest
import torch

from okapi_kedro.training.models import save_model
from okapi_kedro.training.ppo.scoring import shared_scorer, speak_alike, text_scorer, token_scorer
from okapi_kedro.training.ppo.train import _policy_and_scorer
from okapi_kedro.training.pretraining import train_tokenizer
from okapi_kedro.training.reward import rewards
from okapi_kedro.training.shared_reward import SharedReward

from .test_responses import drawn
from .toy_loops import policy_from, ppo_settings


@pytest.mark.parametrize("max_new_tokens", [3, 12])
def test_states_tokens_and_texts_are_rewarded_alike(max_new_tokens, babbling, upper_judging):
    """Also where responses are cut: they are read as if they had ended there."""
    responses, tokenizer = drawn(babbling, max_new_tokens=max_new_tokens, prompts=["Words:"] * 16)
    judge = upper_judging.reward_model().eval()
    texts = [tokenizer.decode(text[:-1]) for text in responses.texts()]
    again = [[*ids, tokenizer.eos_token_id] for ids in tokenizer(texts)["input_ids"]]
    expected = torch.tensor(rewards(judge, tokenizer, texts, 4))
    policy = policy_from(babbling, ppo_settings())
    by_text = text_scorer(judge, tokenizer, tokenizer)(responses)
    by_tokens = token_scorer(judge, tokenizer)(responses)
    by_states = shared_scorer(SharedReward(upper_judging.reward_model(), 1), policy)(responses)
    torch.testing.assert_close(by_text, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(by_states, by_tokens, atol=1e-5, rtol=0)
    # What was drawn may be other tokens than the tokenizer makes of its text.
    alike = torch.tensor([one == other for one, other in zip(again, responses.texts(), strict=True)])
    assert alike.float().mean() > 0.5
    torch.testing.assert_close(by_tokens[alike], expected[alike], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("judged_by", "blocks", "name"), [("upper", 1, "shared"), ("upper", 0, "token"), ("whole", 1, "token")]
)
def test_the_trunk_is_shared_where_it_is_the_same(judged_by, blocks, name, babbling, judging, upper_judging):
    judge = upper_judging if judged_by == "upper" else judging[0]
    _, score, depths = _policy_and_scorer(
        babbling.causal_lm(), babbling.tokenizer(), judge, ppo_settings(trainable_blocks=blocks)
    )
    assert score.__qualname__.startswith(name)
    assert depths == ([1] if blocks else [])


@pytest.mark.parametrize(("precision", "name"), [("bfloat16", "shared"), ("float32", "token")])
def test_a_rounded_reward_model_shares_the_trunk_of_a_rounded_policy(
    precision, name, babbling, upper_judging, tmp_path
):
    judge = save_model(upper_judging.reward_model().bfloat16(), upper_judging.tokenizer(), tmp_path)
    _, score, _ = _policy_and_scorer(
        babbling.causal_lm(), babbling.tokenizer(), judge, ppo_settings(precision=precision)
    )
    assert score.__qualname__.startswith(name)


def test_half_precision_rounds_the_weights_and_not_the_places(babbling, upper_judging):
    """Rounded rotary frequencies would be up to a radian off some hundred tokens later."""
    _, score, _ = _policy_and_scorer(
        babbling.causal_lm(), babbling.tokenizer(), upper_judging, ppo_settings(precision="bfloat16")
    )
    reward = getclosurevars(score).nonlocals["reward"]
    assert {parameter.dtype for parameter in reward.parameters()} == {torch.bfloat16}
    frequencies = upper_judging.reward_model().base_model.rotary_emb.inv_freq
    assert torch.equal(reward.backbone.rotary_emb.inv_freq, frequencies)


def test_a_reward_model_with_a_tokenizer_of_its_own_reads_the_text(babbling, judging):
    other = train_tokenizer(["quite other words are good and bad"], 400)
    assert not speak_alike(babbling.tokenizer(), other)
    assert speak_alike(babbling.tokenizer(), babbling.tokenizer())
    responses, tokenizer = drawn(babbling)
    judge = judging[0].reward_model().eval()
    judge.config.pad_token_id = other.pad_token_id
    texts = [tokenizer.decode(text[:-1]) for text in responses.texts()]
    expected = torch.tensor(rewards(judge, other, texts, 3))
    torch.testing.assert_close(text_scorer(judge, other, tokenizer)(responses), expected, atol=1e-5, rtol=0)
