"""The two parts of a policy compute what the whole computes, hold its own weights, and only the top learns."""

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.frozen_trunk import reference_of, split_policy

from .toy_architectures import BLOCKS, CONFIGURATIONS, left_padded, log_probabilities, policy_of

LENGTHS = [3, 9, 8, 1]


def right_padded(lengths):
    """The same prompts, but padded on the right."""
    ids, mask = left_padded(lengths)
    turned = [torch.roll(row, length, 0) for row, length in zip(ids, lengths, strict=True)]
    return torch.stack(turned), torch.stack([torch.roll(m, n, 0) for m, n in zip(mask, lengths, strict=True)])


def of_whole(model, ids, mask):
    with torch.no_grad():
        return log_probabilities(model(ids, attention_mask=mask).logits, ids, mask)


def of_parts(trunk, top, ids, mask):
    return log_probabilities(top.head(top(trunk(ids, mask), mask)), ids, mask)


@pytest.mark.parametrize("blocks", [1, 2, BLOCKS])
@pytest.mark.parametrize("pad", [left_padded, right_padded])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_both_parts_give_the_log_probabilities_of_the_whole(name, pad, blocks):
    model = policy_of(name)
    ids, mask = pad(LENGTHS)
    expected = of_whole(model, ids, mask)
    policy = split_policy(model, blocks)
    torch.testing.assert_close(of_parts(policy.trunk, policy.top, ids, mask), expected, rtol=0, atol=2e-5)
    assert expected.std() > 0.5


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_in_bfloat16_too_they_give_them_to_the_last_bit(name):
    model = policy_of(name).bfloat16()
    ids, mask = left_padded(LENGTHS)
    places = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    with torch.no_grad():
        expected = log_probabilities(model(ids, attention_mask=mask, position_ids=places).logits, ids, mask)
    policy = split_policy(model, 2)
    assert torch.equal(of_parts(policy.trunk, policy.top, ids, mask), expected)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_gradients_of_the_top_are_those_of_the_whole(name):
    """Of the mean log-probability, against a model of its own whose last two blocks learn and nothing else."""
    whole = policy_of(name)
    learning = tuple(f"{kind}.{place}." for kind in ("h", "layers") for place in (BLOCKS - 2, BLOCKS - 1))
    for parameter_name, parameter in whole.base_model.named_parameters():
        parameter.requires_grad_(parameter_name.startswith(learning))
    ids, mask = left_padded(LENGTHS)
    log_probabilities(whole(ids, attention_mask=mask).logits, ids, mask).mean().backward()

    policy = split_policy(policy_of(name), 2)
    of_parts(policy.trunk, policy.top, ids, mask).mean().backward()
    expected = [parameter.grad for parameter in whole.base_model.parameters() if parameter.grad is not None]
    found = [parameter.grad for parameter in policy.top.parameters() if parameter.requires_grad]
    assert len(found) == len(expected) > 0
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-6)
    assert max(gradient.abs().max() for gradient in found) > 1e-3


