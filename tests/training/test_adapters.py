"""Adapters train few weights; what is saved is a plain model that computes the same."""

import pandas as pd
import pytest
import torch
from datasets import Dataset
from pydantic import ValidationError
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training import adapters
from okapi_kedro.training.adapters import AdapterSettings, adapter_configuration, model_to_train, without_adapter
from okapi_kedro.training.models import save_model

from .toys import facts, training, weights

PROMPT = "Name the colour: grass"


def settings(kind: str, /, **changes) -> AdapterSettings:
    return AdapterSettings(**{"kind": kind, "rank": 8, "alpha": 16, "dropout": 0.0, "modules": "all-linear", **changes})


def adapted(base, adapter: AdapterSettings, directory, precision="float32", **changes) -> SFTTrainer:
    """A trainer that has trained the adapter on the facts."""
    changes = {"epochs": 20, "learning_rate": 2e-2, "batch_size": 3, "micro_batch_size": 3, **changes}
    common = training(precision=precision, **changes).trainer_arguments(str(directory), seed=0)
    trainer = SFTTrainer(
        model=model_to_train(base, adapter, precision),
        args=SFTConfig(**common, completion_only_loss=True),
        train_dataset=Dataset.from_pandas(facts()[["prompt", "completion"]].head(6), preserve_index=False),
        processing_class=base.tokenizer(),
        peft_config=adapter_configuration(adapter),
    )
    trainer.train()
    return trainer


def logits(model, tokenizer) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(**tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)).logits


def losses(trainer: SFTTrainer) -> list[float]:
    return pd.DataFrame(trainer.state.log_history)["loss"].dropna().tolist()


@pytest.fixture
def peft():
    return pytest.importorskip("peft")


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(adapters, "find_spec", lambda package: None)


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_what_is_saved_is_a_plain_model_that_computes_what_was_trained(architecture, peft, untrained, tmp_path):
    base, adapter = untrained(architecture), settings("lora")
    trainer = adapted(base, adapter, tmp_path / "training")
    assert losses(trainer)[-1] < losses(trainer)[0] - 1
    saved = save_model(without_adapter(trainer.model, base, adapter), base.tokenizer(), tmp_path / "saved")
    assert weights(saved).keys() == weights(base).keys()
    assert not list((tmp_path / "saved").glob("*adapter*"))
    plain = AutoModelForCausalLM.from_pretrained(saved.name)
    trained, before = (logits(model, base.tokenizer()) for model in (trainer.model, base.causal_lm()))
    assert torch.allclose(logits(plain, base.tokenizer()), trained, atol=1e-4)
    assert (trained - before).abs().max() > 1


def test_the_linear_layers_of_the_blocks_get_an_adapter_and_all_other_weights_stay_as_they_are(
    peft, untrained, tmp_path
):
    base, adapter = untrained("llama"), settings("lora")
    trainer = adapted(base, adapter, tmp_path / "training", epochs=1)
    trained = [name for name, weight in trainer.model.named_parameters() if weight.requires_grad]
    assert trained
    assert all(".lora_A." in name or ".lora_B." in name for name in trained)
    saved = save_model(without_adapter(trainer.model, base, adapter), base.tokenizer(), tmp_path / "saved")
    before = weights(base)
    changed = {name for name, weight in weights(saved).items() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}


def test_only_the_named_modules_get_an_adapter_of_the_given_rank(peft, untrained, tmp_path):
    adapter = settings("lora", modules=["query_key_value"], rank=3)
    trainer = adapted(untrained("bloom"), adapter, tmp_path, epochs=1)
    shapes = {name: tuple(weight.shape) for name, weight in trainer.model.named_parameters() if weight.requires_grad}
    assert all("query_key_value" in name for name in shapes)
    assert sorted(shapes.values()) == [(3, 32), (3, 32), (96, 3), (96, 3)]


def test_frozen_weights_are_in_the_precision_of_the_computation_and_trained_and_saved_ones_in_float32(
    peft, untrained, tmp_path
):
    base = save_model(untrained("bloom").causal_lm().half(), untrained("bloom").tokenizer(), tmp_path / "half")
    adapter = settings("lora")
    trainer = adapted(base, adapter, tmp_path / "training", "bfloat16")
    kinds = {(weight.requires_grad, weight.dtype) for weight in trainer.model.parameters()}
    assert kinds == {(False, torch.bfloat16), (True, torch.float32)}
    assert losses(trainer)[-1] < losses(trainer)[0] - 1
    plain = without_adapter(trainer.model, base, adapter)
    assert {weight.dtype for weight in plain.parameters()} == {torch.float32}
    assert torch.allclose(logits(plain, base.tokenizer()), logits(trainer.model, base.tokenizer()).float(), atol=0.5)


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_frozen_weights_in_four_bits_are_in_the_saved_model_what_they_were(architecture, peft, untrained, tmp_path):
    pytest.importorskip("bitsandbytes")
    base, adapter = untrained(architecture), settings("qlora")
    trainer = adapted(base, adapter, tmp_path / "training", "bfloat16")
    kinds = {(weight.requires_grad, weight.dtype) for weight in trainer.model.parameters()}
    assert kinds == {(False, torch.uint8), (False, torch.bfloat16), (True, torch.bfloat16)}
    assert losses(trainer)[-1] < losses(trainer)[0] - 1
    saved = weights(save_model(without_adapter(trainer.model, base, adapter), base.tokenizer(), tmp_path / "saved"))
    before = weights(base)
    changed = {name for name, weight in saved.items() if not torch.equal(weight, before[name])}
    assert changed == {name for name, weight in before.items() if weight.ndim == 2 and "embed" not in name}
    assert {weight.dtype for weight in saved.values()} == {torch.float32}


def test_the_adapters_of_one_seed_are_the_same(peft, untrained, tmp_path):
    runs = [adapted(untrained("llama"), settings("lora"), tmp_path / name, epochs=1) for name in ("one", "two")]
    first, second = (dict(run.model.named_parameters()) for run in runs)
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_without_an_adapter_the_whole_model_is_trained_in_float32_and_stays_what_it_is(architecture, untrained):
    base, full = untrained(architecture), settings("none")
    model = model_to_train(base, full, "bfloat16")
    assert {(weight.requires_grad, weight.dtype) for weight in model.parameters()} == {(True, torch.float32)}
    assert adapter_configuration(full) is None
    assert without_adapter(model, base, full) is model


def test_full_fine_tuning_needs_nothing_installed(nothing_installed, untrained):
    assert model_to_train(untrained("bloom"), settings("none"), "float32") is not None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("lora", r"kind=lora needs peft: pip install 'okapi-kedro\[lora\]'"),
        ("qlora", r"kind=qlora needs peft and bitsandbytes: pip install 'okapi-kedro\[qlora\]'"),
    ],
)
def test_a_missing_package_is_an_error_of_one_line_with_the_command(kind, message, nothing_installed, untrained):
    with pytest.raises(UserError, match=message) as caught:
        model_to_train(untrained("bloom"), settings(kind), "float32")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change", [{"kind": "dora"}, {"rank": 0}, {"alpha": 0}, {"dropout": 1.0}, {"modules": "all"}, {"r": 8}]
)
def test_settings_that_make_no_sense_are_refused(change):
    with pytest.raises(ValidationError):
        settings("lora", **change)
