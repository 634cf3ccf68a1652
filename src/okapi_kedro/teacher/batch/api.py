"""The calls of a provider's Batch API, each repeated when it meets a fault that may pass."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import BinaryIO, TypeVar

import httpx2
import openai
from openai.types import Batch, FileObject

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.batch.file import CHAT, BatchFile
from okapi_kedro.teacher.endpoint import Endpoint, Fault, UnreadableAnswer
from okapi_kedro.teacher.retries import delay, may_pass

BATCHES_ON_A_PAGE = 100

T = TypeVar("T")

logger = logging.getLogger(__name__)


class BatchApi:
    """What a job asks the provider of batches.

    Args:
        client: an open client of the endpoint.
        endpoint: names it in messages.
        retries: how often a call is repeated.
    """

    def __init__(self, client: openai.AsyncOpenAI, endpoint: Endpoint, retries: int) -> None:
        self._client = client
        self._endpoint = endpoint
        self._retries = retries

    async def submit(self, file: BatchFile, metadata: dict[str, str]) -> Batch:
        """Uploads a file and makes a batch of it.

        Killed between the two, only the file is left there; providers delete such files after a month.

        Raises:
            UserError: when the provider refuses or does not recover.
        """

        async def upload(attempt: int) -> FileObject:
            named = ("okapi-kedro.jsonl", file.content(), "application/jsonl")
            return _checked(await self._client.files.create(file=named, purpose="batch"), FileObject)

        uploaded = await self._repeated(upload)

        async def create(attempt: int) -> Batch:
            # A call whose answer was lost may have made the batch, and a second one would be paid for as well.
            made = await self._find(lambda batch: batch.input_file_id == uploaded.id) if attempt > 1 else []
            return made[0] if made else await self._create(uploaded.id, metadata)

        return await self._repeated(create)

    async def _create(self, file_id: str, metadata: dict[str, str]) -> Batch:
        batch = await self._client.batches.create(
            input_file_id=file_id, endpoint=CHAT, completion_window="24h", metadata=metadata
        )
        return _checked(batch, Batch)

    async def batches(self, metadata: Mapping[str, str]) -> list[Batch]:
        """All batches there, of whatever status, that were made with this metadata.

        Raises:
            UserError: when the provider refuses or does not recover.
        """
        wanted = metadata.items()
        return await self._repeated(lambda attempt: self._find(lambda batch: wanted <= (batch.metadata or {}).items()))

    async def _find(self, is_wanted: Callable[[Batch], bool]) -> list[Batch]:
        listed = self._client.batches.list(limit=BATCHES_ON_A_PAGE)
        try:
            return [batch async for batch in listed if is_wanted(_checked(batch, Batch))]
        except AttributeError as error:
            # What the client makes of a web page where it expects a list.
            raise UnreadableAnswer(f"what it sent is no list of batches: {error}") from error

    async def batch(self, batch_id: str) -> Batch:
        """The batch as it is now.

        Raises:
            UserError: when the provider refuses or does not recover.
        """

        async def retrieve(attempt: int) -> Batch:
            return _checked(await self._client.batches.retrieve(batch_id), Batch)

        return await self._repeated(retrieve)

    async def download(self, file_id: str, to: BinaryIO) -> bool:
        """Writes a file of the provider's behind what another holds; False when it is there no more.

        Raises:
            UserError: when the provider refuses or does not recover.
        """
        start = to.tell()

        async def fetch(attempt: int) -> bool:
            to.seek(start)
            to.truncate()
            try:
                async with self._client.files.with_streaming_response.content(file_id) as response:
                    if "html" in response.headers.get("content-type", ""):
                        raise UnreadableAnswer(f"what it sent for {file_id} is a web page")
                    async for piece in response.iter_bytes():
                        to.write(piece)
            except openai.NotFoundError:
                return False
            except httpx2.HTTPError as error:
                raise UnreadableAnswer(f"the connection broke: {error}") from error
            return True

        return await self._repeated(fetch)

    async def delete(self, file_id: str) -> None:
        """Deletes a file; where that cannot be done the provider's own expiry has to do."""
        try:
            await self._client.files.delete(file_id)
        except openai.APIError as fault:
            logger.debug("%s: not deleted: %s", file_id, self._endpoint.cause(fault))

    async def _repeated(self, call: Callable[[int], Awaitable[T]]) -> T:
        """The result of a call, which is given the number of the attempt.

        Raises:
            UserError: when repeating it makes no sense, or no longer.
        """
        attempts = count(1)
        while True:
            attempt = next(attempts)
            try:
                return await call(attempt)
            except (openai.APIError, json.JSONDecodeError, UnicodeDecodeError, UnreadableAnswer) as error:
                fault = error
            await asyncio.sleep(self._wait_after(fault, attempt))

    def _wait_after(self, fault: Fault, attempt: int) -> float:
        cause = self._endpoint.cause(fault)
        if not may_pass(fault):
            raise UserError(cause)
        if attempt > self._retries:
            raise UserError(f"{cause} (attempt {attempt}); all answers so far are stored, run again to go on")
        logger.warning("%s (attempt %d)", cause, attempt)
        return delay(fault, attempt)


def _checked(answer: T, kind: type[T]) -> T:
    """The answer, which the client hands through unread when it is a web page.

    Raises:
        UnreadableAnswer: when it is something else.
    """
    if not isinstance(answer, kind):
        raise UnreadableAnswer(f"what it sent is no {kind.__name__.lower()}: {answer}")
    return answer
