"""Nothing is let through whose dearest answer could pass the budget."""

from dataclasses import dataclass

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import Account, LimitReached, Price, prompt_tokens_at_most
from okapi_kedro.teacher.messages import Completion, Request, Sampling

PRICE = Price(prompt=0.5, completion=1.5)


@dataclass
class Spent:
    spent_usd: float = 0.0


def account(budget_usd=None, max_requests=None, price=PRICE, spent=0.0):
    return Account(price, budget_usd, max_requests, Spent(spent))


def test_a_price_is_per_million_tokens():
    assert PRICE.usd(1_000_000, 0) == 0.5
    assert PRICE.usd(0, 2_000_000) == 3.0
    assert account().usd(Completion("a", "stop", 1000, 100)) == pytest.approx(0.00065)


def test_without_a_price_nothing_is_known_and_nothing_is_limited():
    free = account(price=None)
    assert free.usd(Completion("a", "stop", 1000, 100)) is None
    assert all(free.admits(1, 10.0) for _ in range(5))


def test_a_budget_without_a_price_is_refused():
    with pytest.raises(UserError, match=r"budget_usd needs the price.*teacher\.prices"):
        account(budget_usd=1.0, price=None)


def test_what_is_in_flight_is_set_aside():
    some = account(budget_usd=1.0, spent=0.25)
    assert some.admits(1, 0.25)
    assert some.admits(1, 0.5)
    assert not some.admits(1, 0.01)
    some.release(1, 0.5)
    assert some.admits(1, 0.01)


def test_the_last_dollar_can_be_spent_to_the_cent():
    some = account(budget_usd=1.0, spent=0.5)
    assert some.admits(1, 0.5)


def test_with_nothing_in_flight_that_could_make_room_it_ends_and_says_how_to_go_on():
    some = account(budget_usd=1.0, spent=0.9)
    with pytest.raises(
        LimitReached, match=r"\$0\.90 of \$1\.00 are spent, and the next request may cost \$0\.2000"
    ) as end:
        some.admits(1, 0.2)
    assert end.value.raise_to == "teacher.budget_usd=2"


def test_a_budget_that_no_request_fits_in_is_raised_far_enough():
    with pytest.raises(LimitReached) as end:
        account(budget_usd=0.001, spent=0.5).admits(1, 0.2)
    assert end.value.raise_to == "teacher.budget_usd=0.71"


def test_the_number_of_requests_of_a_run_is_held_whatever_becomes_of_them():
    some = account(max_requests=2)
    assert some.admits(1, 0) and some.admits(1, 0)
    some.release(2, 0)
    with pytest.raises(LimitReached, match="this run has sent its 2 requests") as end:
        some.admits(1, 0)
    assert end.value.raise_to == ""


def test_sums_do_not_drift():
    some = account(budget_usd=0.300001)
    for _ in range(1000):
        for usd in (0.1, 0.2):
            assert some.admits(1, usd)
        for usd in (0.1, 0.2):
            some.release(1, usd)


@pytest.mark.parametrize("text", ["", "a", "hello there, world", "नेपाली भाषा", "中文\n\t", "\ud83d", "😀" * 50])
def test_no_tokenizer_of_bytes_can_make_more_tokens_than_are_counted(text):
    request = Request(({"role": "system", "content": "x"}, {"role": "user", "content": text}), Sampling(0, 1, 10))
    assert prompt_tokens_at_most(request) >= len(text.encode(errors="replace")) + 1
