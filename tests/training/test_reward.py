"""A reward belongs to its text alone, is read at its end as in training, and learns what is preferred."""

import copy
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.nn.functional import logsigmoid
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from okapi_kedro.errors import UserError
from okapi_kedro.training import reward
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.reward import RewardSettings, freeze_below, rewards, train_reward_model

from .toys import SENTENCES, chatter, files_of, preference_pairs, repeatable, training, weights

# Texts may hold what a tokenizer takes for a token of its own, at their end too.
SPECIAL = ["a<pad>b", "a</s>b", "<s>", "<unk><unk>", "ends in <pad>", "<pad><pad>", "ends in <unk>"]
TEXTS = [*SENTENCES.values(), "a", "a" * 60, *(f"Words:{text}" for text in chatter(5, seed=3)), "雪", "", *SPECIAL]
PADDINGS = {"own": "<pad>", "none": "<unk>", "end": "<unk>"}
"""What a tokenizer is stored with, its own token, none or that of the end of a text, and what it then pads with."""
ARCHITECTURES = ["bloom", "llama"]


def settings(trainable_blocks: int = 0, **changes) -> RewardSettings:
    return RewardSettings(trainable_blocks=trainable_blocks, training=training(**changes))


LEARNING = settings(epochs=4, batch_size=16, micro_batch_size=16, learning_rate=3e-3)


@pytest.fixture(scope="module", params=[(a, p) for a in ARCHITECTURES for p in PADDINGS], ids="-".join)
def scorer(request, untrained, tmp_path_factory):
    """A reward model with a head of random weights, and its tokenizer."""
    architecture, padding = request.param
    base = untrained(architecture)
    tokenizer = base.tokenizer()
    tokenizer.pad_token = {"own": "<pad>", "none": None, "end": "</s>"}[padding]
    reference = save_model(base.causal_lm(), tokenizer, tmp_path_factory.mktemp("scorer"))
    torch.manual_seed(1)
    assert reference.tokenizer().pad_token == PADDINGS[padding]
    return reference.reward_model().eval(), reference.tokenizer()


def reward_by_hand(model, tokenizer, text: str) -> float:
    """The head on the backbone's state of the end-of-text token, for one text without padding."""
    ids = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    with torch.inference_mode():
        states = model.base_model(input_ids=torch.tensor([ids])).last_hidden_state
        return (states[0, len(ids) - 1] @ model.score.weight[0]).item()


def test_a_reward_is_the_head_on_the_state_of_the_last_real_token(scorer):
    model, tokenizer = scorer
    by_hand = [reward_by_hand(model, tokenizer, text) for text in TEXTS]
    assert rewards(model, tokenizer, TEXTS, batch_size=len(TEXTS)) == pytest.approx(by_hand, abs=1e-5)
    assert max(by_hand) - min(by_hand) > 0.01


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_a_reward_is_the_same_alone_and_in_any_batch_and_order(batch_size, scorer):
    model, tokenizer = scorer
    alone = [rewards(model, tokenizer, [text], batch_size=1)[0] for text in TEXTS]
    assert rewards(model, tokenizer, TEXTS, batch_size) == pytest.approx(alone, abs=1e-5)
    assert rewards(model, tokenizer, TEXTS[::-1], batch_size) == pytest.approx(alone[::-1], abs=1e-5)


def padded(model, tokenizer, texts: list[str], side: str) -> list[float]:
    """The rewards of one batch as plain transformers gives them, padded on a side."""
    inputs = tokenizer(
        [text + "</s>" for text in texts],
        return_tensors="pt",
        padding=True,
        padding_side=side,
        return_token_type_ids=False,
    )
    with torch.inference_mode():
        return model(**inputs).logits[:, 0].float().tolist()


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_leaves_the_reward(side, scorer):
    model, tokenizer = scorer
    by_hand = [reward_by_hand(model, tokenizer, text) for text in TEXTS]
    assert padded(model, tokenizer, TEXTS, side) == pytest.approx(by_hand, abs=1e-5)


