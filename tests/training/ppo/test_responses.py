"""Drawn responses: where they end, what is learnt of them, and the states that come with them."""

import pytest
import torch

from okapi_kedro.training.draws import row_keys
from okapi_kedro.training.ppo.responses import draw_responses

from .toy_loops import PROMPTS, policy_from, ppo_settings


def drawn(start, prompts=PROMPTS, names=None, **changes):
    settings = ppo_settings(**changes)
    policy, tokenizer = policy_from(start, settings), start.tokenizer()
    keys = row_keys(names or [str(place) for place in range(len(prompts))], seed=1)
    depths = [policy.trunk.depth] if policy.trunk else []
    return draw_responses(policy, tokenizer, tokenizer(list(prompts))["input_ids"], keys, settings, depths), tokenizer


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_each_text_is_its_prompt_its_response_and_one_end(blocks, babbling):
    responses, tokenizer = drawn(babbling, trainable_blocks=blocks, max_new_tokens=4)
    assert {True, False} == set(responses.ended.tolist())
    for prompt, text, spoken, length, ended in zip(
        tokenizer(PROMPTS)["input_ids"],
        responses.texts(),
        responses.spoken(),
        responses.lengths.tolist(),
        responses.ended.tolist(),
        strict=True,
    ):
        assert text == [*prompt, *spoken, tokenizer.eos_token_id]
        assert tokenizer.eos_token_id not in spoken
        assert length == len(spoken) + ended
        assert length == 4 or ended


def test_the_states_are_those_of_a_pass_over_each_text_alone(babbling):
    for capture in (True, False):
        responses, _ = drawn(babbling, capture_states=capture)
        model = babbling.causal_lm().eval()
        for row, text in enumerate(responses.texts()):
            with torch.no_grad():
                expected = model(torch.tensor([text]), output_hidden_states=True).hidden_states[1][0]
            states = responses.states[1][row][responses.mask[row].bool()]
            torch.testing.assert_close(states, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_response_hangs_on_its_prompt_and_name_alone(blocks, babbling):
    together, _ = drawn(babbling, trainable_blocks=blocks)
    for place in (0, 3):
        alone, _ = drawn(babbling, PROMPTS[place : place + 1], [str(place)], trainable_blocks=blocks)
        assert alone.texts() == together.texts()[place : place + 1]
    another, _ = drawn(babbling, names=[f"other {place}" for place in range(8)], trainable_blocks=blocks)
    assert another.texts() != together.texts()


def test_a_response_of_an_end_alone_is_one_token_that_is_learnt(babbling):
    tokenizer = babbling.tokenizer()
    policy = policy_from(babbling, ppo_settings())
    policy.model.generate = lambda ids, **_: torch.cat([ids, torch.full((len(ids), 1), tokenizer.eos_token_id)], dim=1)
    settings = ppo_settings(capture_states=False)
    prompts = tokenizer(PROMPTS[:2])["input_ids"]
    responses = draw_responses(policy, tokenizer, prompts, row_keys(["0", "1"], 0), settings, [1])
    assert responses.spoken() == [[], []]
    assert responses.lengths.tolist() == [1, 1]
    assert responses.texts() == [[*prompt, tokenizer.eos_token_id] for prompt in prompts]
