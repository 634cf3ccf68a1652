"""The calls around a batch may fail in every way: it is still made once, and read whole."""

import logging
import traceback

import pytest
from aiohttp import web

from okapi_kedro.errors import UserError
from okapi_kedro.teacher import retries
from okapi_kedro.teacher.batch import api

from ..endpoint import KEY
from ..offline.serving import serving
from .batch_teacher import batch_teacher, batches_at, connected, meddled, questions, times_generated

CALLS = {
    "upload": ("POST", r"/v1/files"),
    "create": ("POST", r"/v1/batches"),
    "list": ("GET", r"/v1/batches"),
    "look": ("GET", r"/v1/batches/batch_"),
    "download": ("GET", r"/v1/files/"),
}


async def status_429(request, handler):
    return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "0"})


async def status_503(request, handler):
    return web.Response(text="<html>busy</html>", status=503, content_type="text/html")


async def web_page(request, handler):
    return web.Response(text="<html>sign in</html>", content_type="text/html")


async def broken_json(request, handler):
    return web.Response(text='{"id": "ba', content_type="application/json")


async def reset(request, handler):
    request.transport.abort()
    return web.Response()


async def reset_when_done(request, handler):
    await handler(request)
    return await reset(request, handler)


async def refused_when_done(request, handler):
    await handler(request)
    return await status_503(request, handler)


async def cut_when_done(request, handler):
    await handler(request)
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"custom_id": "')
    request.transport.close()
    return response


FAULTS = [status_429, status_503, web_page, broken_json, reset, reset_when_done, refused_when_done, cut_when_done]


def meddling(call, fault, times):
    """Lets a call go wrong the first times, and counts them."""
    method, path = CALLS[call]
    seen = []

    async def meddle(request, handler):
        is_meant = request.method == method and request.path.startswith(path)
        if call == "list":
            is_meant = is_meant and request.path == path
        if is_meant:
            seen.append(request.path)
        return await (fault if is_meant and len(seen) <= times else _pass)(request, handler)

    return meddle, seen


async def _pass(request, handler):
    return await handler(request)


@pytest.fixture(autouse=True)
def _hardly_any_delay(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.01)


CASES = [(call, fault) for call in CALLS for fault in FAULTS if (call, fault) not in {("download", broken_json)}]


@pytest.mark.parametrize(("call", "fault"), CASES, ids=[f"{call} {fault.__name__}" for call, fault in CASES])
def test_a_fault_that_passes_costs_nothing_and_makes_no_second_batch(monkeypatch, tmp_path, call, fault):
    meddle, seen = meddling(call, fault, 2)
    with meddled(monkeypatch, meddle) as url:
        assert len(batch_teacher(url, tmp_path).complete(questions(3), "s", "ne")) == 3
        assert len(batches_at(url)) == 1
        assert times_generated(url) == [1, 1, 1]
    assert (len(seen) == 1) if call == "create" and fault.__name__.endswith("when_done") else (len(seen) >= 3)


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_is_one_line_without_the_key_and_not_repeated(monkeypatch, tmp_path, call, caplog):
    caplog.set_level(logging.DEBUG, "okapi_kedro")

    async def refuse(request, handler):
        return web.json_response({"error": {"message": f"{KEY} may not\ndo this"}}, status=403)

    meddle, seen = meddling(call, refuse, 100)
    with meddled(monkeypatch, meddle) as url, pytest.raises(UserError, match="403 <key> may not do this") as raised:
        batch_teacher(url, tmp_path).complete(questions(3), "s", "ne")
    assert len(seen) == 1
    assert "\n" not in str(raised.value)
    assert KEY not in caplog.text + "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None


@pytest.mark.parametrize("call", CALLS)
def test_what_does_not_recover_is_given_up_and_the_next_run_goes_on(monkeypatch, tmp_path, call):
    meddle, seen = meddling(call, status_503, 4)
    with meddled(monkeypatch, meddle) as url:
        teacher = batch_teacher(url, tmp_path, retries=3)
        with pytest.raises(UserError, match=r"503 .*\(attempt 4\).*run again to go on"):
            teacher.complete(questions(3), "s", "ne")
        assert len(seen) == 4
        assert not teacher.account._in_flight
        assert len(batch_teacher(url, tmp_path).complete(questions(3), "s", "ne")) == 3
        assert times_generated(url) == [1, 1, 1]


def test_a_batch_that_was_made_by_a_call_without_an_answer_is_found_by_the_next_run(monkeypatch, tmp_path):
    meddle, seen = meddling("create", reset_when_done, 1)
    with meddled(monkeypatch, meddle) as url:
        with pytest.raises(UserError, match="run again to go on"):
            batch_teacher(url, tmp_path, retries=0).complete(questions(3), "s", "ne")
        assert len(batch_teacher(url, tmp_path).complete(questions(3), "s", "ne")) == 3
        assert len(batches_at(url)) == len(seen) == 1


def test_a_key_that_may_not_delete_files_leaves_them_there(monkeypatch, tmp_path):
    async def refuse_to_delete(request, handler):
        return web.Response(status=403) if request.method == "DELETE" else await handler(request)

    with meddled(monkeypatch, refuse_to_delete) as url:
        assert len(batch_teacher(url, tmp_path).complete(questions(3), "s", "ne")) == 3


def test_all_pages_of_the_list_are_looked_through(monkeypatch, tmp_path):
    monkeypatch.setattr(api, "BATCHES_ON_A_PAGE", 2)
    with serving() as url:
        batch_teacher(url, tmp_path / "first").complete(questions(3), "s", "ne")
        for number in range(5):
            batch_teacher(url, tmp_path / "second").complete(questions(1, first=10 + number), "other", "ne")
        assert len(batch_teacher(url, tmp_path / "third").complete(questions(3), "s", "ne")) == 3
        assert len(batches_at(url)) == 6
        with connected(url) as client:
            assert client.files.list(purpose="batch").data == []


def test_nobody_listening_is_named_as_such(tmp_path):
    with pytest.raises(UserError, match="no connection"):
        batch_teacher("http://127.0.0.1:9/v1", tmp_path, retries=1).complete(questions(1), "s", "ne")
