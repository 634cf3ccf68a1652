"""Through the Batch API the same answers come at half the price, whatever becomes of single lines and whole batches."""

import asyncio
import json
import logging
import threading
import traceback

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher import retries
from okapi_kedro.teacher.account import LimitReached
from okapi_kedro.teacher.batch.file import request_line
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.offline import http_server
from okapi_kedro.teacher.offline.fault_plan import FaultPlan

from ..endpoint import KEY, request_for, teacher_at
from ..offline.serving import serving
from ..running_server import counts
from .batch_teacher import (
    HALF,
    PRICE,
    batch_teacher,
    batches_at,
    collected_ids,
    connected,
    meddled,
    questions,
    rewriting,
    stored_lines,
    times_generated,
)


@pytest.fixture(autouse=True)
def _hardly_any_delay(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.01)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def sizes(url):
    return [batch.request_counts.total for batch in batches_at(url)]


def outcome(key, status, body):
    return {"custom_id": key, "response": {"status_code": status, "body": body}, "error": None}


def refused(key, status, message="no", code=None):
    return outcome(key, status, {"error": {"message": message, "code": code, "type": code}})


def test_answers_and_stored_lines_are_those_of_the_sync_mode_at_half_the_price(folder, tmp_path):
    asked = questions(60)
    with serving() as url:
        expected = teacher_at(url, tmp_path / "sync", price=PRICE).complete(asked, "translation", "ne")
        before = counts(url)["answered"]
        assert batch_teacher(url, folder).complete(asked, "translation", "ne") == expected
        assert counts(url)["answered"] == before + 60
    assert len({completion.prompt_tokens for completion in expected}) > 50

    def doubled(line):
        return tuple(("usd", 2 * field[1]) if field[0] == "usd" else field for field in line)

    assert set(map(doubled, stored_lines(folder))) == stored_lines(tmp_path / "sync")


def test_the_batch_says_who_made_it_and_each_line_what_the_endpoint_would_be_sent(monkeypatch, folder):
    asked = [request_for("half a pair \ud83d and a line break \u2028"), *questions(2)]
    lines = []

    async def keep_upload(request, handler):
        if request.method == "POST" and request.path == "/v1/files":
            form = await request.post()
            lines.extend(json.loads(line) for line in form["file"].file.read().splitlines())
            form["file"].file.seek(0)
        return await handler(request)

    with meddled(monkeypatch, keep_upload) as url:
        teacher = batch_teacher(url, folder)
        teacher.complete(asked, "translation", "ne")
        (batch,) = batches_at(url)
    assert batch.metadata == {"made_by": "okapi-kedro", "stage": "translation", "language": "ne", "model": "m"}
    assert lines == [
        {
            "custom_id": teacher.endpoint.key(request),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {**teacher.endpoint.body(request), "messages": list(request.messages)},
        }
        for request in asked
    ]


def test_equal_requests_are_submitted_once(folder):
    asked = [*questions(3), *questions(3)]
    with serving() as url:
        answers = batch_teacher(url, folder).complete(asked, "s", "ne")
        assert sizes(url) == [3]
    assert answers[:3] == answers[3:]


def test_a_rerun_needs_no_endpoint_and_a_longer_one_asks_what_is_new(folder):
    with serving() as url:
        first = batch_teacher(url, folder).complete(questions(5), "s", "ne")
    assert batch_teacher("http://127.0.0.1:9/v1", folder, retries=0).complete(questions(5), "t", "vi") == first
    with serving() as url:
        assert batch_teacher(url, folder).complete(questions(8), "s", "ne")[:5] == first
        assert sizes(url) == [3]


def test_files_are_cut_by_the_number_of_requests(folder):
    with serving(FaultPlan(most_batch_requests=20)) as url:
        assert len(batch_teacher(url, folder, requests=20).complete(questions(45), "s", "ne")) == 45
        assert sizes(url) == [20, 20, 5]


