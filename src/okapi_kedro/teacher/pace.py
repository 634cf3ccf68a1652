"""Keeps the requests of all threads of a run under the endpoint's limits of requests and tokens per minute."""

import time
from dataclasses import dataclass, field
from threading import Lock

REPEATED = 8
"""So many refusals without an answer between them mean that everyone has to wait, not only those who were refused."""


@dataclass
class Pace:
    """When the next request may be sent.

    Requests are spread evenly over a minute (a leaky bucket). A single 429 makes only the refused request wait;
    repeated ones, without an answer between them, hold all.

    Args:
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit; counts prompt and completion.
    """

    requests_per_minute: float | None
    tokens_per_minute: float | None
    _next: float = field(default=0.0, init=False)
    _refusals: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def take_turn(self, tokens: int) -> float:
        """Books a place for a request of so many tokens, and returns the seconds until it may be sent."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = max(turn + self._spacing(tokens), self._next)
            return turn - now

    def give_back(self, tokens: int) -> None:
        """Frees tokens that were booked and not used."""
        if self.tokens_per_minute:
            with self._lock:
                self._next -= tokens * 60 / self.tokens_per_minute

    def answered(self) -> None:
        """Takes note that the endpoint answers."""
        self._refusals = 0

    def refused(self, seconds: float) -> None:
        """Takes note of a 429; when they repeat, nothing is sent for so many seconds."""
        with self._lock:
            self._refusals += 1
            if self._refusals >= REPEATED:
                self._next = max(self._next, time.monotonic() + seconds)

    def _spacing(self, tokens: int) -> float:
        by_requests = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        by_tokens = tokens * 60 / self.tokens_per_minute if self.tokens_per_minute else 0.0
        return max(by_requests, by_tokens)
