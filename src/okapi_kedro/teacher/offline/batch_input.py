"""Checks the input file of a batch, as OpenAI does before it answers any of it."""

import json

from okapi_kedro.teacher.offline.fault_plan import FaultPlan

CHAT = "/v1/chat/completions"

BatchError = dict[str, object]


def request_lines(content: bytes) -> list[bytes]:
    """The lines of a JSONL file that hold something."""
    return [line for line in content.split(b"\n") if line.strip()]


def find_errors(content: bytes, plan: FaultPlan) -> list[BatchError]:
    """What keeps a file from being worked on, in the form of a batch's `errors`; empty when nothing does.

    Args:
        content: the file.
        plan: how large the file may be and how many requests it may hold.
    """
    lines = request_lines(content)
    if len(content) > plan.most_batch_bytes:
        return [batch_error("file_too_large", f"the file has {len(content)} bytes, more than {plan.most_batch_bytes}")]
    if len(lines) > plan.most_batch_requests:
        return [batch_error("too_many_tasks", f"{len(lines)} requests, more than {plan.most_batch_requests}")]
    if not lines:
        return [batch_error("empty_file", "the file holds no request")]
    errors: list[BatchError] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        error = _line_error(line, number, seen)
        if error:
            errors.append(error)
    return errors


def batch_error(code: str, message: str, line: int | None = None, param: str | None = None) -> BatchError:
    return {"code": code, "message": message, "line": line, "param": param}


def _line_error(line: bytes, number: int, seen: set[str]) -> BatchError | None:
    """What is wrong with one line; its custom_id joins those seen."""
    try:
        task = json.loads(line)
    except (ValueError, RecursionError):
        return batch_error("invalid_json_line", "this line is not JSON", number)
    if not isinstance(task, dict):
        return batch_error("invalid_json_line", "this line is no JSON object", number)
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(task.get(name), kind):
            return batch_error("missing_required_parameter", f"{name} is missing or of another type", number, name)
    if task["method"] != "POST" or task["url"] != CHAT:
        return batch_error("url_mismatch", f"each request has to be a POST to {CHAT}", number, "url")
    if task["custom_id"] in seen:
        return batch_error("duplicate_custom_id", "another line has the same custom_id", number, "custom_id")
    seen.add(task["custom_id"])
    return None
