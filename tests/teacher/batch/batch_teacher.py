"""Teachers that ask through the Batch API of the offline server, and a server whose calls go wrong as told."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web
from openai.types import Batch

from okapi_kedro.teacher.account import Price
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Request
from okapi_kedro.teacher.offline.fault_plan import FaultPlan

from ..endpoint import request_for, teacher_at
from ..offline import serving as offline_serving
from ..running_server import received

PRICE = Price(prompt=100.0, completion=1000.0)
HALF = Price(prompt=50.0, completion=500.0)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Meddle = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def batch_teacher(base_url: str, folder: Path, *, price: Price | None = HALF, **settings: Any) -> Teacher:
    """A teacher in batch mode; `settings` are those of the Batch API and of `teacher_at`."""
    limits = {name: settings.pop(name) for name in ("requests", "bytes", "files") if name in settings}
    teacher = teacher_at(base_url, folder, price=price, **settings)
    return replace(teacher, batch=BatchSettings(**limits, poll_seconds=0.01))


def questions(count: int, first: int = 0) -> list[Request]:
    """Requests whose answers differ in the tokens that were read."""
    return [request_for("प्रश्न " + "abcd" * number) for number in range(first, first + count)]


@contextmanager
def meddled(
    monkeypatch: pytest.MonkeyPatch, meddle: Meddle, plan: FaultPlan | None = None, batch_seconds: float = 0.0
) -> Iterator[str]:
    """A server like `serving` that hands every call to `meddle` first."""
    application = offline_serving.application

    def meddled_application(*arguments: Any) -> web.Application:
        app = application(*arguments)
        app.middlewares.append(web.middleware(meddle))
        return app

    with monkeypatch.context() as patch:
        patch.setattr(offline_serving, "application", meddled_application)
        with offline_serving.serving(plan, batch_seconds=batch_seconds) as url:
            yield url


def rewriting(rewrite: Callable[[list[dict[str, Any]]], list[Any]]) -> Meddle:
    """Meddles with what the output and error files say; a rewritten line that is text stays as it is."""

    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if not request.path.endswith("/content"):
            return response
        assert isinstance(response, web.FileResponse)
        lines = [json.loads(line) for line in response._path.read_bytes().splitlines()]
        new = [line if isinstance(line, str) else json.dumps(line) for line in rewrite(lines)]
        return web.Response(text="\n".join(new))

    return meddle


@contextmanager
def connected(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="k", max_retries=0) as client:
        yield client


def batches_at(base_url: str) -> list[Batch]:
    """All batches of a server, the oldest first."""
    with connected(base_url) as client:
        return list(client.batches.list(limit=100))[::-1]


def times_generated(base_url: str) -> list[int]:
    """How often each request has been answered, over all requests of a server."""
    digests = [entry["digest"] for entry in received(base_url) if entry["outcome"] == "answered"]
    return [digests.count(digest) for digest in set(digests)]


def stored_lines(folder: Path) -> set[tuple[object, ...]]:
    """All answers of a store, each with its shard."""
    return {
        (path.name, *json.loads(line).items())
        for path in folder.glob("*.*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    }


def collected_ids(folder: Path) -> list[str]:
    return re.findall(r'"id": "(\w+)"', (folder / "batches.jsonl").read_text(encoding="utf-8"))
