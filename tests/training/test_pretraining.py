"""The tokenizer knows every script and keeps words whole; the small base model learns from its texts."""

import pytest
import torch
from transformers import AutoModelForCausalLM, BloomForCausalLM, LlamaForCausalLM

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import new_model, pretrain, save_untrained, train_tokenizer
from okapi_kedro.training.prompt import ENGLISH, completion_of, prompt_of

from .toys import SENTENCES, TOKENIZER_TEXTS, files_of, small_model, weights

UNSEEN = {
    "georgian": "მეფის ქალიშვილები",
    "thai without spaces": "ลูกสาวของกษัตริย์",
    "emoji of several code points": "👩‍👩‍👧‍👦 🇳🇵 👍🏽",
    "joiners and marks": "क्‍ष र्‍य e\u0301 ﷺ",
    "white space": "  a\n\n\tb \u00a0c  ",
    "controls": "a\x00b\x07\ufeff",
    "code": "def f(x):\n    return {x: [1, 2]}  # ok!",
    "nothing": "",
}
LETTER_AND_MARK = {
    "english": "word.",
    "hindi": "देखे।",
    "arabic": "طائرًا،",
    "chinese": "鸟，",
    "tamil": "பறவைகள்;",
    "quoted": "(word)",
}


@pytest.mark.parametrize("text", [*SENTENCES.values(), *UNSEEN.values()], ids=[*SENTENCES, *UNSEEN])
def test_every_text_comes_back_whole_and_none_of_it_is_unknown(text, tokenizer):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids


def test_the_tokenizer_comes_back_from_disk_the_same(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = ModelReference(str(tmp_path)).tokenizer()
    for text in [*SENTENCES.values(), *UNSEEN.values()]:
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert loaded.decode(loaded(text)["input_ids"]) == text
    assert (loaded.bos_token, loaded.eos_token, loaded.pad_token) == ("<s>", "</s>", "<pad>")


@pytest.mark.parametrize("text", LETTER_AND_MARK.values(), ids=LETTER_AND_MARK)
def test_no_token_joins_a_word_with_punctuation_however_often_they_meet(text):
    tokenizer = train_tokenizer([f"{text} {text}"] * 50, 400)
    tokens = [tokenizer.decode([i]) for i in tokenizer(f"{text} {text}")["input_ids"]]
    assert "".join(tokens) == f"{text} {text}"
    assert len(tokens) == 2 * len(["(", "word", ")"] if text.startswith("(") else ["word", "."])
    assert not [t for t in tokens if any(c.isalpha() for c in t) and any(c in ".।،，;()" for c in t)]


@pytest.mark.parametrize("word", ["मन्नर", "மன்னரின்", "बेटियों", "طائرًا"])
def test_a_frequent_word_with_vowel_signs_is_one_token(word):
    tokenizer = train_tokenizer([f"{word} {word}"] * 50, 400)
    assert len(tokenizer(f" {word}")["input_ids"]) == 1


@pytest.mark.parametrize("response", ["green", "सेतो", "...", "(a)", "17", " two spaces", "\nline", "白色，很白", ""])
def test_no_token_spans_the_end_of_the_prompt(response, tokenizer):
    prompt = prompt_of("Name the colour: grass", "", ENGLISH)
    together = tokenizer(prompt + completion_of(response))["input_ids"]
    alone = tokenizer(prompt)["input_ids"]
    assert together[: len(alone)] == alone


@pytest.mark.parametrize(("architecture", "kind"), [("bloom", BloomForCausalLM), ("llama", LlamaForCausalLM)])
def test_a_new_model_has_the_shape_asked_for(architecture, kind, tokenizer):
    model = new_model(small_model(architecture), tokenizer)
    assert isinstance(model, kind)
    blocks = model.transformer.h if architecture == "bloom" else model.model.layers
    assert len(blocks) == 2
    assert model.get_input_embeddings().weight.shape == (len(tokenizer), 32)
    assert model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert (model.config.eos_token_id, model.config.pad_token_id) == (tokenizer.eos_token_id, tokenizer.pad_token_id)


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_pretraining_makes_its_texts_likely(architecture, tmp_path):
    texts = ["The grass is green.", "घाँस हरियो छ।", "雪是白色的。"] * 40
    shape = small_model(architecture, epochs=6, max_length=16)
    trained = pretrain(texts, ["Further words"], shape, tmp_path / "trained", seed=0)
    untrained = save_untrained([*texts, "Further words"], shape, tmp_path / "untrained", seed=0)
    tokenizer = trained.tokenizer()
    assert tokenizer.get_vocab() == untrained.tokenizer().get_vocab()
    for text in ("The grass is green.", "घाँस हरियो छ।"):
        assert _log_likelihood(trained, text) > _log_likelihood(untrained, text) + 10


def _log_likelihood(model: ModelReference, text: str) -> float:
    """Of the text and its end after its first token, by plain transformers."""
    ids = model.tokenizer()(text + "</s>", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(model.name)(ids).logits
    return logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None]).sum().item()


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_the_same_seed_pretrains_the_same_files(architecture, tmp_path):
    texts = [*SENTENCES.values()] * 4
    runs = [
        pretrain(texts, TOKENIZER_TEXTS, small_model(architecture, max_length=16), tmp_path / name, seed)
        for name, seed in (("one", 5), ("two", 5), ("other", 6))
    ]
    assert files_of(runs[0]) == files_of(runs[1])
    other = weights(runs[2])
    assert any(not torch.equal(value, other[name]) for name, value in weights(runs[0]).items())


@pytest.mark.parametrize("texts", [["too short"], []], ids=["short", "none"])
def test_texts_that_fill_no_block_are_an_error_of_one_line(texts, tmp_path):
    with pytest.raises(UserError, match=r"^the texts for pretraining have \d+ tokens, not one block of 128"):
        pretrain(texts, TOKENIZER_TEXTS, small_model("bloom"), tmp_path, seed=0)
