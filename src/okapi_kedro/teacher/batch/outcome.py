"""What came of a batch: of each request, in a line of the output file or of the error file, and of the whole."""

import json
from typing import Any, NamedTuple

import httpx2
import openai
from openai.types import Batch, BatchError

from okapi_kedro.teacher.batch.file import CHAT
from okapi_kedro.teacher.endpoint import Fault, UnreadableAnswer, read_completion, refusal
from okapi_kedro.teacher.messages import Completion

_TIMED_OUT = 408
"""The status that says what the Batch API says of a request that it had no time for."""

_HINTS = {
    "token_limit_exceeded": " (lower teacher.batch_requests or teacher.batch_files)",
    "too_many_tasks": " (lower teacher.batch_requests)",
    "file_too_large": " (lower teacher.batch_bytes)",
}


class Outcome(NamedTuple):
    """A line that could be read.

    Args:
        custom_id: names the request.
        result: its answer, or what went wrong.
    """

    custom_id: str
    result: Completion | Fault


def read_outcome(line: bytes) -> Outcome | None:
    """What a line says; None for a line that is in no form of the Batch API's."""
    try:
        said: Any = json.loads(line)
        custom_id, response = said["custom_id"], said.get("response")
        if not isinstance(custom_id, str):
            return None
        if response is None:
            return Outcome(custom_id, not_executed(said.get("error")))
        return Outcome(custom_id, _result(int(response["status_code"]), response["body"]))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def not_executed(error: object) -> openai.APIStatusError:
    """The fault of a request that was never executed, and so was not paid for and may be asked again."""
    return _fault(_TIMED_OUT, error)


def _result(status: int, body: Any) -> Completion | Fault:
    if status == 200:
        try:
            return read_completion(body)
        except UnreadableAnswer as unreadable:
            return unreadable
    fault = _fault(status, body.get("error", body) if isinstance(body, dict) else body)
    return (refusal(fault.code) if status == 400 else None) or fault


def _fault(status: int, error: object) -> openai.APIStatusError:
    """The same fault as that of a request which the chat endpoint has answered with this status."""
    response = httpx2.Response(status, request=httpx2.Request("POST", CHAT), text=str(error))
    return openai.APIStatusError(str(error), response=response, body=error)


def why_it_ended(batch: Batch) -> str:
    """The reason, and the way out, of a batch that has failed or was cancelled."""
    if batch.status == "cancelled":
        return f"{batch.id} was cancelled at the provider; what it has answered is stored, run again for the rest"
    errors = (batch.errors and batch.errors.data) or []
    said = "; ".join(map(_describe, errors[:3]))
    return f"the provider did not accept {batch.id}: {said or 'it gives no reason'}"


def _describe(error: BatchError) -> str:
    place = f"line {error.line}: " if error.line else ""
    return f"{place}{error.message or error.code}{_HINTS.get(error.code or '', '')}"
