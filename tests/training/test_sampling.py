"""Responses come in the order of the prompts, are plain transformers' own, and the seed decides the draws."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from okapi_kedro.training.sampling import Response, SamplingSettings, respond

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


def test_no_prompts_have_no_responses(untrained):
    assert respond(untrained("bloom"), [], greedy(), seed=0, description="test") == []


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


def test_draws_reach_beyond_the_fifty_most_probable_tokens(untrained):
    settings = drawn(temperature=1000.0, max_new_tokens=1, batch_size=600)
    responses = respond(untrained("bloom"), ["Words:"] * 600, settings, seed=0, description="test")
    assert len({response.text for response in responses}) > 100
