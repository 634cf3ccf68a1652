"""What to do about a fault: whether it may pass, how long to wait, and whether an answer may have been paid for."""

import random
import re
import time
from email.utils import parsedate_to_datetime

import httpx2
import openai

from okapi_kedro.teacher.endpoint import NOT_CONNECTED, Fault

FIRST_DELAY = 0.5
"""Seconds before the second attempt; doubled for each further one, unless the endpoint names its own wait."""
LONGEST_DELAY = 60.0

_PASSING_STATUSES = (408, 409, 429)


def may_pass(fault: Fault) -> bool:
    """Whether the same request may be answered later."""
    if not isinstance(fault, openai.APIStatusError):
        return True
    if "insufficient_quota" in (fault.code, fault.type):
        return False
    return fault.status_code in _PASSING_STATUSES or fault.status_code >= 500


def is_rate_limit(fault: Fault) -> bool:
    """Whether the endpoint says that it is asked too often."""
    return isinstance(fault, openai.RateLimitError)


def may_have_been_paid(fault: Fault) -> bool:
    """Whether an answer may have been written, and charged, that never came: on time-outs and broken connections."""
    if isinstance(fault, openai.APIStatusError):
        return False
    return not isinstance(fault.__cause__, NOT_CONNECTED)


def delay(fault: Fault, attempt: int) -> float:
    """Seconds to wait: what the endpoint asks for, or exponential; spread, so that workers do not return together."""
    asked = _retry_after(fault.response.headers) if isinstance(fault, openai.APIStatusError) else None
    if asked is not None:
        return asked + random.uniform(0, FIRST_DELAY)
    return random.uniform(0.5, 1) * min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds in a `Retry-After` header (RFC 9110: a number or a date in GMT), or in OpenAI's `retry-after-ms`."""
    milliseconds: str = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    value: str = headers.get("retry-after", "")
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())