def test_files_are_cut_by_their_bytes_to_the_last_that_fits(folder):
    asked = [request_for(f"{number:03d}" + "नमस्ते" * 20) for number in range(30)]
    with serving(FaultPlan(most_batch_bytes=10_000)) as url:
        teacher = batch_teacher(url, folder, bytes=10_000)
        (size,) = {len(request_line("0" * 64, teacher.endpoint.body(request))) for request in asked}
        assert len(teacher.complete(asked, "s", "ne")) == 30
        assert sizes(url)[0] == 10_000 // size
        assert set(sizes(url)[:-1]) == {10_000 // size}


def test_a_request_that_fits_in_no_file_is_named_after_the_others_are_answered(folder):
    asked = [*questions(2), request_for("x" * 5000), *questions(1, first=2)]
    with serving() as url:
        stream = batch_teacher(url, folder, bytes=2000).stream(asked, "s", "ne")
        assert len([next(stream), next(stream)]) == 2
        with pytest.raises(UserError, match=r"a request has 5,\d\d\d bytes, more than teacher\.batch_bytes"):
            next(stream)


def test_no_more_files_than_allowed_are_at_the_provider(monkeypatch, folder):
    live = []

    async def count(request, handler):
        response = await handler(request)
        if request.method == "POST" and request.path == "/v1/batches":
            live.append(sum(batch["status"] != "completed" for batch in made[0].newest_first()))
        return response

    made = []
    original = http_server.Batches
    monkeypatch.setattr(http_server, "Batches", lambda *a: made.append(original(*a)) or made[-1])
    with meddled(monkeypatch, count, batch_seconds=0.1) as url:
        assert len(batch_teacher(url, folder, requests=5, files=2).complete(questions(30), "s", "ne")) == 30
    assert max(live) == 2


PLANS = {
    "expired": FaultPlan(batch_expired=0.5),
    "error lines": FaultPlan(batch_request_error=0.3),
    "lines that stand there twice": FaultPlan(batch_duplicate_lines=0.5),
    "all of it": FaultPlan(seed=3, batch_expired=0.4, batch_request_error=0.2, batch_duplicate_lines=0.3, null=0.1),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_what_may_pass_is_submitted_again_and_everything_is_paid_once(folder, plan):
    with serving(plan) as url:
        teacher = batch_teacher(url, folder, requests=30, retries=20)
        assert len(teacher.complete(questions(90), "s", "ne")) == 90
        counted = counts(url)
    assert counted["generated"] == counted["answered"] == len(teacher.store) == 90
    usd = HALF.usd(counted["billed_prompt_tokens"], counted["billed_completion_tokens"])
    assert teacher.store.spent_usd == pytest.approx(usd, rel=1e-9)
    assert not teacher.account._in_flight


def test_what_never_passes_is_given_up_after_as_many_retries_as_allowed(folder):
    with serving(FaultPlan(batch_request_error=1)) as url:
        with pytest.raises(UserError, match=r"500 the server had an error \(attempt 3\).*run again") as raised:
            batch_teacher(url, folder, retries=2).complete(questions(3), "s", "ne")
        assert sizes(url) == [3, 3, 3]
    assert "\n" not in str(raised.value)


def test_lines_that_are_missing_broken_or_unknown_are_counted_and_asked_again(monkeypatch, folder, caplog):
    pulled = []

    def rewrite(lines):
        pulled.append(lines)
        if len(pulled) > 1:
            return lines
        strange = [
            {**lines[0], "custom_id": "another tool's"},
            {**lines[0], "custom_id": "f" * 64},
            {**lines[0], "custom_id": None},
            {"id": 1},
            "[]",
            "{",
            "",
            "null",
            "[" * 100_000,
            outcome(lines[2]["custom_id"], "many", {}),
        ]
        return [*lines[:2], *strange]

    with meddled(monkeypatch, rewriting(rewrite)) as url:
        teacher = batch_teacher(url, folder)
        assert len(teacher.complete(questions(4), "s", "ne")) == 4
        assert sizes(url) == [4, 2]
    assert len(teacher.store) == 4
    assert "9 lines of batch_" in caplog.text


def test_an_answer_that_cannot_be_read_is_paid_for_and_asked_again(monkeypatch, folder):
    pulled = []

    def rewrite(lines):
        pulled.append(lines)
        return lines if len(pulled) > 1 else [outcome(line["custom_id"], 200, {"choices": []}) for line in lines]

    with meddled(monkeypatch, rewriting(rewrite)) as url:
        teacher = batch_teacher(url, folder)
        teacher.complete(questions(2), "s", "ne")
    (spent,) = teacher.store.spending()
    assert (spent.answers, spent.lost) == (2, 2)
    assert spent.lost_usd == pytest.approx(sum(map(teacher.account.usd_at_most, questions(2))))


def test_a_refusal_of_one_text_is_an_empty_answer(monkeypatch, folder):
    def rewrite(lines):
        return [refused(lines[0]["custom_id"], 400, "too long", "context_length_exceeded"), *lines[1:]]

    with meddled(monkeypatch, rewriting(rewrite)) as url:
        answers = batch_teacher(url, folder).complete(questions(3), "s", "ne")
        assert sizes(url) == [3]
    assert answers.count(Completion("", "context_length_exceeded", 0, 0)) == 1


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, None, r"400 max_tokens is wrong.*teacher\.extra_body"),
        (401, None, "401 max_tokens is wrong.*API key"),
        (404, None, r"404 max_tokens is wrong.*teacher\.model"),
        (429, "insufficient_quota", "429 max_tokens is wrong"),
    ],
)
def test_what_does_not_pass_stops_with_all_other_answers_kept(monkeypatch, folder, status, code, message):
    def rewrite(lines):
        return [
            refused(line["custom_id"], status, f"max_tokens is wrong, {KEY}", code)
            if line["custom_id"] == bad
            else line
            for line in lines
        ]

    with meddled(monkeypatch, rewriting(rewrite)) as url:
        teacher = batch_teacher(url, folder, requests=5)
        bad = teacher.endpoint.key(questions(20)[7])
        stream = teacher.stream(questions(20), "s", "ne")
        assert len([next(stream) for _ in range(7)]) == 7
        with pytest.raises(UserError, match=message) as raised:
            next(stream)
        assert sizes(url) == [5, 5, 5, 5]
    assert len(teacher.store) == 19
    assert "\n" not in str(raised.value) and KEY not in "".join(traceback.format_exception(raised.value))


