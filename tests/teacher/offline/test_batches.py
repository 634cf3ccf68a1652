"""The Batch API as the openai package's client sees it."""

import json
import time
from contextlib import contextmanager

import openai
import pytest

from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.server import respond

from ..running_server import counts, received
from .serving import serving

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")


@contextmanager
def connected(plan=None, batch_seconds=0.0):
    """A client of a server that has just started."""
    with (
        serving(plan, batch_seconds=batch_seconds) as url,
        openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client,
    ):
        yield client


def body_of(number):
    return {"model": "m", "messages": [{"role": "user", "content": f"प्रश्न {number}"}], "seed": number}


def task(number, **changes):
    return {"custom_id": f"task-{number}", "method": "POST", "url": CHAT, "body": body_of(number), **changes}


def jsonl(tasks):
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in tasks)


def submit(client, content, **options):
    file = client.files.create(file=("../batch.jsonl", content), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h", **options)


def ended(client, batch):
    """The batch when it has ended, and the statuses seen until then."""
    seen, deadline = [batch.status], time.monotonic() + 10
    while batch.status not in ENDED and time.monotonic() < deadline:
        time.sleep(0.01)
        batch = client.batches.retrieve(batch.id)
        if batch.status != seen[-1]:
            seen.append(batch.status)
    return batch, seen


def lines(client, file_id):
    return [json.loads(line) for line in client.files.content(file_id).iter_lines()]


def test_a_batch_answers_as_the_endpoint_does_in_another_order():
    with connected(batch_seconds=0.4) as client:
        batch, seen = ended(client, submit(client, jsonl(map(task, range(60))), metadata={"stage": "translation"}))
        output = lines(client, batch.output_file_id)
        counted = counts(str(client.base_url).rstrip("/"))
    assert seen == ["validating", "in_progress", "finalizing", "completed"]
    assert batch.metadata == {"stage": "translation"}
    assert batch.request_counts.model_dump() == {"total": 60, "completed": 60, "failed": 0}
    assert batch.error_file_id is None
    answers = {line["custom_id"]: line["response"]["body"] for line in output}
    assert answers == {f"task-{n}": respond(body_of(n)) for n in range(60)}
    assert all(line["error"] is None and line["response"]["status_code"] == 200 for line in output)
    assert [line["custom_id"] for line in output] != [f"task-{n}" for n in range(60)]
    usage = [respond(body_of(n))["usage"] for n in range(60)]
    assert batch.usage.input_tokens == counted["billed_prompt_tokens"] == sum(each["prompt_tokens"] for each in usage)
    assert batch.usage.output_tokens == counted["completion_tokens"] == sum(each["completion_tokens"] for each in usage)
    assert counted["answered"] == counted["generated"] == 60


def test_failed_requests_are_in_the_error_file_and_pass_mostly_when_sent_again():
    with connected(FaultPlan(batch_request_error=0.3)) as client:
        first, _ = ended(client, submit(client, jsonl(map(task, range(100)))))
        failed = lines(client, first.error_file_id)
        numbers = [int(line["custom_id"].split("-")[1]) for line in failed]
        second, _ = ended(client, submit(client, jsonl(map(task, numbers))))
        counted = counts(str(client.base_url).rstrip("/"))
    assert 15 < len(failed) < 45
    assert {line["response"]["status_code"] for line in failed} == {500}
    assert all(line["response"]["body"]["error"]["message"] for line in failed)
    assert (first.status, first.request_counts.failed) == ("completed", len(failed))
    assert first.request_counts.completed == 100 - len(failed)
    assert 0 < second.request_counts.completed > second.request_counts.failed
    assert counted["answered"] == first.request_counts.completed + second.request_counts.completed
    assert counted["faults"] == {"batch_request_error": first.request_counts.failed + second.request_counts.failed}


def test_when_all_requests_fail_there_is_no_output_file():
    with connected(FaultPlan(batch_request_error=1)) as client:
        batch, _ = ended(client, submit(client, jsonl(map(task, range(3)))))
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert batch.request_counts.failed == 3


def test_a_request_that_cannot_be_answered_fails_alone():
    with connected() as client:
        tasks = [task(0), task(1, body={"model": "m", "messages": []})]
        batch, _ = ended(client, submit(client, jsonl(tasks)))
        (failed,) = lines(client, batch.error_file_id)
        (answered,) = lines(client, batch.output_file_id)
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("task-1", 400)
    assert answered["custom_id"] == "task-0"


def test_an_expired_batch_has_half_of_its_answers_and_the_rest_as_errors():
    with connected(FaultPlan(batch_expired=1)) as client:
        batch, _ = ended(client, submit(client, jsonl(map(task, range(41)))))
        done, left = lines(client, batch.output_file_id), lines(client, batch.error_file_id)
        counted = counts(str(client.base_url).rstrip("/"))
    assert batch.status == "expired"
    assert (len(done), len(left)) == (20, 21)
    assert {line["custom_id"] for line in done + left} == {f"task-{n}" for n in range(41)}
    assert {(line["response"], line["error"]["code"]) for line in left} == {(None, "batch_expired")}
    assert (counted["answered"], counted["generated"], counted["faults"]) == (20, 20, {"batch_expired": 21})


def test_the_fault_of_a_batch_is_drawn_anew_when_its_input_is_submitted_again():
    with connected(FaultPlan(batch_expired=0.5, batch_failed=0.5)) as client:
        statuses = [ended(client, submit(client, jsonl([task(0), task(1)])))[0].status for _ in range(12)]
    assert set(statuses) == {"expired", "failed"}


def test_a_batch_that_is_found_invalid_has_errors_and_costs_nothing():
    with connected(FaultPlan(batch_failed=1)) as client:
        batch, seen = ended(client, submit(client, jsonl([task(0)])))
        counted = counts(str(client.base_url).rstrip("/"))
    assert seen == ["validating", "failed"]
    assert [error.code for error in batch.errors.data] == ["batch_failed"]
    assert (batch.output_file_id, batch.error_file_id, counted["received"]) == (None, None, 0)


def test_some_lines_of_the_output_stand_there_twice_and_are_billed_once():
    with connected(FaultPlan(batch_duplicate_lines=0.3)) as client:
        batch, _ = ended(client, submit(client, jsonl(map(task, range(100)))))
        output = [line["custom_id"] for line in lines(client, batch.output_file_id)]
        counted = counts(str(client.base_url).rstrip("/"))
    assert len(set(output)) == batch.request_counts.completed == counted["generated"] == 100
    assert 115 < len(output) < 145


def test_answer_faults_hold_for_batches_too():
    with connected(FaultPlan(null=1)) as client:
        batch, _ = ended(client, submit(client, jsonl([task(0)])))
        (line,) = lines(client, batch.output_file_id)
        (entry,) = received(str(client.base_url).rstrip("/"))
    assert line["response"]["body"]["choices"][0]["message"]["content"] is None
    assert entry["outcome"] == "null"


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b"\n \n", [("empty_file", None)]),
        (b"{}\n[]\n{\n", [("missing_required_parameter", 1), ("invalid_json_line", 2), ("invalid_json_line", 3)]),
        (b"\xff\n" + b"[" * 100_000, [("invalid_json_line", 1), ("invalid_json_line", 2)]),
        (jsonl([task(0), task(0), task(1)]), [("duplicate_custom_id", 2)]),
        (jsonl([task(0, url="/v1/embeddings"), task(1, method="GET")]), [("url_mismatch", 1), ("url_mismatch", 2)]),
        (jsonl([task(0, custom_id=7), task(1, body="x")]), [("missing_required_parameter", n) for n in (1, 2)]),
        (jsonl(map(task, range(4))), [("too_many_tasks", None)]),
        (b" " * 150_000 + jsonl([task(0)]), [("file_too_large", None)]),
    ],
)
def test_a_bad_input_file_fails_the_batch_with_the_line_and_a_code(content, errors):
    with connected(FaultPlan(most_batch_requests=3, most_batch_bytes=150_000)) as client:
        batch, _ = ended(client, submit(client, content))
    assert (batch.status, batch.output_file_id) == ("failed", None)
    assert [(error.code, error.line) for error in batch.errors.data] == errors


