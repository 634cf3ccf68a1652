import asyncio
import logging
import signal
import subprocess
import sys
import threading
import time
import traceback

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.store import CompletionStore

from .endpoint import KEY, Fault, environment, error, request_for


def requests(count):
    return [request_for(f"question {number}") for number in range(count)]


def texts(completions):
    return [completion.text for completion in completions]


def expected(asked):
    return [f"{request.messages[-1]['content'][::-1]} #{request.sample}" for request in asked]


def test_answers_come_in_the_order_of_the_requests_however_they_arrive(endpoint, teacher):
    def plan(payload, before):
        time.sleep(0.02 if payload["messages"][-1]["content"].endswith(("0", "3")) else 0)

    asked = requests(20)
    assert texts(teacher(endpoint(plan).base_url).complete(asked, "s", "ne")) == expected(asked)


def test_the_request_says_what_was_asked_for(endpoint, teacher):
    server = endpoint()
    completions = teacher(server.base_url).complete([request_for("a", sample=3)], "s", "ne")
    assert server.asked == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "a"}],
            "temperature": 1.0,
            "top_p": 1.0,
            "max_tokens": 100,
            "seed": 3,
        }
    ]
    assert server.authorizations == {f"Bearer {KEY}"}
    assert (completions[0].finish_reason, completions[0].prompt_tokens, completions[0].completion_tokens) == (
        "stop",
        7,
        3,
    )


