"""What goes wrong at the offline teacher's HTTP endpoint, how often, and for which requests.

Every choice is drawn by hashing, so a run is reproducible in whatever order its requests arrive.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from okapi_kedro.errors import UserError

TRANSPORT_FAULTS = (
    "rate_limited",
    "rate_limited_with_delay",
    "server_error",
    "overloaded",
    "stalled",
    "reset",
    "refused_body",
    "broken_json",
    "not_a_completion",
)
ANSWER_FAULTS = ("empty", "null", "truncated", "wrong_json", "duplicate_id")
BATCH_FAULTS = ("batch_failed", "batch_expired")

Rate = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class FaultPlan(BaseModel):
    """The faults of an endpoint; rates are shares from 0 to 1, and without any it answers everything.

    Args:
        seed: another seed chooses other requests.
        rate_limited: 429 without Retry-After. This and the next eight are drawn anew each time a request is repeated.
        rate_limited_with_delay: 429 with Retry-After.
        server_error: 500.
        overloaded: 503.
        stalled: the whole answer, but only after `stall_seconds`.
        reset: the connection is reset after the status and half of the body.
        refused_body: the connection is reset before any byte.
        broken_json: 200 with a body cut in half.
        not_a_completion: 200 with JSON that has no choices.
        retry_after: seconds in Retry-After.
        stall_seconds: seconds that a stalled answer takes.
        empty: content "". This and the next four hang on the request alone: equal requests have equal answers.
        null: content null.
        truncated: half the text, finish_reason length.
        wrong_json: a text without its last character, so that JSON does not end.
        duplicate_id: the completion has the same id as all others with this fault.
        shuffle_seconds: each answer is delayed by a random time up to this, so answers overtake each other.
        status: a status such as 401 with which everything is refused; null for none.
        quota_after: answers after which all is refused with 429 insufficient_quota; null for never.
        batch_failed: share of batches whose input is found invalid; drawn anew when the same input comes again.
        batch_expired: share of batches that expire when half of their requests are answered; likewise drawn anew.
        batch_request_error: share of a batch's requests that end in the error file with status 500.
        batch_duplicate_lines: share of the lines of an output file that stand there twice.
        most_batch_requests: requests that one batch may hold.
        most_batch_bytes: size that a batch's input file may have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    seed: int = 0
    rate_limited: Rate = 0.0
    rate_limited_with_delay: Rate = 0.0
    server_error: Rate = 0.0
    overloaded: Rate = 0.0
    stalled: Rate = 0.0
    reset: Rate = 0.0
    refused_body: Rate = 0.0
    broken_json: Rate = 0.0
    not_a_completion: Rate = 0.0
    retry_after: Seconds = 1.0
    stall_seconds: Seconds = 10.0
    empty: Rate = 0.0
    null: Rate = 0.0
    truncated: Rate = 0.0
    wrong_json: Rate = 0.0
    duplicate_id: Rate = 0.0
    shuffle_seconds: Seconds = 0.0
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    quota_after: NonNegativeInt | None = None
    batch_failed: Rate = 0.0
    batch_expired: Rate = 0.0
    batch_request_error: Rate = 0.0
    batch_duplicate_lines: Rate = 0.0
    most_batch_requests: PositiveInt = 50_000
    most_batch_bytes: PositiveInt = 200_000_000

    @model_validator(mode="after")
    def _rates_leave_room_for_each_other(self) -> "FaultPlan":
        for names in (TRANSPORT_FAULTS, ANSWER_FAULTS, BATCH_FAULTS):
            total = sum(rate for _, rate in self._rates(names))
            # Ten times 0.1 is a little less or more than 1.
            if total > 1 + 1e-9:
                raise ValueError(f"the rates of {', '.join(names)} add up to {total:g}, more than 1")
        return self

    def _rates(self, names: Iterable[str]) -> list[tuple[str, float]]:
        return [(name, getattr(self, name)) for name in names]

    def transport_fault(self, digest: bytes, before: int) -> str | None:
        """The transport fault of a request that was received so many times before; None lets it pass."""
        return self._draw(TRANSPORT_FAULTS, digest, before)

    def answer_fault(self, digest: bytes) -> str | None:
        """The answer fault of a request, whenever it is asked."""
        return self._draw(ANSWER_FAULTS, digest, 0)

    def batch_fault(self, digest: bytes, before: int) -> str | None:
        """The fault of a batch whose input was submitted so many times before."""
        return self._draw(BATCH_FAULTS, digest, before)

    def happens(self, name: str, digest: bytes, before: int) -> bool:
        """Whether a fault that excludes no other strikes."""
        return self._draw((name,), digest, before) is not None

    def quota_is_used_up(self, answered: int) -> bool:
        """Whether so many answers are all that is granted."""
        return self.quota_after is not None and answered >= self.quota_after

    def delay(self, digest: bytes, before: int) -> float:
        """The extra seconds by which an answer is held back."""
        return self.shuffle_seconds and self.shuffle_seconds * _chance(self.seed, "shuffle", digest, before)

    def _draw(self, names: Sequence[str], digest: bytes, before: int) -> str | None:
        rates = [(name, rate) for name, rate in self._rates(names) if rate]
        chance = _chance(self.seed, names[0], digest, before) if rates else 1.0
        for name, rate in rates:
            if chance < rate:
                return name
            chance -= rate
        return None


def _chance(*key: object) -> float:
    """A number of [0, 1) that looks random and depends on the key alone."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=6).digest()) / 2**48


def spoil_completion(completion: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """The `chat.completion` object with one of the answer faults; what it cost stays as it was."""
    if fault is None:
        return completion
    if fault == "duplicate_id":
        return {**completion, "id": "chatcmpl-duplicate"}
    choice = completion["choices"][0]
    text = choice["message"]["content"]
    content = {"empty": "", "null": None, "truncated": text[: len(text) // 2], "wrong_json": text.rstrip()[:-1]}[fault]
    finish_reason = "length" if fault == "truncated" else choice["finish_reason"]
    message = {**choice["message"], "content": content}
    return {**completion, "choices": [{**choice, "message": message, "finish_reason": finish_reason}]}


def read_fault_plan(path: Path) -> FaultPlan:
    """The plan in a JSON file.

    Raises:
        UserError: when there is no such file or it is no plan.
    """
    try:
        return FaultPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"fault plan {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, problem = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise UserError(f"fault plan {path}: {place}{': ' if place else ''}{problem}") from None
