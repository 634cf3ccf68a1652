"""Responses come in the order of the prompts, are plain transformers' own, and the seed decides the draws."""

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.sampling import Response, SamplingSettings, draw, respond, sampling_defaults

from .toys import FACTS, SENTENCES, facts

GREEDY = {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 12, "batch_size": 4}
PROMPTS = ["雪", *SENTENCES.values(), "a", "The king's daughters " * 8, "雪"]


def greedy(**changes):
    return SamplingSettings(**{**GREEDY, **changes})


def drawn(**changes):
    return SamplingSettings(**{**GREEDY, "temperature": 1.0, **changes})


def plain_greedy(directory: str, prompt: str, length: int) -> str:
    """What transformers generates for one prompt alone, without padding."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(directory), AutoTokenizer.from_pretrained(directory)
    inputs = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    output = model.generate(**inputs, max_new_tokens=length, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_greedy_responses_are_those_of_plain_transformers_prompt_by_prompt(architecture, batch_size, untrained):
    model = untrained(architecture)
    responses = respond(model, PROMPTS, greedy(batch_size=batch_size), seed=0, description="test")
    assert [response.text for response in responses] == [plain_greedy(model.name, prompt, 12) for prompt in PROMPTS]


@pytest.mark.parametrize("batch_size", [1, 4, 6])
def test_every_prompt_gets_its_own_answer_whatever_the_batches(batch_size, knowing):
    prompts = [*reversed(facts()["prompt"].tolist()[: len(FACTS)])]
    responses = respond(knowing[0], prompts, greedy(batch_size=batch_size), seed=0, description="test")
    assert responses == [Response(colour, "stop") for colour in reversed(FACTS.values())]


def test_a_response_is_cut_where_it_is_too_long_and_says_so(knowing):
    prompt, answer = facts()["prompt"][1], "light blue"
    tokens = len(knowing[0].tokenizer()(f" {answer}")["input_ids"])
    assert tokens == 2
    by_length = [
        respond(knowing[0], [prompt], greedy(max_new_tokens=length), seed=0, description="test")[0]
        for length in (tokens - 1, tokens, tokens + 1)
    ]
    assert by_length == [Response("light", "length"), Response(answer, "length"), Response(answer, "stop")]


def test_a_short_response_beside_a_long_one_holds_no_padding(knowing):
    prompts = facts()["prompt"].tolist()[: len(FACTS)]
    responses = respond(knowing[0], prompts, greedy(batch_size=6), seed=0, description="test")
    assert not [response for response in responses if "<" in response.text]


def test_no_prompts_have_no_responses_and_need_no_model():
    assert respond(ModelReference("nowhere"), [], greedy(), seed=0, description="test") == []


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_drawn_response_does_not_hang_on_its_batch(architecture, temperature, untrained):
    """Four responses to each prompt: alone, beside each other, in another order, and some of them only."""
    model, settings = untrained(architecture), drawn(temperature=temperature, max_new_tokens=8)
    asked = [(prompt, f"{n} {k}") for n, prompt in enumerate(PROMPTS) for k in range(4)]

    def responses(asked, batch_size):
        prompts, names = zip(*asked, strict=True)
        sized = settings.model_copy(update={"batch_size": batch_size})
        return dict(zip(names, respond(model, prompts, sized, 5, "test", names), strict=True))

    alone = responses(asked, 1)
    assert len(set(alone.values())) > 30
    for batch_size in (3, 7, 100):
        assert responses(asked, batch_size) == alone
    assert responses(asked[::-1], 5) == alone
    assert responses(asked[3:20], 7).items() <= alone.items()


def test_responses_to_one_prompt_differ_by_their_names(babbling):
    prompts = ["Words:"] * 6
    named = respond(babbling, prompts, drawn(), 7, "test", ["a", "b", "c", "c", "d", "e"])
    assert named[2] == named[3]
    assert len({response.text for response in named}) > 3
    assert respond(babbling, prompts, drawn(), 7, "test", list("012345")) == respond(
        babbling, prompts, drawn(), 7, "test"
    )


def test_draws_come_as_they_are_made_with_the_places_of_their_prompts(knowing):
    prompts = facts()["prompt"].tolist()
    places, responses = zip(*draw(knowing[0], prompts, greedy(batch_size=3), 0, "test"), strict=True)
    lengths = [len(ids) for ids in knowing[0].tokenizer()([prompts[place] for place in places])["input_ids"]]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(places) == list(range(len(prompts)))
    in_order = respond(knowing[0], prompts, greedy(), 0, "test")
    assert list(responses) == [in_order[place] for place in places]


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_a_prompt_that_is_read_once_has_the_responses_of_one_read_each_time(architecture, untrained):
    """Among them prompts of one token, prompts that differ in their last token alone, and one that begins another."""
    model = untrained(architecture)
    prompts = ["a", "a", "雪", "a b", "a c", "a b", "The king", "The king's daughters", "The king"]
    expected = [plain_greedy(model.name, prompt, 12) for prompt in prompts]
    for batch_size in (2, 5, 100):
        responses = respond(model, prompts, greedy(batch_size=batch_size), seed=0, description="test")
        assert [response.text for response in responses] == expected


def test_penalties_in_a_models_own_file_are_not_mixed_in(untrained, tmp_path):
    directory = Path(shutil.copytree(untrained("llama").name, tmp_path / "model"))
    own = {"repetition_penalty": 9.0, "do_sample": True, "temperature": 9.0, "top_k": 1, "max_length": 3}
    (directory / "generation_config.json").write_text(json.dumps(own), encoding="utf-8")
    expected = respond(untrained("llama"), PROMPTS, greedy(), 0, "test")
    assert respond(ModelReference(str(directory)), PROMPTS, greedy(), 0, "test") == expected


def test_the_same_seed_draws_the_same_responses_and_another_seed_others(babbling):
    runs = [respond(babbling, ["Words:"] * 20, drawn(), seed, "test") for seed in (7, 7, 8)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert len({response.text for response in runs[0]}) > 5


@pytest.mark.parametrize("changes", [{"top_p": 1e-6}, {"temperature": 1e-4}], ids=["top_p", "temperature"])
def test_draws_from_the_very_top_are_the_most_probable(changes, knowing):
    prompts = facts()["prompt"].tolist()
    expected = respond(knowing[0], prompts, greedy(), seed=0, description="test")
    assert respond(knowing[0], prompts, drawn(**changes), seed=3, description="test") == expected


def test_draws_follow_the_models_probabilities_at_the_temperature(babbling):
    """4000 draws of one token against the softmax of the logits over the temperature; the total variation is small."""
    draws, temperature = 4000, 2.0
    settings = drawn(temperature=temperature, max_new_tokens=1, batch_size=draws)
    texts = [response.text for response in respond(babbling, ["Words:"] * draws, settings, seed=0, description="test")]
    tokenizer, model = babbling.tokenizer(), babbling.causal_lm()
    with torch.inference_mode():
        logits = model(tokenizer("Words:", return_tensors="pt")["input_ids"]).logits[0, -1]
    probabilities = (logits / temperature).softmax(-1)
    for word in ("red", "good", "tall"):
        expected = probabilities[tokenizer(f" {word}")["input_ids"][0]].item()
        deviation = (expected * (1 - expected) / draws) ** 0.5
        assert texts.count(word) / draws == pytest.approx(expected, abs=5 * deviation)


@pytest.mark.parametrize("top_p", [0.3, 0.6])
def test_draws_stay_in_the_nucleus_and_reach_all_of_it(top_p, babbling):
    """The nucleus is the fewest most probable tokens that hold top_p of the probability, at the temperature."""
    settings = drawn(temperature=1.5, top_p=top_p, max_new_tokens=1, batch_size=1000)
    texts = {response.text for response in respond(babbling, ["Words:"] * 1000, settings, seed=0, description="test")}
    tokenizer, model = babbling.tokenizer(), babbling.causal_lm()
    with torch.inference_mode():
        logits = model(tokenizer("Words:", return_tensors="pt")["input_ids"]).logits[0, -1]
    probabilities, tokens = (logits / 1.5).softmax(-1).sort(descending=True)
    size = int((probabilities.cumsum(-1) < top_p).sum()) + 1
    assert texts == {tokenizer.decode([token], skip_special_tokens=True).strip() for token in tokens[:size].tolist()}


def test_draws_reach_beyond_the_fifty_most_probable_tokens(untrained):
    settings = drawn(temperature=1000.0, max_new_tokens=1, batch_size=600)
    responses = respond(untrained("bloom"), ["Words:"] * 600, settings, seed=0, description="test")
    assert len({response.text for response in responses}) > 100


class FakeLLM:
    """Stands for vLLM's class of that name: keeps what it was asked and answers with it."""

    made: list[str] = []  # noqa: RUF012

    def __init__(self, model: str, generation_config: str) -> None:
        assert generation_config == "vllm"
        self.made.append(model)

    def generate(self, prompts, drawing, use_tqdm):
        assert len(prompts) == len(drawing) <= 2048
        reasons = ["length" if prompt == "long" else "stop" for prompt in prompts]
        texts = [f" {prompt} {each.temperature} {each.seed}" for prompt, each in zip(prompts, drawing, strict=True)]
        pairs = zip(texts, reasons, strict=True)
        return [SimpleNamespace(outputs=[SimpleNamespace(text=text, finish_reason=why)]) for text, why in pairs]


