"""Models are directories that plain transformers reads."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, save_model

from .toys import SENTENCES, files_of, weights

LOADERS = ["tokenizer", "causal_lm", "reward_model"]


@pytest.mark.parametrize("load", LOADERS)
def test_a_directory_that_does_not_exist_is_an_error_of_one_line(load, tmp_path):
    missing = str(tmp_path / "nowhere")
    with pytest.raises(UserError) as caught:
        getattr(ModelReference(missing), load)()
    assert missing in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("load", LOADERS)
def test_a_directory_without_a_model_is_an_error_of_one_line(load, tmp_path):
    (tmp_path / "notes.txt").write_text("no model here")
    with pytest.raises(UserError) as caught:
        getattr(ModelReference(str(tmp_path)), load)()
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("load", ["causal_lm", "reward_model"])
def test_weights_cut_short_are_an_error_of_one_line(load, untrained, tmp_path):
    for name, content in files_of(untrained("bloom")).items():
        (tmp_path / name).write_bytes(content[:-1000] if name == "model.safetensors" else content)
    with pytest.raises(UserError) as caught:
        getattr(ModelReference(str(tmp_path)), load)()
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_a_saved_model_is_the_same_in_plain_transformers(architecture, untrained, tmp_path):
    model, tokenizer = untrained(architecture).causal_lm(), untrained(architecture).tokenizer()
    saved = save_model(model, tokenizer, tmp_path / "saved")
    plain, plain_tokenizer = AutoModelForCausalLM.from_pretrained(saved.name), AutoTokenizer.from_pretrained(saved.name)
    ids = tokenizer(SENTENCES["hindi"], return_tensors="pt")["input_ids"]
    assert torch.equal(plain_tokenizer(SENTENCES["hindi"], return_tensors="pt")["input_ids"], ids)
    with torch.inference_mode():
        assert torch.equal(plain(ids).logits, model.eval()(ids).logits)
    assert saved.temporary


def test_a_saved_model_holds_weights_as_safetensors_and_no_pickle(knowing, judging, tuned):
    for model, _ in (knowing, judging, tuned):
        suffixes = {path.suffix for path in Path(model.name).rglob("*") if path.is_file()}
        assert suffixes <= {".json", ".jinja", ".safetensors"}
        assert weights(model)


@pytest.mark.parametrize(
    ("lacking", "padding"), [(set(), "<pad>"), ({"pad_token"}, "<unk>"), ({"pad_token", "unk_token"}, "<s>")]
)
def test_a_tokenizer_pads_with_its_own_token_else_unknown_else_beginning_of_text(lacking, padding, tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    settings = {name: value for name, value in json.loads(path.read_text()).items() if name not in lacking}
    path.write_text(json.dumps(settings))
    assert ModelReference(str(tmp_path)).tokenizer().pad_token == padding
