"""How long a request waits before it is sent again."""

import pytest

from okapi_kedro.teacher import asking, retries

from .endpoint import error, request_for


def requests(count):
    return [request_for(f"question {number}") for number in range(count)]


@pytest.mark.parametrize(("headers", "seconds"), [({"retry_after": "30"}, 30), ({"retry_after_ms": "1500"}, 1.5)])
def test_the_wait_is_at_least_what_the_endpoint_asks_for(endpoint, teacher, monkeypatch, headers, seconds):
    waits = []

    async def no_wait(event, wait):
        waits.append(wait)
        return False

    monkeypatch.setattr(asking, "_set_within", no_wait)
    server = endpoint(lambda payload, before: error(429, **headers) if before < 2 else None)
    teacher(server.base_url).complete(requests(1), "s", "ne")
    assert len(waits) == 2
    assert all(seconds <= wait < seconds + 1 for wait in waits)


def test_the_wait_grows_with_each_attempt_up_to_the_longest(endpoint, teacher, monkeypatch):
    waits = []

    async def no_wait(event, wait):
        waits.append(wait)
        return False

    monkeypatch.setattr(asking, "_set_within", no_wait)
    monkeypatch.setattr(retries, "FIRST_DELAY", 1.0)
    monkeypatch.setattr(retries, "LONGEST_DELAY", 5.0)
    server = endpoint(lambda payload, before: error(500) if before < 5 else None)
    teacher(server.base_url, retries=5).complete(requests(1), "s", "ne")
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, [1, 2, 4, 5, 5], strict=True))