def test_vllm_is_asked_with_a_seed_for_each_response(monkeypatch):
    vllm = ModuleType("vllm")
    vllm.LLM, vllm.SamplingParams = FakeLLM, SimpleNamespace
    monkeypatch.setitem(sys.modules, "vllm", vllm)
    monkeypatch.setattr(FakeLLM, "made", [])
    prompts, settings = ["long", *[f"prompt {n}" for n in range(4999)]], drawn(engine="vllm")
    responses = respond(ModelReference("some/model"), prompts, settings, 3, "test")
    assert FakeLLM.made == ["some/model"]
    assert [response.finish_reason for response in responses] == ["length", *["stop"] * 4999]
    parts = [response.text.rsplit(" ", 2) for response in responses]
    assert [text for text, *_ in parts] == prompts
    assert {temperature for _, temperature, _ in parts} == {"1.0"}
    assert len({seed for *_, seed in parts}) == 5000
    assert all(0 <= int(seed) < 2**63 for *_, seed in parts)


def test_vllm_that_is_not_installed_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UserError, match=r"pip install 'okapi-kedro\[vllm\]', or set .*engine=transformers") as error:
        respond(ModelReference("some/model"), ["a"], drawn(engine="vllm"), 3, "test")
    assert "\n" not in str(error.value)


def test_sampling_defaults_are_the_original_s_and_load_with_the_model(untrained, tmp_path):
    reference = untrained("llama")
    model, tokenizer = reference.causal_lm(), reference.tokenizer()
    model.save_pretrained(tmp_path)
    sampling_defaults(tokenizer).save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path).generation_config
    expected = {"max_new_tokens": 256, "do_sample": True, "top_p": 0.75, "top_k": 40, "eos_token_id": 2}
    assert {name: getattr(loaded, name) for name in expected} == expected
    assert isinstance(loaded, GenerationConfig)