def test_a_batch_that_is_not_accepted_stops_with_the_providers_reason_and_costs_nothing(folder):
    with serving(FaultPlan(most_batch_requests=10)) as url:
        with pytest.raises(
            UserError, match=r"did not accept batch_\w+: 12 requests, more than 10 \(lower teacher\.batch_r"
        ):
            batch_teacher(url, folder).complete(questions(12), "s", "ne")
        assert counts(url)["received"] == 0
        assert len(batch_teacher(url, folder, requests=10).complete(questions(12), "s", "ne")) == 12


def test_a_batch_that_somebody_cancels_stops_the_run_and_the_next_one_asks_the_rest(folder):
    with serving(batch_seconds=1.0) as url:
        teacher = batch_teacher(url, folder)

        def cancel():
            while not (batches := batches_at(url)) or not batches[0].request_counts.completed:
                pass
            with connected(url) as client:
                client.batches.cancel(batches[0].id)

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(UserError, match=r"batch_\w+ was cancelled at the provider; .* run again"):
            teacher.complete(questions(200), "s", "ne")
        thread.join()
        assert 0 < len(teacher.store) < 200
        assert len(batch_teacher(url, folder).complete(questions(200), "s", "ne")) == 200
        assert set(times_generated(url)) == {1}


def test_what_the_provider_has_deleted_meanwhile_is_asked_again(folder, caplog):
    with serving() as url:
        batch_teacher(url, folder).complete(questions(4), "s", "ne")
        (batch,) = batches_at(url)
        with connected(url) as client:
            client.files.delete(batch.output_file_id)
        for path in folder.iterdir():
            path.unlink()
        assert len(batch_teacher(url, folder).complete(questions(4), "s", "ne")) == 4
    assert "is at the provider no more" in caplog.text


