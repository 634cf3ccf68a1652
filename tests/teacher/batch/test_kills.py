"""A batch is paid for when it is made, so a job that ends at any moment finds it again and pays nothing twice."""

import random
import signal
import subprocess
import sys
import time

import pytest

from okapi_kedro.teacher.batch.api import BatchApi
from okapi_kedro.teacher.batch.ledger import CollectedBatches
from okapi_kedro.teacher.store import CompletionStore

from ..endpoint import environment, request_for
from ..offline.serving import serving
from ..running_server import counts
from .batch_teacher import HALF, batch_teacher, batches_at, collected_ids, questions, times_generated


class Killed(BaseException):
    """Ends a job where it stands; what it would have written later is not written."""


def killing(monkeypatch, owner, name, times, when):
    """Ends the job before, or after, the so-manieth call of a function."""
    original = getattr(owner, name)
    calls = []

    def count(*arguments):
        calls.append(name)
        if len(calls) == times and when == "before":
            raise Killed
        result = original(*arguments)
        if len(calls) == times and when == "after":
            raise Killed
        return result

    async def count_async(*arguments):
        calls.append(name)
        if len(calls) == times and when == "before":
            raise Killed
        result = await original(*arguments)
        if len(calls) == times and when == "after":
            raise Killed
        return result

    is_async = owner is BatchApi
    monkeypatch.setattr(owner, name, count_async if is_async else count)


MOMENTS = [
    (BatchApi, "batches", 1),
    (BatchApi, "submit", 1),
    (BatchApi, "submit", 2),
    (BatchApi, "_create", 1),
    (BatchApi, "_create", 2),
    (BatchApi, "batch", 1),
    (BatchApi, "batch", 3),
    (BatchApi, "download", 1),
    (BatchApi, "download", 2),
    (CompletionStore, "add", 1),
    (CompletionStore, "add", 7),
    (CompletionStore, "add", 20),
    (CompletionStore, "sync", 1),
    (BatchApi, "delete", 1),
    (BatchApi, "delete", 2),
    (CollectedBatches, "add", 1),
    (CollectedBatches, "add", 2),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name", "times"), MOMENTS, ids=[f"{owner.__name__}.{name} {times}" for owner, name, times in MOMENTS]
)
def test_at_whatever_step_a_job_ends_the_next_one_pays_nothing_again(monkeypatch, tmp_path, owner, name, times, when):
    with serving(batch_seconds=0.05) as url:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            killing(patch, owner, name, times, when)
            batch_teacher(url, tmp_path, requests=10).complete(questions(20), "s", "ne")
        teacher = batch_teacher(url, tmp_path, requests=10)
        assert len(teacher.complete(questions(21), "s", "ne")) == 21
        assert times_generated(url) == [1] * 21
        counted = counts(url)
        made = [batch.id for batch in batches_at(url)]
    assert teacher.store.spent_usd == pytest.approx(
        HALF.usd(counted["billed_prompt_tokens"], counted["billed_completion_tokens"])
    )
    assert sorted(collected_ids(tmp_path)) == sorted(made)


JOB = """
import sys
from pathlib import Path
from okapi_kedro.teacher.account import Account, Price
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore
asked = [Request(({"role": "user", "content": f"question {n}"},), Sampling(1.0, 1.0, 100)) for n in range(100)]
sys.stdin.readline()
store = CompletionStore(Path(sys.argv[2]))
endpoint, account = Endpoint("m", sys.argv[1], None, 10.0), Account(Price(50.0, 500.0), 1000.0, None, store)
settings = BatchSettings(requests=20, files=3, poll_seconds=0.02)
teacher = Teacher(endpoint, store, account, Pace(None, None), 8, 5, settings)
teacher.complete(asked, "s", "ne")
"""
ASKED_BY_JOB = [request_for(f"question {number}") for number in range(100)]


def start_job(url, folder):
    """A job that waits for a line before it begins."""
    command = [sys.executable, "-c", JOB, url, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, env=environment())


def let_begin(job):
    job.stdin.write("go\n")
    job.stdin.flush()


def wait_for_batches(url, number):
    while len(batches_at(url)) < number:
        time.sleep(0.01)


def test_a_job_killed_again_and_again_at_random_pays_nothing_twice(tmp_path):
    moments = random.Random(7)
    with serving(batch_seconds=0.3) as url:
        jobs = [start_job(url, tmp_path) for _ in range(3)]
        for job in jobs:
            let_begin(job)
            wait_for_batches(url, 1)
            time.sleep(moments.uniform(0.0, 0.4))
            job.kill()
            job.communicate()
        teacher = batch_teacher(url, tmp_path)
        assert len(teacher.complete(ASKED_BY_JOB, "s", "ne")) == 100
        assert times_generated(url) == [1] * 100
        counted = counts(url)
    usd = HALF.usd(counted["billed_prompt_tokens"], counted["billed_completion_tokens"])
    assert teacher.store.spent_usd == pytest.approx(usd)


def test_ctrl_c_leaves_the_batches_at_the_provider_says_so_and_the_same_command_collects_them(tmp_path):
    with serving(batch_seconds=1.5) as url:
        job = start_job(url, tmp_path)
        let_begin(job)
        wait_for_batches(url, 3)
        time.sleep(0.1)
        job.send_signal(signal.SIGINT)
        _, errors = job.communicate(timeout=30)
        assert "KeyboardInterrupt" in errors
        assert f"3 batches go on at the provider ({batches_at(url)[0].id}" in errors
        assert "the same command collects them" in errors
        assert len(batch_teacher(url, tmp_path).complete(ASKED_BY_JOB, "s", "ne")) == 100
        assert times_generated(url) == [1] * 100
        assert "cancelled" not in {batch.status for batch in batches_at(url)}


def test_a_torn_line_of_the_ledger_is_cut_off_and_a_broken_one_named(tmp_path):
    with serving() as url:
        batch_teacher(url, tmp_path).complete(questions(2), "s", "ne")
        ledger = tmp_path / "batches.jsonl"
        first = ledger.read_bytes()
        ledger.write_bytes(first + b'{"id": "bat')
        batch_teacher(url, tmp_path).complete(questions(4), "s", "ne")
        assert len(ledger.read_text().splitlines()) == 2
        ledger.write_bytes(ledger.read_bytes() + b"[]\n")
        with pytest.raises(Exception, match=r"batches\.jsonl: line 3 names no batch; delete that line"):
            batch_teacher(url, tmp_path).complete(questions(6), "s", "ne")
