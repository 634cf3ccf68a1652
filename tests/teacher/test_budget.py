"""However many requests are in flight and whatever is lost on its way, the endpoint bills no more than the budget."""

from collections import Counter

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import LimitReached, Price
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.offline.fault_plan import ANSWER_FAULTS, FaultPlan

from .endpoint import Fault, request_for, teacher_at
from .running_server import counts, received, running_server

REQUESTS, IN_FLIGHT = 1_200, 256
PRICE = Price(prompt=500.0, completion=1_500.0)
WRONG_ANSWERS = FaultPlan(empty=0.02, truncated=0.02)
PAID_AND_LOST = WRONG_ANSWERS.model_copy(
    update={"reset": 0.08, "broken_json": 0.04, "stalled": 0.02, "stall_seconds": 3.0, "overloaded": 0.03}
)
DELIVERED = ("answered", *ANSWER_FAULTS)


def requests():
    sampling = Sampling(0.7, 1.0, 64)
    questions = (f"Question {number}: write tasks until there are 1\nTask 1" for number in range(REQUESTS))
    return [Request(({"role": "user", "content": question},), sampling) for question in questions]


def billed_usd(base_url):
    total = counts(base_url)
    return PRICE.usd(total["billed_prompt_tokens"], total["billed_completion_tokens"])


def times_delivered(base_url):
    return Counter(each["digest"] for each in received(base_url) if each["outcome"] in DELIVERED)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The answers without a limit or a fault on the way, and what they cost."""
    with running_server(WRONG_ANSWERS) as base_url:
        asking = teacher_at(base_url, tmp_path_factory.mktemp("undisturbed"), concurrency=IN_FLIGHT, price=PRICE)
        return asking.complete(requests(), "s", "ne"), billed_usd(base_url)


@pytest.fixture
def limited(teacher):
    """Makes teachers with many requests in flight that soon give up waiting for an answer."""
    return lambda base_url, **limits: teacher(
        base_url, concurrency=IN_FLIGHT, timeout=1.5, retries=20, price=PRICE, **limits
    )


def test_what_is_billed_never_passes_the_budget_and_a_higher_one_goes_on(limited, undisturbed):
    answers, usd = undisturbed
    budget, ends = usd / 3, 0
    with running_server(PAID_AND_LOST, latency=0.02) as base_url:
        while True:
            asking = limited(base_url, budget_usd=budget)
            try:
                completions = asking.complete(requests(), "s", "ne")
                break
            except LimitReached as end:
                ends += 1
                assert asking.store.spent_usd <= budget
                assert 0.9 * budget < asking.store.spent_usd
                assert str(end).startswith(
                    f"teacher.budget_usd: ${asking.store.spent_usd:.2f} of ${budget:.2f} are spent, "
                    "and the next request may cost $"
                )
                assert billed_usd(base_url) <= asking.store.spent_usd
                name, higher = end.raise_to.split("=")
                assert name == "teacher.budget_usd"
                budget = float(higher)
        assert ends >= 2
        assert completions == answers
        assert usd < billed_usd(base_url) <= asking.store.spent_usd <= budget
        assert set(times_delivered(base_url).values()) == {1}
        faults = counts(base_url)["faults"]
        assert min(faults["reset"], faults["stalled"], faults["broken_json"]) > 0
        assert counts(base_url)["most_in_flight"] > IN_FLIGHT / 4


def test_no_more_than_max_requests_are_sent_and_the_same_command_goes_on(limited, undisturbed):
    answers, _ = undisturbed
    with running_server(WRONG_ANSWERS, latency=0.02) as base_url:
        for run in (1, 2):
            with pytest.raises(LimitReached, match=r"teacher\.max_requests: this run has sent its 500") as end:
                limited(base_url, max_requests=500).complete(requests(), "s", "ne")
            assert end.value.raise_to == ""
            assert counts(base_url)["received"] == 500 * run
        assert limited(base_url, max_requests=500).complete(requests(), "s", "ne") == answers
        assert counts(base_url)["received"] == REQUESTS


def test_what_was_answered_before_the_limit_is_handed_over_first(limited):
    with running_server(latency=0.02) as base_url:
        stream, handed_over = limited(base_url, max_requests=300).stream(requests(), "s", "ne"), 0
        with pytest.raises(LimitReached):
            for _ in stream:
                handed_over += 1
        assert handed_over == counts(base_url)["answered"] == 300


def test_a_connection_that_breaks_counts_as_paid_unless_nothing_was_sent(endpoint, teacher):
    breaks = endpoint(lambda payload, before: Fault(None) if before == 0 else None)
    asking = teacher(breaks.base_url, price=PRICE)
    completion = asking.complete([request_for("a")], "s", "ne")[0]
    at_most = asking.account.usd_at_most(request_for("a"))
    assert asking.store.spent_usd == pytest.approx(asking.account.usd(completion) + at_most)

    with pytest.raises(UserError, match="no connection"):
        teacher("http://127.0.0.1:9/v1", price=PRICE).complete([request_for("b")], "s", "ne")
    assert teacher(breaks.base_url).store.spent_usd == asking.store.spent_usd


def test_a_budget_too_small_for_one_request_sends_none(limited):
    with running_server() as base_url:
        with pytest.raises(LimitReached):
            limited(base_url, budget_usd=0.01).complete(requests(), "s", "ne")
        assert counts(base_url)["received"] == 0


def test_a_budget_without_a_price_is_refused_before_anything_is_sent(teacher):
    with pytest.raises(UserError, match="needs the price of the model"):
        teacher("http://127.0.0.1:9/v1", budget_usd=1.0)