def test_answers_of_an_ended_batch_are_collected_and_only_the_rest_is_submitted(folder, tmp_path):
    with serving() as url:
        batch_teacher(url, tmp_path / "other").complete(questions(6), "s", "ne")
        teacher = batch_teacher(url, folder)
        assert len(teacher.complete(questions(9), "s", "ne")) == 9
        assert sizes(url) == [6, 3]
        assert len(collected_ids(folder)) == 2
        assert set(times_generated(url)) == {1}
    assert teacher.store.spent_usd > 0


def test_batches_of_others_are_left_alone(folder):
    ours = {"made_by": "okapi-kedro", "stage": "s", "language": "ne", "model": "m"}
    others = [None, {}, {"made_by": "okapi-kedro"}, *({**ours, name: "other"} for name in ours)]
    with serving(batch_seconds=0.05) as url, connected(url) as client:
        for metadata in others:
            body = {"model": "x", "messages": [{"role": "user", "content": str(metadata)}]}
            line = {"custom_id": "e" * 64, "method": "POST", "url": "/v1/chat/completions", "body": body}
            file = client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
            client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
            )
        teacher = batch_teacher(url, folder)
        teacher.complete(questions(3), "s", "ne")
        assert len(client.files.list(purpose="batch").data) == len(others)
        assert len(batches_at(url)) == len(others) + 1
    assert len(teacher.store) == 3
    assert len(collected_ids(folder)) == 1


