"""A count gives stored answers, prices the others, and asks nobody."""

import pytest

from okapi_kedro.teacher.account import Price
from okapi_kedro.teacher.counting import EXPERIENCE, CountingTeacher, NotAsked, prompt_tokens

from .endpoint import request_for

PRICE = Price(1.0, 2.0)
NOBODY = "http://127.0.0.1:9/v1"


def requests(count):
    return [request_for(f"question {number}") for number in range(count)]


@pytest.fixture
def counting(endpoint, teacher):
    """Counts with so many answers in the store."""

    def make(answered, price=PRICE):
        teacher(endpoint().base_url).complete(requests(answered), "translation", "ne")
        return CountingTeacher(teacher(NOBODY, price=price))

    return make


def counted(counting_teacher, asked, language="ne"):
    with pytest.raises(NotAsked):
        list(counting_teacher.stream(asked, "translation", language))
    return counting_teacher.counts["translation", language]


def test_with_all_answers_there_it_is_as_a_teacher(counting):
    some = counting(5)
    answers = list(some.stream(requests(5), "translation", "ne"))
    assert [answer.text for answer in answers] == [f"{n} noitseuq #0" for n in range(5)]
    count = some.counts["translation", "ne"]
    assert (count.requests, count.stored, count.usd_at_most) == (5, 5, None)


def test_what_is_missing_is_counted_once_and_stored_answers_behind_it_as_stored(counting):
    count = counted(counting(5), [*requests(3), *map(request_for, "ab"), *requests(5), request_for("a")])
    assert (count.requests, count.stored) == (11, 9)


def test_without_experience_only_the_most_is_known(counting):
    count = counted(counting(EXPERIENCE - 1), requests(EXPERIENCE + 9))
    assert (count.completion_tokens, count.usd) == (None, None)
    assert count.completion_tokens_at_most == 10 * 100
    assert count.usd_at_most == pytest.approx((count.prompt_tokens * 1.0 + 1000 * 2.0) / 1e6)


@pytest.mark.parametrize("language", ["ne", "vi"])
def test_with_experience_of_the_stage_the_mean_length_of_its_answers_counts(counting, language):
    count = counted(counting(EXPERIENCE), requests(EXPERIENCE + 10), language)
    assert count.completion_tokens == 10 * 3, "the endpoint reports three tokens an answer"
    assert count.usd == pytest.approx((count.prompt_tokens + 30 * 2.0) / 1e6)


def test_without_a_price_tokens_are_counted_and_no_dollars(counting):
    count = counted(counting(0, price=None), requests(2))
    assert count.prompt_tokens > 0
    assert (count.usd, count.usd_at_most) == (None, None)


def test_a_reader_that_stops_early_at_stored_answers_leaves_the_rest_uncounted(counting):
    some = counting(5)
    stream = some.stream(requests(50), "translation", "ne")
    for _ in range(3):
        next(stream)
    stream.close()
    assert some.counts["translation", "ne"].requests == 3


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("नेपाल", 5), ("ab中文", 3)])
def test_the_estimate_of_tokens_is_by_script(text, tokens):
    assert prompt_tokens(request_for(text)) == tokens
