"""Counts what a job would ask and cost, and asks nothing."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from itertools import chain

from okapi_kedro.teacher.account import Account
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.store import CompletionStore

EXPERIENCE = 20
"""With fewer stored answers than this, nothing is said about how long answers are."""


class NotAsked(BaseException):
    """An answer is needed that a dry run has not got. No error: nobody is to log it as one, or to catch it as one."""


@dataclass
class Count:
    """The requests of one stage and language.

    Args:
        stage, language: as in the store.
        requests: all of them.
        stored: those whose answer is in the store.
        prompt_tokens: about how many would be read.
        completion_tokens: about how many would be written, by the answers so far; None without enough of them.
        completion_tokens_at_most: as many as the requests allow.
        usd, usd_at_most: what they would cost; None without a price, or where tokens are not known.
    """

    stage: str
    language: str
    requests: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    completion_tokens_at_most: int = 0
    usd: float | None = None
    usd_at_most: float | None = None


@dataclass
class CountingTeacher:
    """Stands in for a teacher: gives the answers that are stored, and counts the others.

    Args:
        teacher: whose store and price are used.
    """

    teacher: Teacher
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)

    @property
    def endpoint(self) -> Endpoint:
        return self.teacher.endpoint

    @property
    def store(self) -> CompletionStore:
        return self.teacher.store

    @property
    def account(self) -> Account:
        return self.teacher.account

    def stream(
        self, requests: Iterable[Request], stage: str, language: str, ahead: int | None = None
    ) -> Generator[Completion]:
        """The stored answers in order, up to the first that is missing; then all others are counted.

        Raises:
            NotAsked: when an answer is missing.
        """
        count = self.counts.setdefault((stage, language), Count(stage, language))
        source = iter(requests)
        for request in source:
            key = self.endpoint.key(request)
            if key not in self.store:
                self._count(chain([request], source), count)
                raise NotAsked(f"{stage} {language}: not all answers are there")
            count.requests += 1
            count.stored += 1
            yield self.store[key]

    def _count(self, requests: Iterable[Request], count: Count) -> None:
        asked: set[str] = set()
        for request in requests:
            key = self.endpoint.key(request)
            count.requests += 1
            if key in asked or key in self.store:
                count.stored += 1
            else:
                asked.add(key)
                count.prompt_tokens += prompt_tokens(request)
                count.completion_tokens_at_most += request.sampling.max_tokens
        mean = self._mean_completion_tokens(count.stage, count.language)
        count.completion_tokens = None if mean is None else round(mean * (count.requests - count.stored))
        if price := self.account.price:
            count.usd_at_most = price.usd(count.prompt_tokens, count.completion_tokens_at_most)
            if count.completion_tokens is not None:
                count.usd = price.usd(count.prompt_tokens, count.completion_tokens)

    def _mean_completion_tokens(self, stage: str, language: str) -> float | None:
        """By this model's answers in the language, or else in any language."""
        spent = [each for each in self.store.spending() if each.stage == stage and each.model == self.endpoint.model]
        for some in ([each for each in spent if each.language == language], spent):
            answers = sum(each.answers for each in some)
            if answers >= EXPERIENCE:
                return sum(each.completion_tokens for each in some) / answers
        return None


def prompt_tokens(request: Request) -> int:
    """About how many tokens a request's messages are: four ASCII characters make one, any other character is one."""
    text = "".join(message["content"] for message in request.messages)
    other = sum(not character.isascii() for character in text)
    return (len(text) - other + 3) // 4 + other
