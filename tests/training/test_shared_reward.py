"""A reward model shares no more of the policy than is proved, and rewards a text as it does when it stands alone."""

import copy
import gc
import weakref

import pandas as pd
import pytest
import torch

from okapi_kedro.errors import UserError
from okapi_kedro.training.captured_states import ends, generate_with_states, trunk_states
from okapi_kedro.training.frozen_trunk import split_policy
from okapi_kedro.training.models import save_model
from okapi_kedro.training.reward import RewardSettings, rewards, train_reward_model
from okapi_kedro.training.shared_reward import SharedReward, shares_trunk

from .toy_architectures import (
    BLOCKS,
    CONFIGURATIONS,
    END,
    drawing,
    ending,
    left_padded,
    policy_of,
    reward_model_of,
)
from .toys import SENTENCES, preference_pairs, training

FLOAT = torch.float32
LENGTHS = [3, 9, 8, 1]
PROMPT = max(LENGTHS)


def standing_alone(reward_model, sequences, mask, last):
    """The reward of each text by itself, without padding, by the classifier's own forward pass."""
    with torch.no_grad():
        return torch.stack(
            [
                reward_model(ids[: end + 1][seen[: end + 1] == 1][None]).logits[0, 0]
                for ids, seen, end in zip(sequences, mask, last, strict=True)
            ]
        )


@pytest.mark.parametrize("shared", [0, 1, BLOCKS - 1])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rewards_on_captured_states_are_those_of_the_reward_model_standing_alone(name, shared):
    policy_model = policy_of(name)
    reward_model = reward_model_of(name, policy_model, shared)
    depth = shares_trunk(policy_model, reward_model, FLOAT)
    assert depth == shared
    split_policy(policy_model, 1)
    ids, mask = left_padded(LENGTHS)
    some_end = ending([2, None, 7, 1], PROMPT)
    sequences, states = generate_with_states(policy_model, ids, mask, drawing(8), depth, some_end, end=END)
    last = ends(sequences, PROMPT, END)
    whole = torch.cat([mask, (torch.arange(PROMPT, sequences.shape[1]) <= last[:, None]).long()], dim=1)
    found = SharedReward(copy.deepcopy(reward_model), depth).rewards(states[depth], whole, last)
    expected = standing_alone(reward_model, sequences, whole, last)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.1


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_a_trained_reward_model_shares_the_blocks_that_stayed_frozen_and_rewards_texts_alike(
    architecture, untrained, tmp_path
):
    """The reward model is the one that preference pairs train; the texts are scored as everywhere else."""
    start = untrained(architecture)
    settings = RewardSettings(trainable_blocks=1, training=training(learning_rate=0.02))
    trained, _ = train_reward_model(start, preference_pairs(32, seed=0), settings, tmp_path, seed=0)
    reward_model, tokenizer = trained.reward_model().eval(), trained.tokenizer()
    policy_model = start.causal_lm()
    assert shares_trunk(policy_model, reward_model, FLOAT) == 1

    texts = [*SENTENCES.values(), "a", "", "red <unk>"]
    expected = rewards(reward_model, tokenizer, texts, batch_size=3)
    ids = [[*tokenizer(text)["input_ids"], tokenizer.eos_token_id] for text in texts]
    batch = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt")
    states = trunk_states(split_policy(policy_model, 1).trunk, batch["input_ids"], batch["attention_mask"], [1])[1]
    last = torch.full((len(texts),), batch["input_ids"].shape[1] - 1)
    found = SharedReward(reward_model, 1).rewards(states, batch["attention_mask"], last)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert pd.Series(expected).std() > 0.05


def test_padding_after_the_end_and_what_stands_in_it_leaves_the_reward():
    policy_model = policy_of("bloom")
    shared = SharedReward(reward_model_of("bloom", policy_model, 2), 2)
    trunk = split_policy(policy_model, 2).trunk
    ids, mask = left_padded(LENGTHS)
    last = torch.full((len(ids),), PROMPT - 1)
    short = shared.rewards(trunk_states(trunk, ids, mask, [2])[2], mask, last)
    longer = torch.cat([ids, torch.randint(4, 60, (len(ids), 6))], dim=1)
    seen = torch.cat([mask, mask.new_zeros(len(ids), 6)], dim=1)
    read = torch.cat([mask, mask.new_ones(len(ids), 6)], dim=1)
    padded = shared.rewards(trunk_states(trunk, longer, read, [2])[2], seen, last)
    torch.testing.assert_close(padded, short, rtol=1e-5, atol=1e-5)


def test_a_learning_policy_leaves_the_rewards_of_the_same_text():
    policy_model = policy_of("llama")
    reward_model = reward_model_of("llama", policy_model, 2)
    shared = SharedReward(reward_model, 2)
    policy = split_policy(policy_model, 3)
    ids, mask = left_padded(LENGTHS)
    last = torch.full((len(ids),), PROMPT - 1)
    before = shared.rewards(trunk_states(policy.trunk, ids, mask, [2])[2], mask, last)
    with torch.no_grad():
        for parameter in policy.top.blocks.parameters():
            parameter.add_(1)
    assert torch.equal(shared.rewards(trunk_states(policy.trunk, ids, mask, [2])[2], mask, last), before)


