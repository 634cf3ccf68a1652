"""DPO raises the probability of the better responses against that of the worse, and reads no held-out pair."""

import pytest
import torch

from okapi_kedro.errors import UserError
from okapi_kedro.training.preference_optimization import DpoSettings, optimize_preferences

from .toys import preference_pairs, training, weights


def settings() -> DpoSettings:
    return DpoSettings(beta=0.1, training=training(epochs=3, batch_size=16, micro_batch_size=16, learning_rate=1e-3))


def log_probability(model, tokenizer, prompt: str, response: str) -> float:
    """Of a response and its end, in a full forward pass."""
    start = len(tokenizer(prompt)["input_ids"])
    ids = torch.tensor([[*tokenizer(prompt + response)["input_ids"], tokenizer.eos_token_id]])
    with torch.inference_mode():
        chosen = model.eval()(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])
    return float(chosen[start - 1 :].sum())


def margins(reference, pairs):
    model, tokenizer = reference.causal_lm(), reference.tokenizer()
    return [
        log_probability(model, tokenizer, row.prompt, row.chosen)
        - log_probability(model, tokenizer, row.prompt, row.rejected)
        for row in pairs.itertuples()
    ]


def test_held_out_pairs_are_told_apart_better_than_before(babbling, tmp_path):
    pairs = preference_pairs(64, seed=0)
    tuned, log = optimize_preferences(babbling, pairs, settings(), tmp_path / "tuned", seed=0)
    after, before = (margins(model, pairs[pairs["held_out"]]) for model in (tuned, babbling))
    gains = [new - old for new, old in zip(after, before, strict=True)]
    assert sum(gain > 0 for gain in gains) > 0.8 * len(gains)
    assert log["loss"].dropna().iloc[0] == pytest.approx(0.6931, abs=0.02)
    assert weights(tuned).keys() == weights(babbling).keys()


def test_held_out_pairs_change_nothing(babbling, tmp_path):
    pairs = preference_pairs(16, seed=0)
    turned = pairs.assign(chosen=pairs["chosen"].where(~pairs["held_out"], " red"))
    first, second = (
        optimize_preferences(babbling, rows, settings(), tmp_path / name, seed=0)[0]
        for name, rows in (("a", pairs), ("b", turned))
    )
    assert all(torch.equal(value, weights(second)[name]) for name, value in weights(first).items())


def test_no_pairs_to_train_on_are_one_line(babbling, tmp_path):
    pairs = preference_pairs(4, seed=0).assign(held_out=True)
    with pytest.raises(UserError, match=r"^DPO needs preference pairs and there are none to train on"):
        optimize_preferences(babbling, pairs, settings(), tmp_path, seed=0)
