"""The client of a teacher: any OpenAI-compatible chat endpoint, or the embedded offline one."""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import httpx2
import openai
from tqdm import tqdm

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.offline.server import transport as offline_transport
from okapi_kedro.teacher.store import CompletionStore, completion_key

OFFLINE = "offline"
FIRST_DELAY = 0.5
"""Seconds before the second attempt; doubled for each further one, unless the endpoint names its own wait."""
LONGEST_DELAY = 60.0

_PASSING_STATUSES = (408, 409, 429)
_HINTS = {
    401: "check the API key in credentials",
    403: "the API key may not use this",
    404: "check teacher.model and teacher.base_url",
}

logger = logging.getLogger(__name__)


class UnreadableAnswer(Exception):  # noqa: N818  (a property of an answer)
    """The endpoint said 200 and sent something that is no chat completion."""


Fault = openai.APIError | TimeoutError | json.JSONDecodeError | UnicodeDecodeError | UnreadableAnswer
_FAULTS = (openai.APIError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError, UnreadableAnswer)


@dataclass(frozen=True, repr=False)
class Teacher:
    """Answers requests, each of them once and for all: what is in the store is never asked again.

    Args:
        model: name of the model at the endpoint.
        base_url: the endpoint, up to and without `/chat/completions`; `offline` is the embedded offline teacher.
        api_key: None for an endpoint that asks for none.
        concurrency: requests in flight at once.
        timeout: seconds that one request may take in all.
        retries: how often a request is repeated after a fault that may pass.
        store: where answers are kept.

    Raises:
        UserError: for settings that no request could be sent with.
    """

    model: str
    base_url: str
    api_key: str | None
    concurrency: int
    timeout: float
    retries: int
    store: CompletionStore

    def __post_init__(self) -> None:
        if not self.is_offline and not self.base_url.startswith(("http://", "https://")):
            raise UserError(f"teacher.base_url {self.base_url!r}: give an http(s) address, or {OFFLINE!r}")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise UserError("the teacher's API key holds a line break or another character that no key has")
        if self.concurrency < 1:
            raise UserError("teacher.concurrency has to be at least 1")

    def __repr__(self) -> str:
        return f"Teacher(model={self.model!r}, base_url={self.base_url!r})"

    @property
    def is_offline(self) -> bool:
        return self.base_url == OFFLINE

    def complete(self, requests: Iterable[Request], stage: str, language: str) -> list[Completion]:
        """The answers, in the order of the requests; equal requests have one answer.

        Runs in a thread of its own, so that it works where an event loop runs already, as in a notebook. When it stops
        early, for an error or for Ctrl-C, the requests in flight are waited for: their answers are paid for.

        Args:
            requests: the questions, read as they are needed.
            stage: names the answers' shard in the store, with the language.
            language: code of the language.

        Raises:
            UserError: when the endpoint refuses a request or does not recover; what was answered is in the store.
        """
        self.store.refresh()
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        with closing(loop), ThreadPoolExecutor(1) as thread:
            keys = thread.submit(loop.run_until_complete, self._answer_all(requests, stage, language, stop))
            try:
                return [self.store[key] for key in keys.result()]
            except KeyboardInterrupt:
                loop.call_soon_threadsafe(stop.set)
                raise

    async def _answer_all(
        self, requests: Iterable[Request], stage: str, language: str, stop: asyncio.Event
    ) -> list[str]:
        """Puts the answers to all requests into the store and returns their keys; setting `stop` ends it early."""
        keys: list[str] = []
        failures: list[Exception] = []
        total = len(requests) if isinstance(requests, list | tuple) else None
        bar = tqdm(total=total, desc=f"{stage} {language}", unit="answer", disable=None)

        def questions() -> Iterator[tuple[str, Request]]:
            asked: set[str] = set()
            for request in requests:
                key = completion_key(self.model, request)
                keys.append(key)
                if key in asked or key in self.store:
                    bar.update()
                else:
                    asked.add(key)
                    yield key, request

        async def work(client: openai.AsyncOpenAI, unanswered: Iterator[tuple[str, Request]]) -> None:
            try:
                while not stop.is_set() and (question := next(unanswered, None)):
                    key, request = question
                    completion = await self._ask(client, request, stop)
                    if completion:
                        self.store.add(key, stage, language, completion, self.model)
                        bar.update()
            except Exception as error:
                # The other workers finish what they have in flight, which a cancelled task group would throw away.
                failures.append(error)
                stop.set()

        with bar:
            async with self._connect() as client:
                unanswered = questions()
                await asyncio.gather(*(work(client, unanswered) for _ in range(self.concurrency)))
        self.store.sync()
        if failures:
            raise failures[0]
        return keys

    def _connect(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url="http://offline/v1" if self.is_offline else self.base_url,
            # Without a key the SDK would take one from the environment, and send it to whatever base_url names.
            api_key=self.api_key or "none",
            timeout=self.timeout,
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=offline_transport()) if self.is_offline else None,
        )

    async def _ask(self, client: openai.AsyncOpenAI, request: Request, stop: asyncio.Event) -> Completion | None:
        """One request, repeated while its faults may pass; None when stopped before there was an answer."""
        for attempt in count(1):
            answer = await self._send(client, request)
            if isinstance(answer, Completion):
                return answer
            cause = f"teacher {self.model} at {self.base_url}: {self._cause(answer)}"
            if not _may_pass(answer):
                raise UserError(cause)
            if attempt > self.retries:
                raise UserError(f"{cause} (attempt {attempt}); all answers so far are stored, run again to go on")
            logger.info("%s (attempt %d)", cause, attempt)
            if await _stopped_within(stop, _delay(answer, attempt)):
                break
        return None

    async def _send(self, client: openai.AsyncOpenAI, request: Request) -> Completion | Fault:
        body = {
            "model": self.model,
            "messages": request.messages,
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.sample,
        }
        try:
            async with asyncio.timeout(self.timeout):
                # Plain `post` leaves out the SDK's typed request and response, most of its CPU time per request.
                return _read_completion(await client.post("/chat/completions", body=body, cast_to=object))
        except _FAULTS as fault:
            return fault

    def _cause(self, fault: Fault) -> str:
        """The fault in one line, without the key, which some endpoints repeat in their messages."""
        line = " ".join(_describe(fault, self.timeout).split())
        return (line.replace(self.api_key, "<key>") if self.api_key else line)[:300]