def learn(policy, ids, mask):
    """One step of AdamW on all that learns, decay of weights included."""
    learning = [p for part in (policy.trunk, policy.top) for p in part.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=0.01, weight_decay=0.1)
    (-of_parts(policy.trunk, policy.top, ids, mask).mean()).backward()
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_after_a_step_the_last_blocks_have_changed_and_no_other_bit(name):
    model = policy_of(name)
    before = copy.deepcopy(model.state_dict())
    learn(split_policy(model, 2), *left_padded(LENGTHS))
    after = model.state_dict()
    learning = tuple(
        f"{blocks}.{place}." for blocks in ("transformer.h", "model.layers") for place in (BLOCKS - 2, BLOCKS - 1)
    )
    for weight in before:
        assert torch.equal(before[weight], after[weight]) != weight.startswith(learning), weight


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_model_itself_learns_and_is_saved_whole(name, tmp_path):
    model = policy_of(name)
    policy = split_policy(model, 2)
    ids, mask = left_padded(LENGTHS)
    untouched = of_whole(model, ids, mask)
    learn(policy, ids, mask)
    tuned = of_parts(policy.trunk, policy.top, ids, mask).detach()
    assert (tuned - untouched).abs().max() > 0.1
    torch.testing.assert_close(of_whole(model, ids, mask), tuned, rtol=0, atol=2e-5)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    torch.testing.assert_close(of_whole(loaded, ids, mask), tuned, rtol=0, atol=2e-5)
    assert {key: value.shape for key, value in loaded.state_dict().items()} == {
        key: value.shape for key, value in model.state_dict().items()
    }


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_reference_stays_as_the_top_was(name):
    policy = split_policy(policy_of(name), 2)
    ids, mask = left_padded(LENGTHS)
    before = of_parts(policy.trunk, policy.top, ids, mask).detach()
    reference = reference_of(policy.top)
    assert torch.equal(of_parts(policy.trunk, reference, ids, mask), before)
    learn(policy, ids, mask)
    assert torch.equal(of_parts(policy.trunk, reference, ids, mask), before)
    assert not torch.equal(of_parts(policy.trunk, policy.top, ids, mask), before)
    assert not any(parameter.requires_grad for parameter in reference.blocks.parameters())


def places_in_memory(*modules):
    tensors = [t for module in modules for t in (*module.parameters(), *module.buffers())]
    assert not [tensor for tensor in tensors if tensor.is_meta]
    return {tensor.data_ptr(): tensor.nbytes for tensor in tensors}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_trunk_the_norm_and_the_head_are_in_memory_once(name):
    model = policy_of(name)
    whole = places_in_memory(model)
    policy = split_policy(model, 2)
    assert places_in_memory(policy.trunk, policy.top) == whole
    reference = reference_of(policy.top)
    added = sum(places_in_memory(policy.trunk, policy.top, reference).values()) - sum(whole.values())
    assert added == sum(parameter.nbytes for parameter in policy.top.blocks.parameters())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_only_the_blocks_learn_and_the_trunk_gives_no_gradient(name):
    policy = split_policy(policy_of(name), 2)
    learning = {id(p) for part in (policy.trunk, policy.top) for p in part.parameters() if p.requires_grad}
    assert learning == {id(parameter) for parameter in policy.top.blocks.parameters()}
    assert not policy.trunk(*left_padded(LENGTHS)).requires_grad


def test_dropout_is_off():
    model = policy_of("bloom", hidden_dropout=0.5, attention_dropout=0.5)
    ids, mask = left_padded(LENGTHS)
    expected = of_whole(model, ids, mask)
    policy = split_policy(model.train(), 2)
    torch.testing.assert_close(of_parts(policy.trunk, policy.top, ids, mask), expected, rtol=0, atol=2e-5)
    assert not [module for part in (model, policy.trunk, policy.top) for module in part.modules() if module.training]


def test_a_split_draws_no_random_number():
    model = policy_of("llama")
    before = torch.get_rng_state()
    reference_of(split_policy(model, 2).top)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("blocks", [-1, 0, BLOCKS + 1])
def test_blocks_that_the_model_does_not_have_are_an_error_of_one_line(blocks):
    with pytest.raises(UserError, match=f"{blocks} blocks of a model of 5 .* from 1 to 5") as caught:
        split_policy(policy_of("llama"), blocks)
    assert "\n" not in str(caught.value)


def test_an_architecture_that_is_not_proved_to_split_is_an_error_that_names_those_that_are():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=60, n_embd=32, n_layer=3, n_head=4))
    with pytest.raises(UserError, match=r"'gpt2' cannot be split .* bloom, llama, mistral") as caught:
        split_policy(model, 1)
    assert "\n" not in str(caught.value)
    assert all(parameter.requires_grad for parameter in model.parameters())
