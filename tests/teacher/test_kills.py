"""A job killed at twenty moments: nothing is lost, nothing asked twice, and its table is the same to the byte."""

import multiprocessing
import os
import random
import time
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from okapi_kedro.teacher import retries
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.server import request_digest
from okapi_kedro.teacher.store import CompletionStore

from .endpoint import teacher_at
from .killing import kill_at
from .running_server import counts, received, running_server

REQUESTS, KILLS, CONCURRENCY = 2_000, 20, 32
WRONG_ANSWERS = FaultPlan(empty=0.02, null=0.02, truncated=0.02, wrong_json=0.02, duplicate_id=0.02)
MUCH_GOES_WRONG = WRONG_ANSWERS.model_copy(
    update={
        "rate_limited": 0.03,
        "rate_limited_with_delay": 0.03,
        "server_error": 0.03,
        "overloaded": 0.03,
        "stalled": 0.01,
        "reset": 0.03,
        "refused_body": 0.03,
        "broken_json": 0.03,
        "not_a_completion": 0.03,
        "retry_after": 0.05,
        "stall_seconds": 0.2,
        "shuffle_seconds": 0.01,
    }
)


def requests():
    sampling = Sampling(0.7, 1.0, 64)
    questions = (f"प्रश्न {number}: write tasks until there are 1\nTask 1" for number in range(REQUESTS))
    return [Request(({"role": "user", "content": question},), sampling) for question in questions]


def teacher(base_url, folder):
    return teacher_at(base_url, folder / "store", concurrency=CONCURRENCY, retries=20)


def job(base_url, folder):
    """Asks everything, notes the number of each answer as it is handed over, and writes the table at the end."""
    retries.FIRST_DELAY = 0.02
    handed_over = os.open(folder / "handed_over", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    rows = []
    for number, completion in enumerate(teacher(base_url, folder).stream(requests(), "s", "ne")):
        os.write(handed_over, b"%d\n" % number)
        tokens = {"prompt_tokens": completion.prompt_tokens, "completion_tokens": completion.completion_tokens}
        rows.append({"id": number, "text": completion.text, "finish_reason": completion.finish_reason, **tokens})
    pq.write_table(pa.Table.from_pylist(rows), folder / "table.parquet")


@pytest.fixture(scope="module")
def start():
    """Starts the job in a process that can be killed; they are forked from one that has imported all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["okapi_kedro.teacher.client", "pyarrow.parquet", "pytest"])

    def start(base_url, folder):
        folder.mkdir(exist_ok=True)
        process = context.Process(target=job, args=(base_url, folder))
        process.start()
        return process

    return start


def shard(folder):
    path = folder / "store" / "s.ne.jsonl"
    return path.read_bytes() if path.exists() else b""


def everything_received(base_url):
    """What the server was asked, when nothing that a killed job has sent is on its way any more."""
    before = None
    while (now := received(base_url)) != before or any(each["outcome"] == "in_flight" for each in now):
        before = now
        time.sleep(0.05)
    return now


@pytest.fixture(scope="module")
def killed(start, tmp_path_factory):
    """Base URL, folder, and after each kill: stored keys, the shard, answers handed over, requests received so far."""
    folder, rng = tmp_path_factory.mktemp("killed"), random.Random(4711)
    with running_server(MUCH_GOES_WRONG) as base_url:
        endpoint, after_kills = teacher(base_url, folder).endpoint, []
        keys = [endpoint.key(request) for request in requests()]
        for _ in range(KILLS):
            more = rng.randrange(1, 45_000)
            kill_at(start(base_url, folder), folder / "store" / "s.ne.jsonl", len(shard(folder)) + more)
            store, handed_over = CompletionStore(folder / "store"), (folder / "handed_over")
            numbers = handed_over.read_text().split() if handed_over.exists() else []
            asked = everything_received(base_url)
            after_kills.append(([key in store for key in keys], shard(folder), set(map(int, numbers)), len(asked)))
        last = start(base_url, folder)
        last.join()
        assert last.exitcode == 0
        yield base_url, folder, after_kills


def test_the_table_is_that_of_an_undisturbed_run_to_the_byte(killed, start, tmp_path):
    _, folder, _ = killed
    with running_server(WRONG_ANSWERS) as base_url:
        start(base_url, tmp_path).join()
    assert (folder / "table.parquet").read_bytes() == (tmp_path / "table.parquet").read_bytes()
    table = pq.read_table(folder / "table.parquet")
    assert table["id"].to_pylist() == list(range(REQUESTS))
    assert {"stop", "length"} == set(table["finish_reason"].to_pylist())


def test_the_kills_fell_into_the_work(killed):
    _, _, after_kills = killed
    stored = [sum(is_stored) for is_stored, *_ in after_kills]
    assert stored == sorted(stored)
    assert len(set(stored)) > KILLS / 2
    assert REQUESTS / 3 < stored[-1] < REQUESTS


def test_no_kill_takes_away_an_answer_that_was_written_or_handed_over(killed):
    _, folder, after_kills = killed
    contents = [content[: content.rfind(b"\n") + 1] for _, content, _, _ in after_kills] + [shard(folder)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(contents))
    for is_stored, _, handed_over, _ in after_kills:
        assert all(is_stored[number] for number in handed_over)
    assert after_kills[-1][2]


def test_what_is_stored_at_a_restart_is_not_asked_again(killed):
    base_url, folder, after_kills = killed
    endpoint, asked = teacher(base_url, folder).endpoint, received(base_url)
    digests = [request_digest(endpoint.body(request)).hex() for request in requests()]
    for is_stored, _, _, asked_before in after_kills:
        stored = {digest for digest, there in zip(digests, is_stored, strict=True) if there}
        assert stored.isdisjoint(each["digest"] for each in asked[asked_before:])
    assert set(digests) == {each["digest"] for each in asked}


def test_a_kill_costs_at_most_the_answers_in_flight(killed):
    base_url, _, _ = killed
    total = counts(base_url)
    broken_off = total["faults"]["reset"] + total["faults"]["broken_json"]
    assert total["generated"] <= REQUESTS + broken_off + KILLS * CONCURRENCY
    assert {"stalled", "refused_body", "not_a_completion", "overloaded", "rate_limited"} <= total["faults"].keys()
