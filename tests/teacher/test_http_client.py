"""What the lean way to an endpoint must not lose: compression, redirects, proxies, files and streams."""

import asyncio
import gzip

import httpx2
import openai
import pytest

from okapi_kedro.teacher.http_client import HttpClient

from .endpoint import Fault, completion_body, request_for

JSON = {"Content-Type": "application/json"}


def post(base_url, **parts):
    async def send():
        async with openai.AsyncOpenAI(
            base_url=base_url, api_key="k", max_retries=0, http_client=HttpClient(5.0)
        ) as client:
            return await client.post("/chat/completions", cast_to=httpx2.Response, **parts)

    return asyncio.run(send())


def test_a_compressed_answer_is_read(endpoint, teacher):
    def plan(payload, before):
        return Fault(200, gzip.compress(completion_body(payload)), {**JSON, "Content-Encoding": "gzip"})

    assert teacher(endpoint(plan).base_url).complete([request_for("ab")], "s", "ne")[0].text == "ba #0"


def test_a_redirect_is_followed_with_the_whole_request(endpoint, teacher):
    there = endpoint()
    here = endpoint(lambda payload, before: Fault(307, b"", {"Location": f"{there.base_url}/chat/completions"}))
    assert teacher(here.base_url).complete([request_for("ab")], "s", "ne")[0].text == "ba #0"
    assert here.asked == there.asked


def test_the_proxy_of_the_environment_is_used_but_not_for_addresses_that_it_excepts(endpoint, teacher, monkeypatch):
    proxy, direct = endpoint(), endpoint()
    monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    teacher("http://teacher.invalid/v1").complete([request_for("a")], "s", "ne")
    teacher(direct.base_url).complete([request_for("b")], "s", "ne")
    assert (len(proxy.asked), len(direct.asked)) == (1, 1)


def test_queries_are_sent_with_the_address(endpoint):
    server = endpoint()
    answer = post(server.base_url, body={"messages": [{"content": "ab"}], "seed": 1}, options={"params": {"a": "b"}})
    assert answer.request.url.query == b"a=b"
    assert answer.json()["choices"][0]["message"]["content"] == "ba #1"


def test_an_answer_that_does_not_come_is_a_timeout_and_a_refused_connection_is_none(endpoint):
    server = endpoint(lambda payload, before: Fault(200, b" " * 10, pause=0.5))

    async def send(base_url):
        http_client = HttpClient(0.2)
        async with openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0, http_client=http_client) as client:
            await client.post("/chat/completions", body={}, cast_to=httpx2.Response)

    with pytest.raises(openai.APITimeoutError):
        asyncio.run(send(server.base_url))
    with pytest.raises(openai.APIConnectionError) as refused:
        asyncio.run(send("http://127.0.0.1:9/v1"))
    assert isinstance(refused.value.__cause__, httpx2.ConnectError)
