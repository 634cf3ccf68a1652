"""Asks through a provider's Batch API: files of requests, answered within a day at a part of the price."""

import asyncio
import logging
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from openai.types import Batch

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import LimitReached
from okapi_kedro.teacher.batch.api import BatchApi
from okapi_kedro.teacher.batch.file import BatchFile, request_line
from okapi_kedro.teacher.batch.ledger import CollectedBatches
from okapi_kedro.teacher.batch.loop import run_apart
from okapi_kedro.teacher.batch.outcome import not_executed, read_outcome, why_it_ended
from okapi_kedro.teacher.batch.progress import BatchProgress
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.endpoint import Fault, UnreadableAnswer
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.retries import may_pass

if TYPE_CHECKING:
    from okapi_kedro.teacher.client import Teacher

FIRST_PAUSE = 1.0
"""Seconds until the provider is asked how far it is; doubled each time, up to the settings' `poll_seconds`."""
ENDED = ("completed", "failed", "expired", "cancelled")

logger = logging.getLogger(__name__)


class BatchAsking:
    """One job: what is unanswered goes to the provider in files, and is in the store before anyone sees it.

    A batch outlives the process that has submitted it, and is paid for. So before anything is submitted, the provider
    is asked for batches of the same stage, language and model that are not collected yet; those are waited for first.

    Args:
        teacher: whose endpoint is asked, in whose store answers are looked for first and kept.
        settings: the limits of the provider's Batch API.
        stage, language: name the answers' shard in the store.
        ahead: for a reader that may stop early: so many requests are sent beyond one that it waits for, and no others
            before it has read the answers to these; None for a reader that wants all answers.
        progress: is told of every answer.
    """

    def __init__(
        self,
        teacher: "Teacher",
        settings: BatchSettings,
        stage: str,
        language: str,
        ahead: int | None,
        progress: BatchProgress,
    ) -> None:
        self._teacher = teacher
        self._endpoint = teacher.endpoint
        self._store = teacher.store
        self._account = teacher.account
        self._settings = settings
        self._shard = (stage, language)
        self._metadata = {
            "made_by": "okapi-kedro",
            "stage": stage,
            "language": language,
            "model": self._endpoint.model,
        }
        self._ahead = ahead
        self._progress = progress
        self._collected = CollectedBatches(self._store.folder)
        self._knows_earlier_batches = False
        self._window: deque[str] = deque()
        """Keys of the requests that were read and whose answers were not handed out."""
        self._next: tuple[str, Request] | None = None
        """What was read last, until it has a place in a file."""
        self._asked: dict[str, Request] = {}
        """Requests that the account has let through and that have no answer."""
        self._again: deque[str] = deque()
        """Keys of those of them that have to be submitted once more."""
        self._faults: Counter[str] = Counter()
        self._in_flight: dict[str, set[str] | None] = {}
        """The keys in each batch; None for those of a batch of an earlier run."""
        self._pause = FIRST_PAUSE
        self._error: UserError | None = None

    def answers(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """The answers, in the order of the requests.

        Raises:
            UserError: when the provider refuses a request or does not recover, after the answers before that one.
            LimitReached: when the account lets no more requests through.
        """
        try:
            for portion in self._portions(iter(requests)):
                self._read_on(portion)
                if self._next:
                    run_apart(self._ask(portion))
                yield from self._in_order()
        finally:
            self._leave()

    def _portions(self, requests: Iterator[Request]) -> Iterator[Iterator[Request]]:
        """Requests that are asked before the next ones are read."""
        if self._ahead is None:
            yield requests
            return
        for request in requests:
            is_stored = self._endpoint.key(request) in self._store
            yield chain([request], () if is_stored else islice(requests, self._ahead))

    def _in_order(self) -> Iterator[Completion]:
        while self._window and (self._error is None or self._window[0] in self._store):
            yield self._store[self._window.popleft()]
        if self._error:
            raise self._error

    def _leave(self) -> None:
        self._account.release(len(self._asked), sum(map(self._account.usd_at_most, self._asked.values())))
        if self._in_flight:
            logger.warning(
                "%s: %d batches go on at the provider (%s); the same command collects them",
                self._progress.name,
                len(self._in_flight),
                ", ".join(self._in_flight),
            )

    async def _ask(self, requests: Iterator[Request]) -> None:
        async with self._endpoint.connect() as client:
            api = BatchApi(client, self._endpoint, self._teacher.retries)
            if not self._knows_earlier_batches:
                await self._finish_earlier_batches(api)
            while not await self._submit(api, requests) or self._in_flight:
                await self._look(api)

    async def _finish_earlier_batches(self, api: BatchApi) -> None:
        self._collected.refresh()
        found = [batch.id for batch in await api.batches(self._metadata) if batch.id not in self._collected]
        self._in_flight = dict.fromkeys(found)
        if found:
            logger.info("%s: collects batches of an earlier run first: %s", self._progress.name, ", ".join(found))
        while self._in_flight:
            await self._look(api)
        self._knows_earlier_batches = True

    async def _submit(self, api: BatchApi, requests: Iterator[Request]) -> bool:
        """Submits what there is and what the account lets through; True when nothing is left to submit."""
        while len(self._in_flight) < self._settings.files:
            with BatchFile(self._store.folder, self._settings.requests, self._settings.bytes) as file:
                self._fill(file, requests)
                if not file.keys:
                    return self._next is None or self._error is not None
                batch = await api.submit(file, self._metadata)
            self._in_flight[batch.id] = file.keys
            self._pause = FIRST_PAUSE
            logger.info("%s: %d requests are submitted as %s", self._progress.name, len(file.keys), batch.id)
        return False

    def _fill(self, file: BatchFile, requests: Iterator[Request]) -> None:
        while self._again:
            key = self._again[0]
            line = request_line(key, self._endpoint.body(self._asked[key]))
            if not file.has_room(line):
                return
            file.add(self._again.popleft(), line)
        self._read_on(requests)
        while self._next:
            key, request = self._next
            line = request_line(key, self._endpoint.body(request))
            if len(line) > self._settings.bytes:
                self._stop(UserError(f"a request has {len(line):,} bytes, more than teacher.batch_bytes allows"))
                return
            if not file.has_room(line) or not self._admits(request):
                return
            file.add(key, line)
            self._asked[key] = request
            self._next = None
            self._read_on(requests)

    def _read_on(self, requests: Iterator[Request]) -> None:
        """Reads requests up to the next one that is to be asked."""
        while self._error is None:
            if self._next is None:
                request = next(requests, None)
                if request is None:
                    return
                self._next = self._endpoint.key(request), request
                self._window.append(self._next[0])
            key, _ = self._next
            if key not in self._asked and key not in self._store:
                return
            self._progress.found()
            self._next = None

    def _admits(self, request: Request) -> bool:
        """Whether the account lets a request through now; when it never will, nothing more is read."""
        try:
            return self._account.admits(1, self._account.usd_at_most(request))
        except LimitReached as limit:
            self._error = limit
            return False

    async def _look(self, api: BatchApi) -> None:
        """Collects the batches that have ended, or else waits a while, longer each time."""
        batches = [await api.batch(batch_id) for batch_id in self._in_flight]
        ended = [batch for batch in batches if batch.status in ENDED]
        self._progress.waiting([batch for batch in batches if batch not in ended])
        for batch in ended:
            await self._collect(api, batch)
            self._pause = FIRST_PAUSE
        if not ended:
            await asyncio.sleep(min(self._pause, self._settings.poll_seconds))
            self._pause = min(2 * self._pause, self._settings.poll_seconds)

    async def _collect(self, api: BatchApi, batch: Batch) -> None:
        """Brings all that a batch holds into the store, and only then takes note that it is collected."""
        keys = self._in_flight[batch.id]
        with TemporaryFile(dir=self._store.folder) as lines:
            for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                if not await api.download(file_id, lines):
                    logger.warning("%s: %s of %s is at the provider no more", self._progress.name, file_id, batch.id)
                lines.write(b"\n")
            lines.seek(0)
            faults = self._take_in(batch.id, lines, _is_key if keys is None else keys.__contains__)
        self._store.sync()
        await api.delete(batch.input_file_id)
        self._collected.add(batch.id, batch.status)
        del self._in_flight[batch.id]
        logger.info("%s: %s is collected: %s", self._progress.name, batch.id, batch.status)
        if keys is not None:
            self._settle(batch, faults, [key for key in keys if key in self._asked])

    def _take_in(self, batch_id: str, lines: IO[bytes], is_asked: Callable[[str], bool]) -> dict[str, Fault]:
        """Stores the answers in a batch's output, and returns what went wrong with other requests, by key."""
        faults, unknown = {}, 0
        for line in filter(bytes.strip, lines):
            outcome = read_outcome(line)
            if outcome is None or not is_asked(outcome.custom_id):
                unknown += 1
            elif isinstance(outcome.result, Completion):
                self._keep(outcome.custom_id, outcome.result)
            else:
                faults[outcome.custom_id] = outcome.result
        if unknown:
            logger.warning("%s: %d lines of %s answer no request in it", self._progress.name, unknown, batch_id)
        return faults

    def _keep(self, key: str, completion: Completion) -> None:
        usd = self._account.usd(completion)
        self._store.add(key, *self._shard, completion, self._endpoint.model, usd)
        request = self._asked.pop(key, None)
        if request:
            self._account.release(1, self._account.usd_at_most(request))
            self._progress.answered(usd)

    def _settle(self, batch: Batch, faults: dict[str, Fault], unanswered: list[str]) -> None:
        """Decides what becomes of the requests in a batch that it has not answered."""
        if batch.status in ("failed", "cancelled"):
            self._stop(UserError(self._endpoint.without_key(why_it_ended(batch))))
            return
        for key in unanswered:
            fault = faults.get(key) or not_executed(f"{batch.id} says nothing about a request in it")
            error = self._error_after(key, fault)
            if error:
                self._stop(error)
            elif not self._is_stopped:
                self._again.append(key)

    def _error_after(self, key: str, fault: Fault) -> UserError | None:
        """What to stop with after a fault; None when the request is to be submitted again."""
        self._progress.failed()
        self._faults[key] += 1
        cause, attempt = self._endpoint.cause(fault), self._faults[key]
        if isinstance(fault, UnreadableAnswer):
            usd = self._account.usd_at_most(self._asked[key])
            self._store.add_lost(*self._shard, self._endpoint.model, usd, cause)
        if not may_pass(fault):
            return UserError(cause)
        if attempt > self._teacher.retries:
            return UserError(f"{cause} (attempt {attempt}); all answers so far are stored, run again to go on")
        return None

    @property
    def _is_stopped(self) -> bool:
        # A limit only keeps new requests back; those that it has let through are submitted until they have an answer.
        return self._error is not None and not isinstance(self._error, LimitReached)

    def _stop(self, error: UserError) -> None:
        """Lets nothing more be submitted; what is at the provider is still collected."""
        if not self._is_stopped:
            self._error = error
            logger.warning("%s; %d batches are still waited for", error, len(self._in_flight))
        self._again.clear()


def _is_key(custom_id: str) -> bool:
    """Whether it has the form of a `completion_key`, which no other tool names a request by."""
    return re.fullmatch("[0-9a-f]{64}", custom_id) is not None