def test_the_lower_blocks_of_a_reward_model_are_let_go_of():
    policy_model = policy_of("bloom")
    reward_model = reward_model_of("bloom", policy_model, 3)
    below = [weakref.ref(block) for block in reward_model.base_model.h[:3]]
    embeddings = weakref.ref(reward_model.base_model.word_embeddings)
    above = {p.data_ptr() for block in reward_model.base_model.h[3:] for p in block.parameters()}
    norm_and_head = {p.data_ptr() for p in (*reward_model.base_model.ln_f.parameters(), reward_model.score.weight)}
    shared = SharedReward(reward_model, 3)
    del reward_model
    gc.collect()
    assert [block() for block in below] == [None] * 3
    assert embeddings() is None
    assert {p.data_ptr() for p in shared.parameters()} == above | norm_and_head
    assert not any(p.requires_grad for p in shared.parameters())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_one_bit_in_a_block_ends_what_is_shared(name):
    policy_model = policy_of(name)
    reward_model = reward_model_of(name, policy_model, BLOCKS - 1)
    backbone = reward_model.base_model
    weight = next((backbone.h if name == "bloom" else backbone.layers)[2].parameters())
    with torch.no_grad():
        bits = weight.view(-1)[:1].view(torch.int32)
        bits ^= 1
    assert shares_trunk(policy_model, reward_model, FLOAT) == 2


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_other_embeddings_share_nothing(name):
    policy_model = policy_of(name)
    reward_model = reward_model_of(name, policy_model, BLOCKS - 1)
    with torch.no_grad():
        reward_model.get_input_embeddings().weight[7, 3] += 1
    assert shares_trunk(policy_model, reward_model, FLOAT) is None


def test_bloom_s_norm_of_the_embeddings_has_to_be_shared_too():
    policy_model = policy_of("bloom")
    reward_model = reward_model_of("bloom", policy_model, BLOCKS - 1)
    with torch.no_grad():
        reward_model.base_model.word_embeddings_layernorm.bias += 1e-3
    assert shares_trunk(policy_model, reward_model, FLOAT) is None


@pytest.mark.parametrize(
    "change",
    [
        {"eos_token_id": 4},
        {"rope_theta": 5000.0},
        {"rms_norm_eps": 1e-3},
        {"hidden_act": "gelu"},
        {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 4},
        {"num_hidden_layers": BLOCKS + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_weights_in_another_computation_share_nothing(change):
    policy_model = policy_of("llama")
    assert shares_trunk(policy_model, reward_model_of("llama", policy_model, BLOCKS - 1), FLOAT) == BLOCKS - 1
    assert shares_trunk(policy_model, reward_model_of("llama", policy_model, BLOCKS - 1, **change), FLOAT) is None


def test_a_larger_vocabulary_shares_nothing():
    policy_model = policy_of("llama")
    reward_model = reward_model_of("llama", policy_model, BLOCKS - 1)
    reward_model.resize_token_embeddings(61)
    assert shares_trunk(policy_model, reward_model, FLOAT) is None


def test_another_architecture_shares_nothing():
    assert shares_trunk(policy_of("llama"), reward_model_of("bloom", None, 0), FLOAT) is None
    assert shares_trunk(policy_of("llama"), reward_model_of("mistral", None, 0), FLOAT) is None


def test_a_reward_model_saved_in_another_type_shares_what_is_equal_in_the_precision_of_the_training():
    """Rounded weights are others in float32; in bfloat16 they are those that the policy is rounded to."""
    policy_model = policy_of("llama")
    reward_model = reward_model_of("llama", policy_model, BLOCKS - 1)
    rounded = copy.deepcopy(reward_model).bfloat16()
    assert shares_trunk(policy_model, rounded, FLOAT) is None
    assert shares_trunk(policy_model, rounded, torch.bfloat16) == BLOCKS - 1
    assert shares_trunk(copy.deepcopy(policy_model).bfloat16(), rounded, FLOAT) == BLOCKS - 1
    assert shares_trunk(copy.deepcopy(policy_model).bfloat16(), rounded.float(), FLOAT) == BLOCKS - 1


def test_comparing_in_another_precision_leaves_the_weights_as_they_are():
    policy_model = policy_of("llama")
    before = copy.deepcopy(policy_model.state_dict())
    shares_trunk(policy_model, reward_model_of("llama", policy_model, BLOCKS - 1), torch.bfloat16)
    assert all(torch.equal(weight, before[name]) for name, weight in policy_model.state_dict().items())


def test_what_is_shared_survives_being_saved_and_the_padding_a_reward_model_gets(untrained, tmp_path):
    policy_model = untrained("llama").causal_lm()
    tokenizer = untrained("llama").tokenizer()
    tokenizer.pad_token = "<unk>"
    reward_model = save_model(policy_model, tokenizer, tmp_path).reward_model()
    assert reward_model.config.pad_token_id != policy_model.config.pad_token_id
    assert shares_trunk(policy_model, reward_model, FLOAT) == 1


@pytest.mark.parametrize("depth", [-1, BLOCKS])
def test_a_depth_with_no_block_above_it_is_an_error_of_one_line(depth):
    with pytest.raises(UserError, match=f"of 5 blocks cannot share {depth}: choose from 0 to 4") as caught:
        SharedReward(reward_model_of("llama", None, 0), depth)
    assert "\n" not in str(caught.value)
