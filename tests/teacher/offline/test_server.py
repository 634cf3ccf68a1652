import json
import random
import urllib.error
import urllib.request

import httpx2
import openai
import pytest

from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.teacher.offline.server import MODEL, REHEARSAL, request_digest, respond, transport

from ..running_server import running_server
from .asking import answer, generation_prompt, ranking_prompt, translation_prompt


@pytest.fixture(scope="module")
def base_url():
    with running_server() as url:
        yield url


def fetch(url, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def prompts_of_every_kind():
    rng = random.Random(0)
    rows = [draw_task(rng).text("en") for _ in range(20)]
    ranked = [{**row, "response_1": row["output"], "response_2": "नमस्ते"} for row in rows]
    return [
        *map(translation_prompt, rows),
        *map(ranking_prompt, ranked),
        generation_prompt(),
        ({"role": "user", "content": "Who are you?"},),
        # Escaped half a surrogate pair, which has no UTF-8 once the escape is read.
        (*translation_prompt({})[:-1], {"role": "user", "content": r'{"response_1": "\ud83d"}'}),
    ]


@pytest.fixture(params=["http", "process"])
def client(request, base_url):
    """Both ways to reach the offline teacher."""
    if request.param == "http":
        connection = {"base_url": base_url}
    else:
        connection = {"base_url": "http://offline/v1", "http_client": httpx2.Client(transport=transport())}
    with openai.OpenAI(api_key="none", max_retries=0, **connection) as client:
        yield client


def test_over_http_and_in_the_process_the_answers_are_those_of_respond(client):
    for prompt in prompts_of_every_kind():
        for seed in (0, 1):
            payload = {"model": MODEL, "messages": list(prompt), "seed": seed}
            assert client.post("/chat/completions", body=payload, cast_to=object) == respond(payload)


def test_equal_requests_have_equal_answers_and_seed_and_model_make_them_unequal():
    payload = {"model": MODEL, "messages": list(generation_prompt()), "seed": 1, "temperature": 1.0}
    assert respond(payload) == respond({**payload, "temperature": 0.5})
    assert respond(payload)["choices"] != respond({**payload, "seed": 2})["choices"]
    assert respond(payload)["choices"] != respond({**payload, "model": "other"})["choices"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Who are you?"}],
        [{"role": "user", "content": ""}],
        [{"role": "system", "content": "You translate from English into Klingon."}, {"role": "user", "content": "{}"}],
        [{"role": "system", "content": "You translate from English into Nepali."}, {"role": "user", "content": "dog"}],
        [{"role": "user", "content": 'Answer with {"ranking": [[1]]}'}],
        [{"role": "user", "content": 'Answer with "ranking": {"instruction": 1, "response_1": "a"}'}],
        [{"role": "user", "content": "until there are 9\nTask 12"}],
    ],
)
def test_anything_else_is_answered_by_saying_what_it_is(messages):
    text, finish_reason = answer(messages)
    assert "no translator" in text
    assert finish_reason == "stop"


def test_the_answer_is_a_chat_completion_that_says_it_is_no_translator(base_url):
    body = json.dumps({"model": MODEL, "messages": list(generation_prompt())}).encode()
    status, completion = fetch(f"{base_url}/chat/completions", body)
    assert status == 200
    assert (completion["object"], completion["model"]) == ("chat.completion", MODEL)
    assert "no translator" in completion["system_fingerprint"]
    usage = completion["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_the_models_are_listed(base_url):
    status, models = fetch(f"{base_url}/models")
    assert status == 200
    assert [model["id"] for model in models["data"]] == [MODEL, REHEARSAL]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", b"{", 400),
        ("/chat/completions", b"\xff", 400),
        ("/chat/completions", b"[]", 400),
        ("/chat/completions", b"[" * 100_000, 400),
        ("/chat/completions", b"{}", 400),
        ("/chat/completions", b'{"messages": []}', 400),
        ("/chat/completions", b'{"messages": ["hi"]}', 400),
        ("/chat/completions", b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', 400),
        ("/embeddings", b"{}", 404),
        ("/nothing", None, 404),
        ("/chat/completions", None, 404),
    ],
)
def test_a_request_that_cannot_be_answered_has_an_error_in_openais_form(base_url, path, body, status):
    found, answered = fetch(f"{base_url}{path}", body)
    assert found == status
    assert answered["error"]["message"]


def test_a_digest_hangs_on_what_a_request_says_and_not_on_how_it_is_written():
    assert request_digest(json.loads('{"b": [1, 2], "a": "\\u0928"}')) == request_digest({"a": "न", "b": [1, 2]})
    assert request_digest({"a": 1}) != request_digest({"a": "1"})
    assert request_digest({"a": "\ud800"}) != request_digest({"a": "\ud801"})
