"""The command that serves the offline teacher, in a process of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ..endpoint import environment
from ..running_server import counts, fetch, running_server

COMMAND = [sys.executable, "-m", "okapi_kedro.teacher.offline"]


def run(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment(), check=False, timeout=20
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_on_loopback_says_where_and_ends_cleanly(number, tmp_path):
    surroundings = {**environment(), "TMPDIR": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, "--port", "0"], text=True, env=surroundings, **pipes) as server:
        try:
            notice, address = server.stdout.readline(), server.stdout.readline()
            assert "no translator" in notice
            base_url = address.removeprefix("base_url: ").strip()
            assert base_url.startswith("http://127.0.0.1:")
            assert fetch(f"{base_url}/models")["data"][0]["id"] == "offline-teacher"
            assert len(list(tmp_path.iterdir())) == 1
            os.kill(server.pid, number)
            assert server.wait(10) == 0
            assert server.stderr.read() == ""
            assert list(tmp_path.iterdir()) == []
        finally:
            server.kill()


def test_a_port_in_use_is_one_line():
    with running_server() as base_url:
        port = base_url.split(":")[-1].split("/")[0]
        failed = run("--port", port)
        assert counts(base_url)["received"] == 0
    assert failed.returncode == 1
    assert failed.stderr == f"port {port}: Address already in use; --port 0 takes a free one\n"


def test_a_bad_fault_plan_is_one_line(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"reset": 2}))
    failed = run("--faults", path)
    assert failed.returncode == 1
    assert failed.stderr == f"fault plan {path}: reset: Input should be less than or equal to 1\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--port", "65536"), "65536 is no port"),
        (("--port", "x"), "invalid port value"),
        (("--latency", "-1"), "-1 is no time"),
        (("--batch-seconds", "nan"), "nan is no time"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(arguments, problem):
    failed = run(*arguments)
    assert failed.returncode == 2
    assert problem in failed.stderr.splitlines()[-1]


def test_help_says_that_it_is_no_translator_and_names_the_faults():
    helped = run("--help")
    assert helped.returncode == 0
    assert "no translator" in " ".join(helped.stdout.split())
    for name in ("stall_seconds", "quota_after", "batch_expired", "/counts"):
        assert name in helped.stdout