def _read_completion(body: object) -> Completion:
    try:
        answer: Any = body
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        text = choice["message"]["content"] or ""
        return Completion(
            # Half a surrogate pair, which a cut answer may end in, fits in no file.
            text=text.encode(errors="replace").decode(),
            finish_reason=str(choice.get("finish_reason") or "stop"),
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
        )
    except (AttributeError, IndexError, KeyError, TypeError):
        raise UnreadableAnswer(f"what it sent is no chat completion: {body}") from None


def _may_pass(fault: Fault) -> bool:
    if not isinstance(fault, openai.APIStatusError):
        return True
    if "insufficient_quota" in (fault.code, fault.type):
        return False
    return fault.status_code in _PASSING_STATUSES or fault.status_code >= 500


def _describe(fault: Fault, timeout: float) -> str:
    if isinstance(fault, openai.APIStatusError):
        said = fault.body.get("message", fault.body) if isinstance(fault.body, dict) else fault.response.text
        hint = _HINTS.get(fault.status_code)
        return f"{fault.status_code} {said}" + (f" ({hint})" if hint else "")
    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(fault, openai.APIConnectionError):
        return f"no connection: {fault.__cause__ or fault}"
    if isinstance(fault, ValueError):
        return f"what it sent is broken: {fault}"
    return str(fault)


def _delay(fault: Fault, attempt: int) -> float:
    """Seconds to wait: what the endpoint asks for, or exponential; spread, so that workers do not return together."""
    asked = _retry_after(fault.response.headers) if isinstance(fault, openai.APIStatusError) else None
    if asked is not None:
        return asked + random.uniform(0, FIRST_DELAY)
    return random.uniform(0.5, 1) * min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds in a `Retry-After` header (RFC 9110: a number or a date in GMT), or in OpenAI's `retry-after-ms`."""
    milliseconds: str = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    value: str = headers.get("retry-after", "")
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