def test_without_a_key_none_is_taken_from_the_environment(endpoint, teacher, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = endpoint()
    teacher(server.base_url, api_key=None).complete(requests(1), "s", "ne")
    assert KEY not in str(server.authorizations)


def test_equal_requests_are_sent_once(endpoint, teacher):
    server = endpoint()
    asked = [request_for("a"), request_for("b"), request_for("a"), request_for("a", sample=1), request_for("b")]
    assert texts(teacher(server.base_url).complete(asked, "s", "ne")) == expected(asked)
    assert len(server.asked) == 3


def test_a_rerun_asks_nothing_again_also_for_another_stage_or_at_another_address(endpoint, teacher):
    server, other = endpoint(), endpoint()
    first = teacher(server.base_url).complete(requests(10), "s", "ne")
    assert teacher(server.base_url).complete(requests(10), "s", "ne") == first
    assert teacher(other.base_url, api_key="another").complete(requests(10), "t", "vi") == first
    assert (len(server.asked), len(other.asked)) == (10, 0)


def test_a_longer_rerun_asks_what_is_new(endpoint, teacher):
    server = endpoint()
    teacher(server.base_url).complete(requests(5), "s", "ne")
    assert texts(teacher(server.base_url).complete(requests(8), "s", "ne")) == expected(requests(8))
    assert len(server.asked) == 8


def test_requests_are_read_as_they_are_needed_and_no_more_are_in_flight_than_allowed(endpoint, teacher):
    drawn = []
    server = endpoint(lambda payload, before: most_ahead.append(len(drawn) - len(server.answered)))
    most_ahead = []

    def source():
        for request in requests(30):
            drawn.append(request)
            yield request

    assert len(teacher(server.base_url, concurrency=3).complete(source(), "s", "ne")) == 30
    assert server.most_in_flight <= 3
    # What one worker has been answered the server may not have counted yet.
    assert max(most_ahead) <= 2 * 3


def test_no_requests_need_no_endpoint(teacher):
    assert teacher("http://127.0.0.1:9/v1").complete([], "s", "ne") == []


def test_a_reader_that_stops_early_leaves_what_it_has_not_come_to_unasked(endpoint, teacher):
    server = endpoint()
    stream = teacher(server.base_url, concurrency=8).stream(requests(100), "s", "ne", ahead=5)
    first = [next(stream) for _ in range(3)]
    stream.close()
    assert texts(first) == expected(requests(3))
    assert 3 <= len(server.asked) <= 3 + 5


def test_a_reader_that_stops_at_the_same_answer_again_asks_nothing_again(endpoint, teacher):
    server = endpoint()
    asked = set()
    for _ in range(3):
        stream = teacher(server.base_url, concurrency=8).stream(requests(100), "s", "ne", ahead=5)
        for _ in range(10):
            next(stream)
        stream.close()
        asked.add(len(server.asked))
    assert len(asked) == 1


def test_answers_come_before_the_last_requests_are_read(endpoint, teacher):
    drawn = []

    def source():
        for request in requests(10_000):
            drawn.append(request)
            yield request

    stream = teacher(endpoint().base_url).stream(source(), "s", "ne")
    assert next(stream).text == expected(requests(1))[0]
    stream.close()
    assert len(drawn) < 5_000


FAULTS_THAT_PASS = {
    "408": error(408),
    "409": error(409),
    "429": error(429, "slow down", "rate_limit_exceeded"),
    "429 with seconds": error(429, retry_after="0"),
    "429 with milliseconds": error(429, retry_after_ms="10"),
    "429 with a date": error(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    "429 with nonsense": error(429, retry_after="soon"),
    "500": Fault(500, b"<html>oops</html>", {"Content-Type": "text/html"}),
    "503 without a body": Fault(503),
    "529": error(529),
    "connection reset": Fault(None),
    "connection reset within the body": Fault(None, b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": ['),
    "cut JSON": Fault(200, b'{"choices": [{"message": {"content": "ab'),
    "an error under 200": Fault(200, b'{"error": {"message": "upstream is busy", "code": 502}}'),
    "a web page under 200": Fault(200, b"<html></html>", {"Content-Type": "text/html"}),
    "no choices": Fault(200, b'{"choices": []}'),
    "no object": Fault(200, b'["choices"]'),
}


@pytest.mark.parametrize("fault", FAULTS_THAT_PASS.values(), ids=FAULTS_THAT_PASS.keys())
def test_a_fault_that_may_pass_is_asked_again_and_leaves_no_mark(endpoint, teacher, fault):
    server = endpoint(lambda payload, before: fault if before < 2 else None)
    asked = requests(3)
    assert texts(teacher(server.base_url).complete(asked, "s", "ne")) == expected(asked)
    assert len(server.asked) == 9


def test_an_answer_that_does_not_come_in_time_is_asked_again(endpoint, teacher):
    server = endpoint(lambda payload, before: time.sleep(2) if before == 0 else None)
    assert texts(teacher(server.base_url, timeout=0.5).complete(requests(1), "s", "ne")) == expected(requests(1))
    assert len(server.asked) > 1


def test_an_answer_that_trickles_in_is_held_to_the_same_time(endpoint, teacher):
    trickle = Fault(200, b" " * 100, pause=0.1)
    server = endpoint(lambda payload, before: trickle if before == 0 else None)
    assert texts(teacher(server.base_url, timeout=0.5).complete(requests(1), "s", "ne")) == expected(requests(1))
    # The whole trickle is no chat completion, so it would be asked again too, but only after its end.
    assert not server.finished_faults


def test_a_fault_that_does_not_pass_ends_in_one_line_with_what_was_answered_kept(endpoint, teacher):
    def plan(payload, before):
        return error(500, "broken\nfor good") if payload["messages"][-1]["content"] == "question 5" else None

    server = endpoint(plan)
    with pytest.raises(UserError, match=r"500 broken for good.*run again") as raised:
        teacher(server.base_url, concurrency=1, retries=2).complete(requests(8), "s", "ne")
    assert "\n" not in str(raised.value)
    assert len(server.asked) == 5 + 3
    server.plan = lambda payload, before: None
    assert texts(teacher(server.base_url).complete(requests(8), "s", "ne")) == expected(requests(8))
    assert len(server.asked) == 5 + 3 + 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (error(400, "max_tokens is too large"), "400 max_tokens is too large"),
        (error(401, "who are you"), "401 who are you.*API key"),
        (error(403, "not here"), "403 not here"),
        (error(404, "no such model"), r"404 no such model.*teacher\.model"),
        (error(429, "You exceeded your current quota", "insufficient_quota"), "exceeded your current quota"),
        (Fault(404, b'{"detail": "Not Found"}'), "404 .*Not Found"),
    ],
)
def test_a_refusal_stops_at_once_and_names_the_cause(endpoint, teacher, fault, message):
    server = endpoint(lambda payload, before: fault)
    with pytest.raises(UserError, match=message) as raised:
        teacher(server.base_url, concurrency=2).complete(requests(50), "s", "ne")
    assert "\n" not in str(raised.value)
    assert len(server.asked) <= 2


def test_answers_in_flight_when_another_request_is_refused_are_kept(endpoint, teacher):
    def plan(payload, before):
        if payload["messages"][-1]["content"] == "question 3":
            return error(400)
        time.sleep(0.2)
        return None

    server = endpoint(plan)
    with pytest.raises(UserError):
        teacher(server.base_url, concurrency=4).complete(requests(50), "s", "ne")
    kept = teacher(server.base_url).store
    assert len(kept) == 3
    assert len(server.asked) == 4


def test_answers_that_come_together_are_stored_together(endpoint, teacher, monkeypatch):
    together = threading.Barrier(8)
    server = endpoint(lambda payload, before: together.wait(30) and None)
    add_all, stored = CompletionStore.add_all, []

    def counted(store, stage, language, answers):
        stored.append(len(answers))
        add_all(store, stage, language, answers)

    monkeypatch.setattr(CompletionStore, "add_all", counted)
    assert texts(teacher(server.base_url, concurrency=8).complete(requests(32), "s", "ne")) == expected(requests(32))
    assert sum(stored) == 32
    assert max(stored) > 1


def test_a_disk_that_fills_up_ends_in_one_line_with_what_was_stored_kept(endpoint, teacher, monkeypatch):
    server, add_all = endpoint(), CompletionStore.add_all

    def full_after_ten(store, stage, language, answers):
        if len(store) >= 10:
            raise UserError("ne.jsonl: could not write: No space left; make room and run again")
        add_all(store, stage, language, answers)

    monkeypatch.setattr(CompletionStore, "add_all", full_after_ten)
    with pytest.raises(UserError, match="No space left"):
        teacher(server.base_url, concurrency=4).complete(requests(50), "s", "ne")
    monkeypatch.undo()
    kept = len(teacher(server.base_url).store)
    assert kept >= 10
    asked = len(server.asked)
    assert texts(teacher(server.base_url).complete(requests(50), "s", "ne")) == expected(requests(50))
    assert len(server.asked) == asked + 50 - kept


def test_nobody_listening_is_named_as_such(teacher):
    with pytest.raises(UserError, match="no connection"):
        teacher("http://127.0.0.1:9/v1", retries=1).complete(requests(1), "s", "ne")


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "api.example.org/v1"},
        {"base_url": "http://x", "api_key": "sk-1\n"},
        {"base_url": "http://x", "concurrency": 0},
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_sent(teacher, settings):
    with pytest.raises(UserError) as raised:
        teacher(**settings)
    assert "sk-1" not in str(raised.value)


