"""Asks an endpoint many requests at once and hands the answers back in the order of the requests."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import openai

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import prompt_tokens_at_most
from okapi_kedro.teacher.endpoint import Fault
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.progress import Progress
from okapi_kedro.teacher.retries import delay, is_rate_limit, may_have_been_paid, may_pass
from okapi_kedro.teacher.store import NewAnswer

if TYPE_CHECKING:
    from okapi_kedro.teacher.client import Teacher

FAR_AHEAD = 4096
"""So many requests are taken beyond the answer that is waited for, so that one slow answer stops nobody."""
USUAL_ATTEMPTS = 2
"""A request that fails more often than this is worth a warning."""
POLL_SECONDS = 0.01
"""How long the reader of the answers waits before it looks for the next one again."""
ROOM_SECONDS = 0.05
"""How long a request waits before it looks again whether the budget has room for it."""
SYNC_SECONDS = 1.0
"""At most so many seconds of answers are not yet on the disk itself, where a power cut would lose them."""

logger = logging.getLogger(__name__)


class Asking:
    """One job: workers take the requests one by one, and every answer is in the store before anyone sees it.

    The workers run in an event loop in a thread of their own, so that a job works where a loop runs already, as in a
    notebook. When a job stops early, the requests in flight are waited for: their answers are paid for.

    Args:
        teacher: whose endpoint is asked, in whose store answers are looked for first and kept.
        stage, language: name the answers' shard in the store.
        ahead: for a reader that may stop early: requests are sent only while it waits for an answer, and at most so
            many beyond that one; None for a reader that wants all answers.
        progress: is told of every answer.
    """

    def __init__(self, teacher: "Teacher", stage: str, language: str, ahead: int | None, progress: Progress) -> None:
        self._teacher = teacher
        self._endpoint = teacher.endpoint
        self._store = teacher.store
        self._account = teacher.account
        self._pace = teacher.pace
        self._shard = (stage, language)
        self._most_in_window = FAR_AHEAD if ahead is None else ahead + 1
        self._reader_may_stop = ahead is not None
        self._progress = progress
        self._window: deque[str] = deque()
        self._unread: dict[str, Completion] = {}
        self._fresh: list[NewAnswer] = []
        self._in_flight: set[str] = set()
        self._failures: list[Exception] = []
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._room = asyncio.Event()

    def answers(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """The answers, in the order of the requests, each as soon as it and those before it are there.

        Raises:
            UserError: when the endpoint refuses a request or does not recover, after the answers before that one.
            LimitReached: when the account lets no more requests through.
        """
        with closing(self._loop), ThreadPoolExecutor(1) as thread:
            asking = thread.submit(self._loop.run_until_complete, self._answer_all(iter(requests)))
            try:
                yield from self._in_order(asking)
            finally:
                if not asking.done():
                    self._loop.call_soon_threadsafe(self._stop_early)

    def _in_order(self, asking: "Future[None]") -> Iterator[Completion]:
        while True:
            finished = asking.done()
            while self._window and (completion := self._answer_to(self._window[0])) is not None:
                yield completion
                self._unread.pop(self._window.popleft(), None)
            if finished:
                return asking.result()
            self._loop.call_soon_threadsafe(self._room.set)
            time.sleep(POLL_SECONDS)

    def _answer_to(self, key: str) -> Completion | None:
        return self._unread.get(key) or self._store.get(key)

    def _stop_early(self) -> None:
        self._stop.set()
        self._room.set()

    async def _answer_all(self, requests: Iterator[Request]) -> None:
        async with self._endpoint.connect() as client:
            syncing = asyncio.create_task(self._sync_now_and_then())
            await asyncio.gather(*(self._work(client, requests) for _ in range(self._teacher.concurrency)))
            syncing.cancel()
        self._store.sync()
        if self._failures:
            raise self._failures[0]

    async def _sync_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            await asyncio.to_thread(self._store.sync)

    async def _work(self, client: openai.AsyncOpenAI, requests: Iterator[Request]) -> None:
        try:
            while not self._stop.is_set():
                if len(self._window) >= self._most_in_window:
                    self._room.clear()
                    await self._room.wait()
                elif (request := next(requests, None)) is not None:
                    await self._answer(client, request)
                else:
                    return
        except Exception as error:
            # The other workers finish what they have in flight, which a cancelled task group would throw away.
            self._failures.append(error)
            self._stop.set()
            self._room.set()

    async def _answer(self, client: openai.AsyncOpenAI, request: Request) -> None:
        """Takes one request into the window, and asks it unless it is answered or being asked."""
        key = self._endpoint.key(request)
        self._window.append(key)
        if key in self._in_flight or key in self._store:
            self._progress.found()
            return
        self._in_flight.add(key)
        while self._reader_may_stop and self._window[0] in self._store and not self._stop.is_set():
            await asyncio.sleep(POLL_SECONDS)
        usd_at_most = self._account.usd_at_most(request)
        attempts, is_answered = count(1), False
        while not is_answered and await self._admitted(usd_at_most):
            try:
                is_answered = await self._ask(client, request, key, attempts)
            finally:
                self._account.release(1, usd_at_most)
        self._in_flight.discard(key)

    async def _admitted(self, usd: float) -> bool:
        """Waits until the account lets a request through; False when the job is stopped meanwhile."""
        while not self._stop.is_set():
            if self._account.admits(1, usd):
                return True
            await _set_within(self._stop, ROOM_SECONDS)
        return False

    async def _ask(self, client: openai.AsyncOpenAI, request: Request, key: str, attempts: Iterator[int]) -> bool:
        """Sends a request until an answer is stored, which is True, or lost on its way, or the job is stopped."""
        tokens = prompt_tokens_at_most(request) + request.sampling.max_tokens
        while True:
            wait = self._pace.take_turn(tokens)
            if wait and await _set_within(self._stop, wait):
                return False
            answer = await self._endpoint.send(client, request)
            if isinstance(answer, Completion):
                self._pace.give_back(tokens - answer.prompt_tokens - answer.completion_tokens)
                await self._keep(key, answer)
                return True
            self._pace.give_back(tokens)
            lost = may_have_been_paid(answer)
            if lost:
                usd, cause = self._account.usd_at_most(request), self._endpoint.cause(answer)
                self._store.add_lost(*self._shard, self._endpoint.model, usd, cause)
            if await _set_within(self._stop, self._wait_after(answer, next(attempts))) or lost:
                return False

    async def _keep(self, key: str, completion: Completion) -> None:
        """Stores an answer, in one write with all that come in the same turn of the loop."""
        if not self._fresh:
            self._storing = asyncio.create_task(self._store_fresh())
        self._fresh.append(NewAnswer(key, completion, self._endpoint.model, self._account.usd(completion)))
        await self._storing

    async def _store_fresh(self) -> None:
        fresh, self._fresh = self._fresh, []
        self._store.add_all(*self._shard, fresh)
        for answer in fresh:
            self._unread[answer.key] = answer.completion  # spares its reader the way to the disk
            self._progress.answered(answer.usd)
        self._pace.answered()

    def _wait_after(self, fault: Fault, attempt: int) -> float:
        """Seconds until a request may be repeated.

        Raises:
            UserError: when repeating it makes no sense.
        """
        self._progress.failed()
        cause = self._endpoint.cause(fault)
        if not may_pass(fault):
            raise UserError(cause)
        if attempt > self._teacher.retries:
            raise UserError(f"{cause} (attempt {attempt}); all answers so far are stored, run again to go on")
        logger.log(logging.WARNING if attempt > USUAL_ATTEMPTS else logging.DEBUG, "%s (attempt %d)", cause, attempt)
        wait = delay(fault, attempt)
        if is_rate_limit(fault):
            self._pace.refused(wait)
        return wait


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