def test_the_side_a_tokenizer_pads_on_is_of_no_account(scorer, monkeypatch):
    model, tokenizer = scorer
    before = rewards(model, tokenizer, TEXTS, batch_size=4)
    monkeypatch.setattr(tokenizer, "padding_side", "left")
    assert rewards(model, tokenizer, TEXTS, batch_size=4) == pytest.approx(before, abs=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_without_a_token_for_the_unknown_it_pads_with_that_of_a_text_s_beginning(architecture, untrained, tmp_path):
    """As LLaMA 3: all that is left is a token that no text ends in."""
    base = untrained(architecture)
    tokenizer = base.tokenizer()
    tokenizer.pad_token, tokenizer.unk_token = "</s>", None
    reference = save_model(base.causal_lm(), tokenizer, tmp_path)
    model, tokenizer = reference.reward_model().eval(), reference.tokenizer()
    assert tokenizer.pad_token == "<s>"
    by_hand = [reward_by_hand(model, tokenizer, text) for text in TEXTS]
    assert rewards(model, tokenizer, TEXTS, batch_size=5) == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_in_bfloat16_a_reward_stays_within_two_hundredths_of_the_rewards_spread(side, batch_size, scorer):
    """Numbers of eight bits round differently in batches of other shapes: a text's rewards are alike, not equal."""
    exact = rewards(*scorer, TEXTS, batch_size=1)
    model, tokenizer = copy.deepcopy(scorer[0]).bfloat16(), scorer[1]
    batches = [TEXTS[start : start + batch_size] for start in range(0, len(TEXTS), batch_size)]
    rounded = [value for batch in batches for value in padded(model, tokenizer, batch, side)]
    assert rounded == pytest.approx(exact, abs=0.02 * (max(exact) - min(exact)))
    assert rounded != exact


def test_no_texts_have_no_rewards(scorer):
    assert rewards(*scorer, [], batch_size=4) == []


def test_what_training_reads_is_what_rewards_score(monkeypatch, untrained, tmp_path):
    """Each text of a pair, ended by the end-of-text token, token by token."""
    in_training = set()

    class WatchedTrainer(reward.RankedListTrainer):
        def compute_loss(self, model, inputs, *args, **kwargs):
            for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True):
                in_training.add(tuple(ids[mask == 1].tolist()))
            return super().compute_loss(model, inputs, *args, **kwargs)

    monkeypatch.setattr(reward, "RankedListTrainer", WatchedTrainer)
    pairs = preference_pairs(12, seed=0)
    pairs.loc[0, "rejected"] = " struck out: <s>red</s>"
    reference, _ = train_reward_model(untrained("bloom"), pairs, settings(), tmp_path, seed=0)

    scored = set()
    model, tokenizer = reference.reward_model().eval(), reference.tokenizer()

    def watch(module, args, kwargs):
        for ids, mask in zip(kwargs["input_ids"], kwargs["attention_mask"], strict=True):
            scored.add(tuple(ids[mask == 1].tolist()))

    model.register_forward_pre_hook(watch, with_kwargs=True)
    training_rows = pairs[~pairs["held_out"]]
    texts = [
        *(training_rows["prompt"] + training_rows["chosen"]),
        *(training_rows["prompt"] + training_rows["rejected"]),
    ]
    rewards(model, tokenizer, texts, batch_size=4)
    assert scored == in_training
    ends = [ids.count(tokenizer.eos_token_id) for ids in scored if ids[-1] == tokenizer.eos_token_id]
    assert sorted(ends) == [1] * (len(scored) - 1) + [2]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_logged_loss_is_minus_log_sigmoid_of_the_difference_of_rewards(architecture, untrained, tmp_path):
    """Ouyang et al. 2022, equation 1, on rewards by hand; with a learning rate of zero the model stays as it was."""
    pairs = preference_pairs(16, seed=0)
    still = settings(learning_rate=0.0, batch_size=12, micro_batch_size=12)
    reference, log = train_reward_model(untrained(architecture), pairs, still, tmp_path, seed=0)
    model, tokenizer = reference.reward_model().eval(), reference.tokenizer()
    differences = [
        reward_by_hand(model, tokenizer, row.prompt + row.chosen)
        - reward_by_hand(model, tokenizer, row.prompt + row.rejected)
        for row in pairs[~pairs["held_out"]].itertuples()
    ]
    expected = -logsigmoid(torch.tensor(differences)).mean().item()
    assert log["loss"].dropna().tolist() == pytest.approx([expected], abs=1e-5)
    assert abs(expected - 0.6931) > 1e-4


def held_out_accuracy(reference: ModelReference, pairs: pd.DataFrame) -> float:
    held_out = pairs[pairs["held_out"]]
    model, tokenizer = reference.reward_model().eval(), reference.tokenizer()
    chosen, rejected = (
        rewards(model, tokenizer, (held_out["prompt"] + held_out[k]).tolist(), 16) for k in ("chosen", "rejected")
    )
    return sum(better > worse for better, worse in zip(chosen, rejected, strict=True)) / len(held_out)


def test_held_out_pairs_with_an_easy_preference_are_told_apart(judging):
    pairs = preference_pairs(200, seed=1)
    assert pairs["held_out"].sum() == 50
    assert held_out_accuracy(judging[0], pairs) > 0.9
    assert judging[1]["loss"].dropna().iloc[-1] < 0.2


def test_with_shuffled_labels_nothing_can_be_learnt(babbling, tmp_path):
    """The test of the test above: what is not in the labels shows in no accuracy, to three standard errors."""
    pairs = preference_pairs(400, seed=1)
    turned = pd.Series(random.Random(0).choices([False, True], k=len(pairs)))
    shuffled = pairs.assign(
        chosen=pairs["rejected"].where(turned, pairs["chosen"]),
        rejected=pairs["chosen"].where(turned, pairs["rejected"]),
    )
    right, by_chance = (
        held_out_accuracy(train_reward_model(babbling, rows, LEARNING, tmp_path / name, seed=0)[0], rows)
        for name, rows in (("right", pairs), ("shuffled", shuffled))
    )
    assert right >= 0.8
    assert by_chance == pytest.approx(0.5, abs=3 * (0.25 / 100) ** 0.5)


