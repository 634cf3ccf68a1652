"""Processes start together, fail together with the first error, and end together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from okapi_kedro.errors import UserError
from okapi_kedro.training.launch import WorkerError, launch

from .together import fail_in_the_second, sum_of_ranks

PROJECT = Path(__file__).parents[2]


def test_one_process_is_this_one():
    assert launch(os.getpid, processes=1) == os.getpid()


def test_one_process_raises_as_the_function_does():
    with pytest.raises(ZeroDivisionError):
        launch(divmod, 1, 0, processes=1)


def test_two_processes_work_together_and_the_first_one_answers():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    total, rank, process = launch(sum_of_ranks, 20, processes=2)
    assert (total, rank) == (20 + 21, 0)
    assert process != os.getpid()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_error_of_the_user_in_the_second_process_is_raised_as_it_is():
    with pytest.raises(UserError, match=r"^row 7 of données\.csv is empty$"):
        launch(fail_in_the_second, "user", processes=2)


def test_any_other_error_in_the_second_process_comes_with_its_traceback():
    with pytest.raises(WorkerError) as caught:
        launch(fail_in_the_second, "other", processes=2)
    message = str(caught.value)
    assert message.startswith("process 1 failed:\nTraceback")
    assert "in fail_in_the_second" in message
    assert message.rstrip().endswith("LookupError: कुछ हराएको छ")


def test_more_processes_than_accelerators_are_refused(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    with pytest.raises(UserError, match="processes is 3 and there are 2 accelerators"):
        launch(os.getpid, processes=3)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(condition())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("way", ["interrupted", "killed"])
def test_no_process_outlives_its_parent(way, tmp_path):
    """Ctrl-C reaches all processes of a terminal at once, SIGKILL only the one."""
    program = f"from tests.training.together import launch_and_wait\nlaunch_and_wait({str(tmp_path)!r})"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "TMPDIR": str(tmp_path.parent)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, text=True, start_new_session=True, env=environment, **pipes
    )
    assert until(lambda: len(list(tmp_path.iterdir())) == 2, seconds=120)
    if way == "interrupted":
        os.killpg(parent.pid, signal.SIGINT)
    else:
        parent.kill()
    output, errors = parent.communicate(timeout=60)
    assert (parent.returncode, output) == {"interrupted": (0, "interrupted\n"), "killed": (-9, "")}[way]
    assert "Traceback" not in errors
    children = [int(path.name) for path in tmp_path.iterdir()]
    assert until(lambda: not any(is_running(child) for child in children), seconds=30)
