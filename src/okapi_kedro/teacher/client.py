"""The teacher: any OpenAI-compatible chat endpoint, or the embedded offline one, asked once and for all."""

from collections.abc import Generator, Iterable, Sized
from contextlib import closing
from dataclasses import dataclass

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import Account
from okapi_kedro.teacher.asking import Asking
from okapi_kedro.teacher.batch.asking import BatchAsking
from okapi_kedro.teacher.batch.progress import BatchProgress
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.progress import Progress
from okapi_kedro.teacher.store import CompletionStore


@dataclass(frozen=True, repr=False)
class Teacher:
    """Answers requests, each of them once and for all: what is in the store is never asked again.

    Args:
        endpoint: who is asked.
        store: where answers are kept.
        account: price, budget and what of it is used.
        pace: requests and tokens per minute.
        concurrency: requests in flight at once, for each of the jobs that run at once.
        retries: how often a request is repeated after a fault that may pass.
        batch: limits of the provider's Batch API, through which everything is asked; None asks requests one by one.

    Raises:
        UserError: for settings that no request could be sent with.
    """

    endpoint: Endpoint
    store: CompletionStore
    account: Account
    pace: Pace
    concurrency: int
    retries: int
    batch: BatchSettings | None = None

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise UserError("teacher.concurrency has to be at least 1")
        if self.batch and self.endpoint.is_offline:
            raise UserError(
                "teacher.mode=batch: the embedded offline teacher has no Batch API; start one that has it by "
                "`python -m okapi_kedro.teacher.offline` and give its address as teacher.base_url"
            )

    def __repr__(self) -> str:
        return f"Teacher({self.endpoint!r})"

    def stream(
        self, requests: Iterable[Request], stage: str, language: str, ahead: int | None = None
    ) -> Generator[Completion]:
        """The answers, in the order of the requests; equal requests have one answer.

        Closing the stream early, an error and Ctrl-C wait for the requests in flight: their answers are paid for.
        Batches are left at the provider; the next stream of the same stage and language collects them.

        Args:
            requests: the questions, read as they are needed.
            stage: names the answers' shard in the store, with the language.
            language: code of the language.
            ahead: for a reader that may stop early: requests are sent only while it waits for an answer, and at most so
                many beyond that one; None for a reader that wants all answers.

        Raises:
            UserError: when the endpoint refuses a request or does not recover; what was answered is in the store.
            LimitReached: when the budget or the run's number of requests is used up.
        """
        total = len(requests) if isinstance(requests, Sized) else None
        name = f"{stage} {language}"
        with self.store.asking(stage, language):
            if self.batch is None:
                with closing(Progress(name, total)) as progress:
                    yield from Asking(self, stage, language, ahead, progress).answers(requests)
            else:
                with closing(BatchProgress(name, total)) as progress:
                    yield from BatchAsking(self, self.batch, stage, language, ahead, progress).answers(requests)

    def complete(self, requests: Iterable[Request], stage: str, language: str) -> list[Completion]:
        """All answers of `stream` in a list."""
        return list(self.stream(requests, stage, language))