def test_what_held_out_pairs_say_changes_no_weight(untrained, tmp_path):
    pairs = preference_pairs(16, seed=0)
    turned = pairs.assign(
        chosen=pairs["rejected"].where(pairs["held_out"], pairs["chosen"]),
        rejected=pairs["chosen"].where(pairs["held_out"], pairs["rejected"]),
    )
    assert not pairs.equals(turned)
    runs = [
        train_reward_model(untrained("bloom"), rows, settings(), tmp_path / name, seed=0)[0]
        for name, rows in (("pairs", pairs), ("turned", turned))
    ]
    assert files_of(runs[0]) == files_of(runs[1])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("gradient_checkpointing", [False, True], ids=["kept", "recomputed"])
def test_below_the_trainable_blocks_no_bit_changes_and_above_all_learn(
    architecture, gradient_checkpointing, untrained, tmp_path
):
    base = untrained(architecture)
    only_last = settings(trainable_blocks=1, weight_decay=0.1, gradient_checkpointing=gradient_checkpointing)
    model, _ = train_reward_model(base, preference_pairs(32, seed=0), only_last, tmp_path, seed=0)
    before, after = weights(base), weights(model)
    learning = {"bloom": ("transformer.h.1.", "transformer.ln_f"), "llama": ("model.layers.1.", "model.norm")}
    shared = [name for name in before if name in after]
    frozen = [name for name in shared if not name.startswith(learning[architecture])]
    assert any("embed" in name for name in frozen)
    assert any(".0." in name for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not [name for name in shared if name not in frozen and torch.equal(before[name], after[name])]
    assert set(after) - set(before) == {"score.weight"}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_with_no_limit_every_block_learns(architecture, untrained):
    model = untrained(architecture).reward_model()
    freeze_below(model, 0)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_recomputing_activations_below_frozen_blocks_changes_no_weight(untrained, tmp_path):
    runs = [
        train_reward_model(
            untrained("bloom"),
            preference_pairs(16, seed=0),
            settings(trainable_blocks=1, gradient_checkpointing=on),
            tmp_path / str(on),
            seed=0,
        )[0]
        for on in (False, True)
    ]
    assert files_of(runs[0])["model.safetensors"] == files_of(runs[1])["model.safetensors"]


def test_the_saved_reward_model_scores_the_same_in_plain_transformers(judging):
    model = AutoModelForSequenceClassification.from_pretrained(judging[0].name).eval()
    tokenizer = AutoTokenizer.from_pretrained(judging[0].name)
    inputs = tokenizer(
        [text + "</s>" for text in TEXTS], return_tensors="pt", padding=True, return_token_type_ids=False
    )
    with torch.inference_mode():
        plain = model(**inputs).logits
    assert plain.shape == (len(TEXTS), 1)
    ours = rewards(judging[0].reward_model().eval(), judging[0].tokenizer(), TEXTS, batch_size=3)
    assert plain[:, 0].tolist() == pytest.approx(ours, abs=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_seed_gives_the_same_files_and_the_same_log(architecture, untrained, tmp_path):
    pairs = preference_pairs(16, seed=0)
    runs = [
        train_reward_model(untrained(architecture), pairs, settings(), tmp_path / name, seed)
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    ]
    assert files_of(runs[0][0]) == files_of(runs[1][0])
    pd.testing.assert_frame_equal(repeatable(runs[0][1]), repeatable(runs[1][1]))
    assert files_of(runs[0][0])["model.safetensors"] != files_of(runs[2][0])["model.safetensors"]


def test_a_model_stored_in_half_precision_is_trained_in_full(untrained, tmp_path):
    stored = save_model(untrained("bloom").causal_lm().half(), untrained("bloom").tokenizer(), tmp_path / "half")
    pairs = preference_pairs(32, seed=0)
    runs = [
        train_reward_model(start, pairs, settings(), tmp_path / name, seed=0)
        for name, start in (("from half", stored), ("from full", untrained("bloom")))
    ]
    losses = [log["loss"].dropna().tolist() for _, log in runs]
    assert losses[0] == pytest.approx(losses[1], abs=0.02)
    assert {value.dtype for value in weights(runs[0][0]).values()} == {torch.float32}


@pytest.mark.parametrize("rows", [0, 4], ids=["no pairs", "all held out"])
def test_no_pairs_to_train_on_are_an_error_of_one_line(rows, untrained, tmp_path):
    pairs = preference_pairs(4, seed=0).assign(held_out=True).head(rows)
    with pytest.raises(UserError, match="needs preference pairs") as caught:
        train_reward_model(untrained("bloom"), pairs, settings(), tmp_path, seed=0)
    assert "\n" not in str(caught.value)


def test_a_start_that_does_not_exist_is_an_error_of_one_line(tmp_path: Path):
    with pytest.raises(UserError, match=r"nowhere'.*"):
        train_reward_model(ModelReference(str(tmp_path / "nowhere")), preference_pairs(4, 0), settings(), tmp_path, 0)
