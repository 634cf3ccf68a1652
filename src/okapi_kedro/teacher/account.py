"""What requests cost, and how much may still be spent."""

from dataclasses import dataclass, field
from threading import Lock

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.store import CompletionStore

TOKENS_AROUND_A_MESSAGE = 8
"""At most so many tokens of a chat template stand around one message."""


class LimitReached(UserError):  # noqa: N818  (a limit that the user has set, not a fault)
    """The budget or the number of requests of a run is used up; what was answered is kept.

    Args:
        message: what was reached, and what is kept.
        raise_to: run parameter and value with which the run would go on; empty when the same command does.
    """

    def __init__(self, message: str, raise_to: str = "") -> None:
        super().__init__(message)
        self.raise_to = raise_to


@dataclass(frozen=True)
class Price:
    """What a model costs.

    Args:
        prompt: US dollars per million tokens read.
        completion: US dollars per million tokens written.
    """

    prompt: float
    completion: float

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


def prompt_tokens_at_most(request: Request) -> int:
    """No byte-level tokenizer makes more tokens of a request's messages than this."""
    contents = sum(len(message["content"].encode(errors="replace")) for message in request.messages)
    return contents + TOKENS_AROUND_A_MESSAGE * len(request.messages)


@dataclass
class Account:
    """What a run may spend: requests are let through only if their dearest answers still fit.

    Args:
        price: of the model; None when it is not known, or nothing is charged.
        budget_usd: what the answers in the store may cost in all, those of earlier runs included; None for no limit.
        max_requests: requests that this run may have answered; None for no limit.
        store: knows what was spent.

    Raises:
        UserError: for a budget without a price.
    """

    price: Price | None
    budget_usd: float | None
    max_requests: int | None
    store: CompletionStore
    _admitted: int = field(default=0, init=False)
    _in_flight: int = field(default=0, init=False)
    _reserved_usd: float = field(default=0.0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.budget_usd is not None and self.price is None:
            raise UserError("teacher.budget_usd needs the price of the model: add it to teacher.prices in the catalog")

    def usd(self, completion: Completion) -> float | None:
        """What an answer costs; None without a price."""
        return self.price.usd(completion.prompt_tokens, completion.completion_tokens) if self.price else None

    def usd_at_most(self, request: Request) -> float:
        """What the answer to a request can cost; 0 without a price."""
        return self.price.usd(prompt_tokens_at_most(request), request.sampling.max_tokens) if self.price else 0.0

    def admits(self, requests: int, usd: float) -> bool:
        """Sets aside what some requests can cost at most; False when answers in flight have to be waited for first.

        Raises:
            LimitReached: when nothing is in flight whose end could make room.
        """
        with self._lock:
            if self.max_requests is not None and self._admitted + requests > self.max_requests:
                raise LimitReached(f"teacher.max_requests: this run has sent its {self._admitted:,} requests")
            if self.budget_usd is not None and self.store.spent_usd + self._reserved_usd + usd > self.budget_usd:
                if self._in_flight:
                    return False
                raise self._budget_reached(usd)
            self._admitted += requests
            self._in_flight += requests
            self._reserved_usd += usd
            return True

    def release(self, requests: int, usd: float) -> None:
        """Takes back what was set aside, once the answers and their cost are in the store."""
        with self._lock:
            self._in_flight -= requests
            # Sums of fractions drift; with nothing in flight nothing is set aside.
            self._reserved_usd = self._reserved_usd - usd if self._in_flight else 0.0

    def _budget_reached(self, usd: float) -> LimitReached:
        spent, budget = self.store.spent_usd, self.budget_usd or 0.0
        return LimitReached(
            f"teacher.budget_usd: ${spent:.2f} of ${budget:.2f} are spent, and the next request may cost ${usd:.4f}",
            f"teacher.budget_usd={max(2 * budget, round(spent + usd + 0.01, 2)):g}",
        )