def test_an_answer_without_text_is_an_empty_one(endpoint, teacher):
    content = b'{"choices": [{"message": {"content": null}, "finish_reason": "content_filter"}], "usage": null}'
    completions = teacher(endpoint(lambda payload, before: Fault(200, content)).base_url).complete(
        requests(1), "s", "ne"
    )
    assert (completions[0].text, completions[0].finish_reason, completions[0].prompt_tokens) == (
        "",
        "content_filter",
        0,
    )


def test_an_answer_that_ends_in_half_a_character_is_kept(endpoint, teacher):
    content = rb'{"choices": [{"message": {"content": "ab\ud83d"}, "finish_reason": "length"}]}'
    server = endpoint(lambda payload, before: Fault(200, content))
    assert texts(teacher(server.base_url).complete(requests(1), "s", "ne")) == ["ab?"]


def test_the_key_is_in_no_repr_error_log_traceback_or_stored_answer(endpoint, teacher, caplog, tmp_path, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "okapi_kedro")
    server = endpoint(lambda payload, before: error(500, f"Bearer {KEY}") if before == 0 else None)
    asking = teacher(server.base_url)
    asking.complete(requests(2), "s", "ne")
    server.plan = lambda payload, before: error(401, f"Incorrect API key provided: {KEY}.")
    with pytest.raises(UserError, match="Incorrect API key provided: <key>") as raised:
        asking.complete(requests(4), "s", "ne")
    stored = "".join(path.read_text() for path in (tmp_path / "store").iterdir())
    shown = "".join(traceback.format_exception(raised.value))
    captured = "".join(capfd.readouterr())
    assert "500 Bearer <key>" in caplog.text
    for text in (repr(asking), str(asking), shown, stored, caplog.text, captured):
        assert KEY not in text
    assert raised.value.__context__ is None


def test_it_works_where_an_event_loop_runs_already(endpoint, teacher):
    server = endpoint()

    async def cell():
        return teacher(server.base_url).complete(requests(2), "s", "ne")

    assert texts(asyncio.run(cell())) == expected(requests(2))


def test_nothing_is_drawn_where_there_is_no_terminal(endpoint, teacher, capfd):
    teacher(endpoint().base_url).complete(requests(2), "s", "ne")
    assert capfd.readouterr() == ("", "")


JOB = """
import sys
from pathlib import Path
from okapi_kedro.teacher.account import Account
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore
store = CompletionStore(Path(sys.argv[2]))
endpoint, account = Endpoint("m", sys.argv[1], None, 10.0), Account(None, None, None, store)
teacher = Teacher(endpoint, store, account, Pace(None, None), 8, 5)
asked = [Request(({"role": "user", "content": f"question {n}"},), Sampling(1.0, 1.0, 100)) for n in range(400)]
for completion in teacher.complete(asked, "s", "ne"):
    print(completion.text)
"""


def start_job(server, folder):
    command = [sys.executable, "-c", JOB, server.base_url, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def key_of(text):
    return Endpoint("m", "http://x", None, 1.0).key(request_for(text))


def interrupt(server, folder, how):
    """Starts a job and stops it once some more answers have gone out."""
    job, before = start_job(server, folder), len(server.answered)
    while len(server.answered) < before + 60 and job.poll() is None:
        time.sleep(0.005)
    job.send_signal(how)
    return job.communicate()


def test_a_job_killed_again_and_again_asks_nothing_whose_answer_is_stored(endpoint, tmp_path):
    server = endpoint(lambda payload, before: error(500) if len(server.asked) % 10 == 0 else None)
    for _ in range(2):
        interrupt(server, tmp_path, signal.SIGKILL)
        stored, asked_before = CompletionStore(tmp_path), len(server.asked)
    output, _ = start_job(server, tmp_path).communicate()
    assert output.splitlines() == expected(requests(400))
    asked_since = [payload["messages"][-1]["content"] for payload in server.asked[asked_before:]]
    assert asked_since
    assert not [text for text in asked_since if key_of(text) in stored]


def test_ctrl_c_waits_for_the_answers_in_flight(endpoint, tmp_path):
    server = endpoint(lambda payload, before: time.sleep(0.02))
    _, errors = interrupt(server, tmp_path, signal.SIGINT)
    assert "KeyboardInterrupt" in errors
    assert len(CompletionStore(tmp_path)) == len(server.asked) < 400
