from okapi_kedro.teacher.offline.ledger import Ledger

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def test_like_requests_are_told_apart_by_how_often_they_came_before():
    ledger = Ledger()
    assert [ledger.receive(digest) for digest in (b"a", b"b", b"a", b"a")] == [(0, 0), (1, 0), (2, 1), (3, 2)]


def test_what_was_generated_is_billed_whether_it_was_delivered_or_not():
    ledger = Ledger()
    for number, outcome in enumerate(("answered", "reset", "null", "overloaded")):
        ledger.receive(b"a")
        ledger.settle(number, outcome)
    for _ in range(3):
        ledger.bill(USAGE)
    for _ in range(2):
        ledger.deliver(USAGE)
    ledger.receive(b"still waiting")
    assert ledger.counts() == {
        "received": 5,
        "answered": 2,
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "generated": 3,
        "billed_prompt_tokens": 15,
        "billed_completion_tokens": 6,
        "most_in_flight": 0,
        "faults": {"reset": 1, "null": 1, "overloaded": 1},
    }
    assert [entry["outcome"] for entry in ledger.received()] == ["answered", "reset", "null", "overloaded", "in_flight"]


def test_the_most_in_flight_stays_when_all_are_done():
    ledger = Ledger()
    for step in (ledger.enter, ledger.enter, ledger.leave, ledger.enter, ledger.leave, ledger.leave):
        step()
    assert ledger.counts()["most_in_flight"] == 2
