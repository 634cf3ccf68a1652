"""Executes the requests of a batch and writes what came of each as a line of JSON."""

import json
from collections import Counter
from typing import Any

from okapi_kedro.teacher.offline.fault_plan import FaultPlan, spoil_completion
from okapi_kedro.teacher.offline.ledger import ANSWERED, Ledger
from okapi_kedro.teacher.offline.server import error_body, request_digest, respond

_NOT_EXECUTED = {
    "expired": "the completion window ended before this request was executed",
    "cancelled": "the batch was cancelled before this request was executed",
}


class BatchWork:
    """What has been done of one batch.

    Args:
        plan: the faults of requests and answers.
        ledger: where the requests are counted.

    Attributes:
        output: lines of the output file.
        errors: lines of the error file.
        executed: requests that were answered or failed.
    """

    def __init__(self, plan: FaultPlan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger
        self.output: list[bytes] = []
        self.errors: list[bytes] = []
        self.executed = self._completed = 0
        self._tokens: Counter[str] = Counter()

    def execute(self, line: bytes) -> None:
        """Answers one request, or lets it fail."""
        self.executed += 1
        task = json.loads(line)
        digest = request_digest(task["body"])
        number, before = self._ledger.receive(digest)
        if self._plan.happens("batch_request_error", digest, before):
            self._ledger.settle(number, "batch_request_error")
            self.errors.append(_line(task, number, 500, error_body("the server had an error", "server_error")))
            return
        try:
            completion = respond(task["body"])
        except ValueError as error:
            self._ledger.settle(number, "invalid_request")
            self.errors.append(_line(task, number, 400, error_body(str(error))))
            return
        fault = self._plan.answer_fault(digest)
        self._ledger.bill(completion["usage"])
        self._ledger.deliver(completion["usage"])
        self._ledger.settle(number, fault or ANSWERED)
        self._tokens.update(completion["usage"])
        self._completed += 1
        times = 2 if self._plan.happens("batch_duplicate_lines", digest, before) else 1
        self.output += [_line(task, number, 200, spoil_completion(completion, fault))] * times

    def leave_out(self, line: bytes, end: str) -> None:
        """Notes a request that was not executed because the batch expired or was cancelled."""
        task = json.loads(line)
        number, _ = self._ledger.receive(request_digest(task["body"]))
        self._ledger.settle(number, f"batch_{end}")
        error = {"code": f"batch_{end}", "message": _NOT_EXECUTED[end]}
        self.errors.append(_dump({**_named(task, number), "response": None, "error": error}))

    def counts(self, total: int) -> dict[str, int]:
        """The batch's `request_counts`."""
        return {"total": total, "completed": self._completed, "failed": len(self.errors)}

    def usage(self) -> dict[str, object]:
        """The batch's `usage`."""
        return {
            "input_tokens": self._tokens["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": self._tokens["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self._tokens["total_tokens"],
        }


def _line(task: dict[str, Any], number: int, status: int, body: dict[str, Any]) -> bytes:
    response = {"status_code": status, "request_id": f"request-{number}", "body": body}
    return _dump({**_named(task, number), "response": response, "error": None})


def _named(task: dict[str, Any], number: int) -> dict[str, object]:
    return {"id": f"batch_req_{number}", "custom_id": task["custom_id"]}


def _dump(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"
