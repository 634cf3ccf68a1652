"""Requests are spread so that the endpoint's limits hold over any minute."""

import threading

import pytest

from okapi_kedro.teacher import pace as pace_module
from okapi_kedro.teacher.pace import REPEATED, Pace


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: now[0])
    return now


def test_without_limits_nothing_waits(clock):
    pace = Pace(None, None)
    assert [pace.take_turn(10**6) for _ in range(5)] == [0, 0, 0, 0, 0]


def test_requests_are_spread_evenly(clock):
    pace = Pace(requests_per_minute=120, tokens_per_minute=None)
    assert [pace.take_turn(1) for _ in range(4)] == pytest.approx([0, 0.5, 1.0, 1.5])
    clock[0] += 10
    assert pace.take_turn(1) == 0


def test_a_dear_request_makes_the_next_one_wait_longer(clock):
    pace = Pace(requests_per_minute=120, tokens_per_minute=6000)
    assert [pace.take_turn(tokens) for tokens in (600, 10, 10)] == pytest.approx([0, 6.0, 6.5])


def test_tokens_that_were_not_used_are_given_back(clock):
    pace = Pace(None, tokens_per_minute=6000)
    pace.take_turn(600)
    pace.give_back(500)
    assert pace.take_turn(1) == pytest.approx(1.0)


def test_what_is_given_back_late_is_no_credit_for_a_burst(clock):
    pace = Pace(None, tokens_per_minute=6000)
    pace.take_turn(600)
    clock[0] += 60
    pace.give_back(600)
    assert [pace.take_turn(600), pace.take_turn(600)] == pytest.approx([0, 6.0])


def test_the_limit_holds_over_every_minute_also_for_many_threads(clock):
    pace, turns = Pace(requests_per_minute=60, tokens_per_minute=None), []
    threads = [threading.Thread(target=lambda: turns.append(pace.take_turn(1))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == pytest.approx(list(range(50)))


def test_one_refusal_stops_nobody_else_and_repeated_ones_stop_all(clock):
    pace = Pace(None, None)
    for _ in range(REPEATED - 1):
        pace.refused(30)
    assert pace.take_turn(1) == 0
    pace.refused(30)
    assert pace.take_turn(1) == pytest.approx(30)


def test_an_answer_between_refusals_starts_their_count_again(clock):
    pace = Pace(None, None)
    for _ in range(3):
        for _ in range(REPEATED - 1):
            pace.refused(30)
        pace.answered()
    assert pace.take_turn(1) == 0
