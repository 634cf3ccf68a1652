from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from okapi_kedro.teacher import retries
from okapi_kedro.teacher.client import Teacher

from .endpoint import Endpoint, Fault, teacher_at


@pytest.fixture
def endpoint() -> Iterator[Callable[..., Endpoint]]:
    """Starts endpoints; without a plan they answer everything."""
    started: list[Endpoint] = []

    def start(plan: Callable[[dict[str, Any], int], Fault | None] = lambda payload, before: None) -> Endpoint:
        started.append(Endpoint(plan))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Teacher]:
    """Makes teachers that share a store folder and wait next to nothing between attempts."""
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.01)

    def make(base_url: str, **settings: Any) -> Teacher:
        return teacher_at(base_url, tmp_path / "store", **settings)

    return make
