import json
import random
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Request
from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.teacher.offline.server import MODEL, listen, respond
from okapi_kedro.teacher.store import CompletionStore

from ..endpoint import environment
from .asking import SAMPLING, answer, generation_prompt, ranking_prompt, translation_prompt


@pytest.fixture(scope="module")
def base_url():
    with listen(0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def fetch(url, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def requests_of_every_kind():
    rng = random.Random(0)
    rows = [draw_task(rng).text("en") for _ in range(20)]
    ranked = [{**row, "response_1": row["output"], "response_2": "नमस्ते"} for row in rows]
    prompts = [
        *map(translation_prompt, rows),
        *map(ranking_prompt, ranked),
        generation_prompt(),
        ({"role": "user", "content": "Who are you?"},),
    ]
    return [Request(prompt, SAMPLING, sample) for prompt in prompts for sample in (0, 1)]


def test_over_http_and_in_the_process_a_teacher_gets_the_same_answers(base_url, tmp_path):
    asked = requests_of_every_kind()
    answers = [
        Teacher(MODEL, url, None, 4, 10.0, 0, CompletionStore(tmp_path / name)).complete(asked, "s", "ne")
        for name, url in (("http", base_url), ("process", "offline"))
    ]
    assert answers[0] == answers[1]
    assert [(c.text, c.finish_reason) for c in answers[0]] == [answer(r.messages, r.sample) for r in asked]
    assert all(completion.prompt_tokens and completion.completion_tokens for completion in answers[0])


def test_only_the_offline_address_is_offline(tmp_path):
    store = CompletionStore(tmp_path)
    assert Teacher(MODEL, "offline", None, 1, 1.0, 0, store).is_offline
    assert not Teacher(MODEL, "http://127.0.0.1/v1", None, 1, 1.0, 0, store).is_offline


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
    assert [model["id"] for model in models["data"]] == [MODEL]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", b"{", 400),
        ("/chat/completions", b"\xff", 400),
        ("/chat/completions", b"[]", 400),
        ("/chat/completions", b"{}", 400),
        ("/chat/completions", b'{"messages": []}', 400),
        ("/chat/completions", b'{"messages": ["hi"]}', 400),
        ("/chat/completions", b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', 400),
        ("/embeddings", b"{}", 404),
        ("/nothing", None, 404),
    ],
)
def test_a_request_that_cannot_be_answered_has_an_error_in_openais_form(base_url, path, body, status):
    found, answered = fetch(f"{base_url}{path}", body)
    assert found == status
    assert answered["error"]["message"]


def test_the_command_serves_on_loopback_and_says_where():
    command = [sys.executable, "-m", "okapi_kedro.teacher.offline", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as server:
        try:
            notice, address = server.stdout.readline(), server.stdout.readline()
            assert "no translator" in notice
            assert fetch(f"{address.split()[-1]}/models")[0] == 200
        finally:
            server.terminate()
            server.wait()


def test_a_port_in_use_is_one_line(base_url):
    port = base_url.split(":")[-1].split("/")[0]
    command = [sys.executable, "-m", "okapi_kedro.teacher.offline", "--port", port]
    failed = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"port {port}: ")
    assert failed.stderr.count("\n") == 1


def test_help_says_that_it_is_no_translator():
    command = [sys.executable, "-m", "okapi_kedro.teacher.offline", "--help"]
    helped = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    assert "no translator" in " ".join(helped.stdout.split())
