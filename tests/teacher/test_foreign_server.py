"""The client against a chat endpoint that we did not write: `transformers serve` with a tiny model, not trained."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from transformers import LlamaConfig, LlamaForCausalLM, set_seed
from transformers.utils.import_utils import is_serve_available

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import Price
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.training.pretraining import train_tokenizer

from .endpoint import teacher_at

pytestmark = pytest.mark.skipif(
    not is_serve_available(), reason="transformers serve needs fastapi and uvicorn: pip install 'transformers[serving]'"
)

TEMPLATE = """[system]
Translate every value of the JSON object from English into $language. Answer with the JSON object alone.
[user]
$row"""
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
MAX_TOKENS = 8


def translation(row, sample=0, temperature=1.0):
    messages = render(TEMPLATE, language="Nepali", row=row)
    return Request(messages, Sampling(temperature, 1.0, MAX_TOKENS), sample)


REQUESTS = [
    translation('{"instruction": "Name three colours."}'),
    translation('{"instruction": "तीनवटा रङ भन्नुहोस्।"}'),
    translation('{"instruction": "Name three colours."}', sample=1),
    translation('{"instruction": "Name three colours."}', temperature=0.0),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    tokenizer = train_tokenizer([message["content"] for message in REQUESTS[0].messages], 300)
    tokenizer.chat_template = CHAT_TEMPLATE
    set_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokens = {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id}
    # Without an end-of-text token it always writes as much as it may.
    llama = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), eos_token_id=None, **shape, **tokens))
    # Otherwise the server takes the likeliest token whatever the temperature.
    llama.generation_config.do_sample = True
    llama.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@contextmanager
def serving(model, log):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", model]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*command, *options], stdout=log, stderr=log, env=environment) as server:
        try:
            while not answers(f"http://127.0.0.1:{port}/health"):
                assert server.poll() is None, "transformers serve has ended; its log says why"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def answers(url):
    try:
        with urllib.request.urlopen(url) as response:
            return response.status == 200
    except urllib.error.URLError:
        return False


@pytest.fixture(scope="module")
def base_url(model, tmp_path_factory):
    with (tmp_path_factory.mktemp("log") / "serve.log").open("wb") as log, serving(model, log) as url:
        yield url


@pytest.fixture
def asking(model, tmp_path):
    def ask(base_url, **settings):
        teacher = teacher_at(base_url, tmp_path / "store", model=model, timeout=60.0, retries=0, **settings)
        return teacher, teacher.complete(REQUESTS, "translation", "ne")

    return ask


def test_a_translation_is_answered_paid_for_and_the_second_run_is_free(base_url, asking):
    price = Price(prompt=1.0, completion=1_000_000.0)
    first, completions = asking(base_url, price=price)
    assert [each.completion_tokens for each in completions] == [MAX_TOKENS] * len(REQUESTS)
    assert {each.finish_reason for each in completions} == {"length"}
    assert all(each.text and each.prompt_tokens > 50 for each in completions)
    assert completions[0].text != completions[2].text
    assert first.store.spent_usd == pytest.approx(MAX_TOKENS * len(REQUESTS), rel=1e-3)

    again, stored = asking("http://127.0.0.1:9/v1", price=price)
    assert stored == completions
    assert again.store.spent_usd == first.store.spent_usd


def test_a_request_is_refused_for_a_field_it_does_not_know_and_the_error_names_it_and_what_helps(base_url, asking):
    with pytest.raises(UserError, match=r"422 .*best_of.*teacher\.extra_body") as refused:
        asking(base_url, extra_body={"best_of": 2})
    assert "\n" not in str(refused.value)


def test_extra_body_leaves_out_and_adds_fields(base_url, asking):
    fewer = '{"max_new_tokens": 3, "do_sample": true}'
    _, completions = asking(base_url, extra_body={"seed": None, "max_tokens": None, "generation_config": fewer})
    assert {each.completion_tokens for each in completions} == {3}


def test_a_json_schema_is_sent_and_does_no_harm_where_it_is_not_held_to(base_url, model, tmp_path):
    schema = {"type": "object", "properties": {"instruction": {"type": "string"}}}
    request = Request(REQUESTS[0].messages, REQUESTS[0].sampling, schema=schema)
    teacher = teacher_at(base_url, tmp_path, model=model, timeout=60.0, response_format="json_schema")
    assert teacher.complete([request], "translation", "ne")[0].completion_tokens == MAX_TOKENS