def test_a_file_with_as_many_requests_as_may_be_is_worked_on():
    with connected(FaultPlan(most_batch_requests=3)) as client:
        assert ended(client, submit(client, jsonl(map(task, range(3)))))[0].status == "completed"


def test_a_cancelled_batch_keeps_its_answers_and_says_what_was_left_out():
    with connected(batch_seconds=2.0) as client:
        batch = submit(client, jsonl(map(task, range(200))))
        while client.batches.retrieve(batch.id).request_counts.completed == 0:
            time.sleep(0.01)
        assert client.batches.cancel(batch.id).status == "cancelling"
        batch, _ = ended(client, client.batches.retrieve(batch.id))
        done, left = lines(client, batch.output_file_id), lines(client, batch.error_file_id)
        with pytest.raises(openai.BadRequestError, match="cancelled"):
            client.batches.cancel(batch.id)
    assert batch.status == "cancelled"
    assert 0 < len(done) < 200
    assert len(done) + len(left) == 200
    assert {line["error"]["code"] for line in left} == {"batch_cancelled"}


def test_batches_and_files_are_listed_in_pages_with_the_newest_first():
    with connected() as client:
        made = [submit(client, jsonl([task(n)]), metadata={"n": str(n)}) for n in range(25)]
        for batch in made:
            ended(client, batch)
        page = client.batches.list(limit=10)
        assert [batch.metadata["n"] for batch in page.data] == [str(n) for n in range(24, 14, -1)]
        assert page.has_more
        assert [batch.id for batch in client.batches.list()] == [batch.id for batch in reversed(made)]
        assert [batch.metadata["n"] for batch in client.batches.list(after=made[2].id)] == ["1", "0"]
        assert len(list(client.files.list())) == 50
        assert [file.id for file in client.files.list(purpose="batch", order="asc", limit=7)] == [
            batch.input_file_id for batch in made
        ]


