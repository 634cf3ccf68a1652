"""States kept while tokens are drawn are those of a pass through the trunk, one for every token of every text."""

import pytest
import torch
from transformers import LogitsProcessorList

from okapi_kedro.errors import UserError
from okapi_kedro.training.captured_states import ends, generate_with_states, trunk_states
from okapi_kedro.training.draws import SeededDraws, row_keys
from okapi_kedro.training.frozen_trunk import blocks_of, split_policy

from .toy_architectures import BLOCKS, CONFIGURATIONS, END, drawing, ending, left_padded, log_probabilities, policy_of

LENGTHS = [3, 9, 8, 1]
PROMPT = max(LENGTHS)


def text_mask(mask, sequences, last):
    """1 for the tokens of each prompt and its response up to the last one."""
    return torch.cat([mask, (torch.arange(PROMPT, sequences.shape[1]) <= last[:, None]).long()], dim=1)


def of_whole(model, ids, mask):
    with torch.no_grad():
        return log_probabilities(model(ids, attention_mask=mask).logits, ids, mask)


@pytest.mark.parametrize("blocks", [1, 2, BLOCKS])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_top_on_captured_states_gives_the_log_probabilities_of_the_whole(name, blocks):
    """Of drawn tokens, of prompts of mixed length, and of the end that closes a response which was cut."""
    model = policy_of(name)
    policy = split_policy(model, blocks)
    ids, mask = left_padded(LENGTHS)
    some_end = ending([2, None, 7, 1], PROMPT)
    sequences, states = generate_with_states(model, ids, mask, drawing(8), policy.trunk.depth, some_end, end=END)
    last = ends(sequences, PROMPT, END)
    assert last.tolist() == [PROMPT + 1, PROMPT + 8, PROMPT + 6, PROMPT]
    whole = text_mask(mask, sequences, last)
    captured = policy.top.head(policy.top(states[policy.trunk.depth], whole))
    expected = of_whole(model, sequences, whole)
    torch.testing.assert_close(log_probabilities(captured, sequences, whole), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_captured_states_are_those_of_one_pass_at_every_depth(name):
    model = policy_of(name)
    trunk = split_policy(model, 1).trunk
    depths = list(range(BLOCKS))
    ids, mask = left_padded(LENGTHS)
    sequences, captured = generate_with_states(model, ids, mask, drawing(6, eos_token_id=None), depths)
    whole = torch.cat([mask, mask.new_ones(len(mask), 6)], dim=1)
    in_one_pass = trunk_states(trunk, sequences, whole, depths)
    assert list(captured) == list(in_one_pass) == depths
    for depth in depths:
        assert captured[depth].shape == (len(LENGTHS), PROMPT + 6, 32)
        found, expected = captured[depth][whole == 1], in_one_pass[depth][whole == 1]
        torch.testing.assert_close(found, expected, rtol=2e-5, atol=2e-5)
    assert not torch.allclose(captured[0], captured[1], atol=0.1)


def test_the_states_at_the_trunk_s_own_depth_are_what_it_gives():
    trunk = split_policy(policy_of("bloom"), 2).trunk
    ids, mask = left_padded(LENGTHS)
    states = trunk_states(trunk, ids, mask, [trunk.depth, 1])
    assert list(states) == [trunk.depth, 1]
    assert torch.equal(states[trunk.depth], trunk(ids, mask))


@pytest.mark.parametrize("end", [None, END])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_responses_are_those_of_plain_generation(name, end):
    model = policy_of(name)
    ids, mask = left_padded(LENGTHS)
    for config in (drawing(12), drawing(1), drawing(7, do_sample=False)):
        torch.manual_seed(5)
        plain = model.generate(ids, attention_mask=mask, generation_config=config)
        torch.manual_seed(5)
        sequences, states = generate_with_states(model, ids, mask, config, 2, end=end)
        assert torch.equal(sequences[:, : plain.shape[1]], plain)
        assert sequences[:, plain.shape[1] :].tolist() == [[] if end is None else [END]] * len(LENGTHS)
        assert states[2].shape[:2] == sequences.shape


def test_where_all_responses_end_early_their_ends_have_states_too():
    model = policy_of("llama")
    policy = split_policy(model, 2)
    ids, mask = left_padded(LENGTHS)
    all_end = ending([2, 1, 4, 3], PROMPT)
    sequences, states = generate_with_states(model, ids, mask, drawing(50), policy.trunk.depth, all_end)
    assert sequences.shape[1] == PROMPT + 4
    whole = text_mask(mask, sequences, ends(sequences, PROMPT, END))
    expected = policy.trunk(sequences, whole)
    torch.testing.assert_close(states[3][whole == 1], expected[whole == 1], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["bloom", "llama"])
def test_the_trunk_reads_every_token_once(name):
    model = policy_of(name)
    ids, mask = left_padded(LENGTHS)
    read = []
    blocks_of(model.base_model)[0].register_forward_pre_hook(lambda _, args: read.append(args[0].shape[1]))
    sequences, _ = generate_with_states(model, ids, mask, drawing(6, eos_token_id=None), 3, end=END)
    assert sum(read) == sequences.shape[1] == PROMPT + 7


def test_a_seeded_draw_is_the_same_in_every_batch():
    model = policy_of("bloom")
    ids, mask = left_padded(LENGTHS)
    keys = row_keys(["a", "b", "c", "d"], seed=0)

    def draw(rows):
        drawn = LogitsProcessorList([SeededDraws(keys[rows], PROMPT)])
        config = drawing(8, do_sample=False, eos_token_id=None)
        return generate_with_states(model, ids[rows], mask[rows], config, 2, logits_processor=drawn)

    together, states = draw(slice(None))
    apart = [draw(slice(row, row + 1)) for row in range(len(keys))]
    assert torch.equal(torch.cat([sequences for sequences, _ in apart]), together)
    on_text = torch.cat([mask, mask.new_ones(len(mask), 8)], dim=1) == 1
    alone = torch.cat([found[2] for _, found in apart])
    torch.testing.assert_close(alone[on_text], states[2][on_text], rtol=2e-5, atol=2e-5)


def test_several_responses_to_each_prompt_have_their_states():
    model = policy_of("llama")
    trunk = split_policy(model, 2).trunk
    ids, mask = left_padded(LENGTHS)
    config = drawing(5, eos_token_id=None, num_return_sequences=3)
    sequences, states = generate_with_states(model, ids, mask, config, trunk.depth)
    whole = torch.cat([mask.repeat_interleave(3, dim=0), torch.ones(12, 5, dtype=torch.long)], dim=1)
    expected = trunk(sequences, whole)
    torch.testing.assert_close(states[3][whole == 1], expected[whole == 1], rtol=2e-5, atol=2e-5)


def test_captured_states_can_be_trained_on():
    model = policy_of("bloom")
    policy = split_policy(model, 2)
    ids, mask = left_padded(LENGTHS)
    sequences, states = generate_with_states(model, ids, mask, drawing(5, eos_token_id=None), policy.trunk.depth)
    whole = torch.cat([mask, mask.new_ones(len(mask), 5)], dim=1)
    log_probabilities(policy.top.head(policy.top(states[3], whole)), sequences, whole).mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in policy.top.blocks.parameters())
    assert not states[3].requires_grad


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_is_recorded_afterwards(broken):
    model = policy_of("llama")
    ids, mask = left_padded(LENGTHS)
    if broken:
        with pytest.raises(ValueError, match="vain"):
            generate_with_states(model, ids, mask, drawing(4), 2, logits_processor=[_fail])
    else:
        generate_with_states(model, ids, mask, drawing(4), 2)
    assert not [block for block in blocks_of(model.base_model) if block._forward_pre_hooks]


def _fail(ids, scores):
    raise ValueError("in vain")


def test_the_end_is_the_first_after_the_prompt():
    sequences = torch.tensor([[END, 9, 9, 9, END], [9, 9, END, END, END], [END, END, 9, END, 3]])
    assert ends(sequences, 2, END).tolist() == [4, 2, 3]


def test_beams_are_an_error():
    ids, mask = left_padded(LENGTHS)
    with pytest.raises(UserError, match="num_beams=2"):
        generate_with_states(policy_of("llama"), ids, mask, drawing(4, num_beams=2), 2)


@pytest.mark.parametrize("depth", [-1, BLOCKS])
def test_a_depth_with_no_block_above_it_is_an_error(depth):
    ids, mask = left_padded(LENGTHS)
    with pytest.raises(UserError, match=rf"no block above depth {depth} of 5: choose from 0 to 4"):
        generate_with_states(policy_of("llama"), ids, mask, drawing(4), [0, depth])
