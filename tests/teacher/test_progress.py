"""Where there is no terminal, a long job says now and then how far it is."""

import logging

import pytest

from okapi_kedro.teacher import progress as progress_module
from okapi_kedro.teacher.progress import LOG_SECONDS, Progress


@pytest.fixture
def clock(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "okapi_kedro")
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_a_line_now_and_then_tells_count_rate_spend_and_time_left(clock, caplog):
    progress = Progress("translation ne", 1000)
    for _ in range(100):
        progress.found()
    for _ in range(60):
        clock[0] += 1.0
        progress.answered(0.01)
    assert not caplog.messages
    clock[0] += LOG_SECONDS - 59.9
    progress.failed()
    assert caplog.messages == [
        "translation ne: 160 of 1,000 answers, 100 of them stored before, 1 faults, $0.60, 1.0 a second, 14 min left"
    ]


def test_at_the_end_one_line_sums_up(clock, caplog):
    progress = Progress("generation en", None)
    progress.answered(None)
    progress.close()
    assert caplog.messages == ["generation en: 1 answers, 0 of them stored before"]


def test_a_job_that_asked_nothing_says_nothing(clock, caplog):
    progress = Progress("s ne", 3)
    progress.found()
    progress.close()
    assert not caplog.messages


def test_on_a_terminal_a_bar_shows_the_same_figures(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    progress = Progress("s ne", 4)
    clock[0] += 1
    progress.answered(0.5)
    clock[0] += 1
    progress.answered(0.75)
    progress.close()
    shown = capsys.readouterr().err
    assert "s ne" in shown
    assert "$1.25" in shown