def test_a_file_is_kept_as_it_was_sent_until_it_is_deleted():
    content = bytes(range(256)) * 10
    with connected() as client:
        file = client.files.create(file=("../../नेपाली.jsonl", content), purpose="batch")
        assert (file.bytes, file.filename, file.purpose) == (2560, "../../नेपाली.jsonl", "batch")
        assert client.files.content(file.id).read() == content
        assert client.files.retrieve(file.id) == file
        assert client.files.delete(file.id).deleted
        for call in (client.files.content, client.files.retrieve, client.files.delete):
            with pytest.raises(openai.NotFoundError):
                call(file.id)
        assert client.files.list().data == []


def test_what_a_batch_cannot_be_made_of_is_refused():
    with connected() as client:
        good = client.files.create(file=("a.jsonl", jsonl([task(0)])), purpose="batch").id
        other = client.files.create(file=("a.jsonl", b"x"), purpose="user_data").id
        asked = {"input_file_id": good, "endpoint": CHAT, "completion_window": "24h"}
        for changes in (
            {"input_file_id": "file-none"},
            {"input_file_id": "../../etc/passwd"},
            {"input_file_id": other},
            {"endpoint": "/v1/embeddings"},
            {"completion_window": "1h"},
            {"metadata": {"long": "x" * 513}},
            {"metadata": {"number": 1}},
        ):
            with pytest.raises(openai.BadRequestError):
                client.batches.create(**{**asked, **changes})
        for unknown in (client.batches.retrieve, client.batches.cancel):
            with pytest.raises(openai.NotFoundError):
                unknown("batch_none")
        for query in ({"limit": 0}, {"after": "batch_none"}):
            with pytest.raises(openai.BadRequestError):
                client.batches.list(**query)
        assert client.batches.list().data == []
