"""What the offline teacher's endpoint has received, answered and would have billed."""

from collections import Counter
from typing import Any

ANSWERED = "answered"
_OPEN = "in_flight"


class Ledger:
    """Counts on the side of the endpoint, where nothing is lost; some 300 bytes for each request."""

    def __init__(self) -> None:
        self._digests: list[bytes] = []
        self._outcomes: list[str] = []
        self._times_received: Counter[bytes] = Counter()
        self._in_flight = self._most_in_flight = 0
        self._generated = self._billed_prompt_tokens = self._billed_completion_tokens = 0
        self._prompt_tokens = self._completion_tokens = 0
        self.answered = 0

    def enter(self) -> None:
        """A request has come in over HTTP and waits for its answer."""
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def leave(self) -> None:
        """The request is done with, whatever came of it."""
        self._in_flight -= 1

    def receive(self, digest: bytes) -> tuple[int, int]:
        """Notes a request; returns its number in order of arrival and how often its like was received before."""
        before = self._times_received[digest]
        self._times_received[digest] += 1
        self._digests.append(digest)
        self._outcomes.append(_OPEN)
        return len(self._digests) - 1, before

    def settle(self, number: int, outcome: str) -> None:
        """Notes what became of a request: `answered`, or the name of its fault."""
        self._outcomes[number] = outcome

    def bill(self, usage: dict[str, int]) -> None:
        """An answer was generated; a provider asks money for it even when it is lost on its way."""
        self._generated += 1
        self._billed_prompt_tokens += usage["prompt_tokens"]
        self._billed_completion_tokens += usage["completion_tokens"]

    def deliver(self, usage: dict[str, int]) -> None:
        """A generated answer was handed over whole."""
        self.answered += 1
        self._prompt_tokens += usage["prompt_tokens"]
        self._completion_tokens += usage["completion_tokens"]

    def counts(self) -> dict[str, Any]:
        """All counts; an answer with an answer fault counts as answered and among the faults."""
        outcomes = Counter(self._outcomes)
        return {
            "received": len(self._digests),
            "answered": self.answered,
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "generated": self._generated,
            "billed_prompt_tokens": self._billed_prompt_tokens,
            "billed_completion_tokens": self._billed_completion_tokens,
            "most_in_flight": self._most_in_flight,
            "faults": {name: count for name, count in outcomes.items() if name not in (ANSWERED, _OPEN)},
        }

    def received(self) -> list[dict[str, object]]:
        """Every request in order of arrival: the digest of its body, what became of it, and its number."""
        pairs = zip(self._digests, self._outcomes, strict=True)
        return [{"digest": digest.hex(), "outcome": name, "number": n} for n, (digest, name) in enumerate(pairs)]
