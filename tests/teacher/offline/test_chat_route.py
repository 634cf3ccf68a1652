"""Faults as a client meets them on a socket, and how the server counts them."""

import asyncio
import hashlib
import http.client
import json
import socket
import time
from collections import Counter
from urllib.parse import urlsplit

import aiohttp
import openai
import pytest

from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.server import respond

from ..running_server import counts, fetch, received
from .serving import serving

USAGE = respond({"messages": [{"role": "user", "content": "question 0"}]})["usage"]


def body_of(number=0):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": f"question {number}"}]}).encode()


def post(base_url, body, timeout=5.0):
    """Status, headers and content of one answer."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request("POST", f"{address.path}/chat/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def post_all(base_url, bodies):
    """The statuses, in the order of the bodies, when all are sent at once, and the order in which they came."""
    finished = []

    async def ask(session, number, body):
        async with session.post(f"{base_url}/chat/completions", data=body) as response:
            await response.read()
            finished.append(number)
            return response.status

    async def ask_all():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.gather(*(ask(session, number, body) for number, body in enumerate(bodies)))

    return asyncio.run(ask_all()), finished


def test_every_answer_is_counted_with_its_tokens_and_its_digest():
    with serving() as url:
        content = [json.loads(post(url, body)[2]) for body in (body_of(0), b" " + body_of(0), body_of(1))]
        counted, listed = counts(url), received(url)
    assert content[0] == content[1] == respond(json.loads(body_of(0)))
    prompt_tokens = sum(completion["usage"]["prompt_tokens"] for completion in content)
    completion_tokens = sum(completion["usage"]["completion_tokens"] for completion in content)
    assert counted == {
        "received": 3,
        "answered": 3,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "generated": 3,
        "billed_prompt_tokens": prompt_tokens,
        "billed_completion_tokens": completion_tokens,
        "most_in_flight": 1,
        "faults": {},
    }
    canonical = json.dumps(json.loads(body_of(0)), sort_keys=True, separators=(",", ":"))
    assert listed[0] == {"digest": hashlib.sha256(canonical.encode()).hexdigest(), "outcome": "answered", "number": 0}
    assert [entry["digest"] == listed[0]["digest"] for entry in listed] == [True, True, False]


@pytest.mark.parametrize(
    ("fault", "status", "code", "delay"),
    [
        ("rate_limited", 429, "rate_limit_exceeded", None),
        ("rate_limited_with_delay", 429, "rate_limit_exceeded", "0.25"),
        ("server_error", 500, "server_error", None),
        ("overloaded", 503, "overloaded", None),
    ],
)
def test_a_refusal_is_an_error_in_openais_form_and_costs_nothing(fault, status, code, delay):
    with serving(FaultPlan(**{fault: 1}, retry_after=0.25)) as url:
        found, headers, content = post(url, body_of())
        counted = counts(url)
    assert (found, headers["Retry-After"]) == (status, delay)
    assert json.loads(content)["error"]["code"] == code
    assert (counted["received"], counted["answered"], counted["generated"]) == (1, 0, 0)
    assert counted["faults"] == {fault: 1}


def test_a_reset_cuts_the_body_in_half_and_is_billed():
    with serving(FaultPlan(reset=1)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body_of()), body_of())
            )
            sent = b""
            with pytest.raises(ConnectionResetError):
                while piece := connection.recv(65536):
                    sent += piece
        counted = counts(url)
    head, _, content = sent.partition(b"\r\n\r\n")
    whole = json.dumps(respond(json.loads(body_of()))).encode()
    assert head.startswith(b"HTTP/1.1 200")
    assert f"Content-Length: {len(whole)}".encode() in head
    assert content == whole[: len(whole) // 2]
    assert (counted["answered"], counted["generated"]) == (0, 1)
    assert counted["billed_completion_tokens"] == USAGE["completion_tokens"]
    assert counted["completion_tokens"] == 0


def test_a_refused_body_ends_the_connection_before_any_byte_and_costs_nothing():
    with serving(FaultPlan(refused_body=1)) as url:
        with pytest.raises(ConnectionResetError):
            post(url, body_of())
        counted = counts(url)
    assert (counted["generated"], counted["faults"]) == (0, {"refused_body": 1})


def test_a_broken_body_has_its_full_length_is_no_json_and_is_billed():
    with serving(FaultPlan(broken_json=1)) as url:
        status, headers, content = post(url, body_of())
        counted = counts(url)
    assert (status, int(headers["Content-Length"])) == (200, len(content))
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)
    assert (counted["answered"], counted["generated"], counted["faults"]) == (0, 1, {"broken_json": 1})


def test_a_body_that_is_no_completion_is_json_and_costs_nothing():
    with serving(FaultPlan(not_a_completion=1)) as url:
        status, _, content = post(url, body_of())
        counted = counts(url)
    assert status == 200
    assert "choices" not in json.loads(content)
    assert (counted["generated"], counted["faults"]) == (0, {"not_a_completion": 1})


def test_a_stalled_answer_is_billed_at_once_and_answered_only_for_who_waits():
    with serving(FaultPlan(stalled=1, stall_seconds=0.5)) as url:
        with pytest.raises(TimeoutError):
            post(url, body_of(), timeout=0.1)
        impatient = counts(url)
        assert post(url, body_of())[0] == 200
        patient = counts(url)
    assert (impatient["generated"], impatient["answered"]) == (1, 0)
    assert (patient["generated"], patient["answered"], patient["faults"]) == (2, 1, {"stalled": 2})


def test_an_answer_whose_client_has_gone_is_billed_and_not_answered():
    with serving(latency=0.3) as url:
        with pytest.raises(TimeoutError):
            post(url, body_of(), timeout=0.05)
        deadline = time.monotonic() + 5
        while received(url)[0]["outcome"] == "in_flight" and time.monotonic() < deadline:
            time.sleep(0.02)
        counted = counts(url)
    assert (counted["answered"], counted["generated"], counted["faults"]) == (0, 1, {"abandoned": 1})


@pytest.mark.parametrize("fault", ["empty", "null", "truncated", "wrong_json", "duplicate_id"])
def test_an_answer_fault_is_the_same_each_time_and_is_answered(fault):
    with serving(FaultPlan(**{fault: 1})) as url:
        first, second = (post(url, body_of())[2] for _ in range(2))
        counted = counts(url)
    assert first == second != json.dumps(respond(json.loads(body_of()))).encode()
    assert (counted["answered"], counted["generated"], counted["faults"]) == (2, 2, {fault: 2})


def test_a_status_refuses_everything_but_the_counts():
    with (
        serving(FaultPlan(status=401)) as url,
        openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client,
    ):
        for call in (client.models.list, client.batches.list, client.files.list):
            with pytest.raises(openai.AuthenticationError):
                call()
        assert post(url, body_of())[0] == 401
        assert counts(url)["faults"] == {"status": 1}


def test_the_quota_ends_after_so_many_answers():
    with serving(FaultPlan(quota_after=2)) as url:
        answers = [post(url, body_of(number)) for number in range(4)]
        counted = counts(url)
        client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
        with client, pytest.raises(openai.RateLimitError, match="quota"):
            client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    assert [status for status, _, _ in answers] == [200, 200, 429, 429]
    assert json.loads(answers[2][2])["error"]["code"] == "insufficient_quota"
    assert (counted["answered"], counted["faults"]) == (2, {"quota_after": 2})


def test_shuffled_answers_overtake_each_other_and_are_in_flight_together():
    with serving(FaultPlan(shuffle_seconds=0.3)) as url:
        statuses, finished = post_all(url, map(body_of, range(50)))
        counted = counts(url)
    assert statuses == [200] * 50
    assert finished != sorted(finished)
    # All 50 on a quick machine; on a busy one the first answers leave before the last requests come.
    assert counted["most_in_flight"] > 10


def test_the_faults_of_a_run_are_reproducible_in_any_order():
    plan = FaultPlan(seed=1, rate_limited=0.2, server_error=0.2, shuffle_seconds=0.05)
    runs = []
    for numbers in (range(100), reversed(range(100))):
        with serving(plan) as url:
            post_all(url, map(body_of, numbers))
            runs.append(Counter((entry["digest"], entry["outcome"]) for entry in received(url)))
    assert runs[0] == runs[1]
    assert {outcome for _, outcome in runs[0]} == {"answered", "rate_limited", "server_error"}


def test_what_cannot_be_answered_is_counted_as_invalid():
    with serving() as url:
        assert [post(url, body)[0] for body in (b"{", b'{"messages": []}', b"\xff")] == [400] * 3
        counted, listed = counts(url), received(url)
    assert (counted["received"], counted["generated"], counted["faults"]) == (3, 0, {"invalid_request": 3})
    assert listed[0]["digest"] == hashlib.sha256(b"{").hexdigest()


def test_a_server_outlives_clients_that_die_in_the_middle_of_a_request():
    with serving(latency=0.05) as url:
        address = urlsplit(url)
        for sent in (b"", b"POST", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(sent)
        assert post(url, body_of())[0] == 200
        assert fetch(f"{url}/models")["data"]
        assert counts(url)["answered"] == 1