def test_two_languages_at_once_collect_their_own_batches(folder):
    with serving(batch_seconds=0.3) as url:
        teacher = batch_teacher(url, folder, requests=10)
        asked = {"ne": questions(25), "vi": questions(25, first=25)}
        answers = {}

        def ask(language):
            answers[language] = teacher.complete(asked[language], "s", language)

        threads = [threading.Thread(target=ask, args=[language]) for language in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(times_generated(url)) == {1}
    assert {language: len(each) for language, each in answers.items()} == {"ne": 25, "vi": 25}
    assert sorted(path.name for path in folder.glob("*.*.jsonl")) == ["s.ne.jsonl", "s.vi.jsonl"]
    assert all(len((folder / f"s.{language}.jsonl").read_text().splitlines()) == 25 for language in asked)
    assert len(set(collected_ids(folder))) == len(collected_ids(folder)) == 6


def test_a_reader_that_stops_early_has_paid_for_no_more_than_it_allowed(folder):
    drawn = []

    def source():
        for request in questions(100):
            drawn.append(request)
            yield request

    with serving() as url:
        stream = batch_teacher(url, folder).stream(source(), "s", "ne", ahead=4)
        next(stream)
        assert sizes(url) == [5]
        for _ in range(5):
            next(stream)
        stream.close()
        assert sizes(url) == [5, 5]
        assert len(drawn) == 10
        again = batch_teacher(url, folder).stream(questions(100), "s", "ne", ahead=4)
        for _ in range(10):
            next(again)
        assert sizes(url) == [5, 5]
        next(again)
        assert sizes(url) == [5, 5, 5]
        again.close()


def dearest(asked):
    return max(HALF.usd(len(request.messages[0]["content"].encode()) + 8, 100) for request in asked)


@pytest.mark.parametrize("plan", [FaultPlan(), FaultPlan(batch_request_error=0.3, batch_expired=0.3)])
def test_the_budget_is_never_passed_and_used_to_the_last_request_that_fits(folder, plan):
    asked = questions(40)
    budget = 12 * dearest(asked)
    with serving(plan) as url:
        teacher = batch_teacher(url, folder, requests=7, budget_usd=budget, retries=30)
        with pytest.raises(LimitReached, match=r"teacher\.budget_usd"):
            teacher.complete(asked, "s", "ne")
        counted = counts(url)
        usd = HALF.usd(counted["billed_prompt_tokens"], counted["billed_completion_tokens"])
        assert usd <= budget < usd + dearest(asked)
        assert teacher.store.spent_usd == pytest.approx(usd)
        done = len(teacher.store)
        assert 0 < done < 40
        batch_teacher(url, folder, requests=7, budget_usd=5 * budget, retries=30).complete(asked, "s", "ne")
        assert set(times_generated(url)) == {1}


def test_only_a_part_of_a_file_is_submitted_when_no_more_fits(folder):
    asked = questions(30)
    with serving() as url:
        teacher = batch_teacher(url, folder, budget_usd=10.5 * dearest(asked))
        with pytest.raises(LimitReached):
            teacher.complete(asked, "s", "ne")
        found = sizes(url)
    assert 10 <= found[0] < 30
    assert len(found) > 1


def test_nothing_is_submitted_when_not_one_request_fits(folder):
    with serving() as url:
        with pytest.raises(LimitReached):
            batch_teacher(url, folder, budget_usd=1e-6).complete(questions(3), "s", "ne")
        assert batches_at(url) == []


def test_the_number_of_requests_of_a_run_is_held_with_faults_too(folder):
    with serving(FaultPlan(batch_request_error=0.5)) as url:
        teacher = batch_teacher(url, folder, max_requests=12, requests=5, retries=30)
        with pytest.raises(LimitReached, match="sent its 12 requests"):
            teacher.complete(questions(20), "s", "ne")
        assert counts(url)["answered"] == len(teacher.store) == 12


def test_without_a_price_answers_have_none(folder):
    with serving() as url:
        teacher = batch_teacher(url, folder, price=None)
        teacher.complete(questions(2), "s", "ne")
    assert [row.unpriced for row in teacher.store.spending()] == [2]


def test_the_embedded_offline_teacher_is_refused_with_the_way_out(folder):
    with pytest.raises(UserError, match=r"python -m okapi_kedro\.teacher\.offline.*teacher\.base_url") as raised:
        batch_teacher("offline", folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("limits", [{"requests": 0}, {"bytes": 0}, {"files": 0}, {"poll_seconds": 0}])
def test_limits_that_nothing_fits_in_are_refused(limits):
    with pytest.raises(UserError, match=rf"teacher\.batch_{next(iter(limits))} has to be"):
        BatchSettings(**limits)


def test_it_works_where_an_event_loop_runs_already(folder):
    async def cell():
        return batch_teacher(url, folder).complete(questions(2), "s", "ne")

    with serving() as url:
        assert len(asyncio.run(cell())) == 2


def test_nothing_is_drawn_and_little_left_behind(folder, capfd):
    with serving() as url:
        batch_teacher(url, folder).complete(questions(3), "s", "ne")
        with connected(url) as client:
            assert client.files.list(purpose="batch").data == []
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in folder.iterdir()) == ["batches.jsonl", "s.ne.jsonl", "s.ne.lock"]


def test_the_log_says_how_far_the_provider_is(folder, caplog):
    caplog.set_level(logging.INFO, "okapi_kedro")
    with serving(batch_seconds=0.6) as url:
        batch_teacher(url, folder).complete(questions(3), "s", "ne")
    assert "s ne: 1 in_progress: " in caplog.text
    assert "3 of 3 requests done, 0 failed at the provider" in caplog.text


def test_the_key_is_in_no_file_and_no_log(folder, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "okapi_kedro")
    with serving(FaultPlan(batch_request_error=0.4)) as url:
        batch_teacher(url, folder, retries=20).complete(questions(10), "s", "ne")
    assert KEY not in caplog.text + "".join(path.read_text() for path in folder.iterdir())
