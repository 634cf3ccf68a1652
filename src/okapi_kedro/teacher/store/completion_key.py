"""The content address of an answer."""

import hashlib
import json
from collections.abc import Mapping


def completion_key(body: Mapping[str, object]) -> str:
    """The SHA-256 of what is sent for an answer, however its fields are ordered.

    Args:
        body: the JSON of the request; neither address nor API key is part of it.

    Raises:
        ValueError: for a number that JSON has no word for, such as a temperature of NaN.
    """
    try:
        canonical = _canonical(body)
    except ValueError as error:
        raise ValueError(f"a request cannot be sent: {error}") from error
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(body: Mapping[str, object]) -> str:
    # Only the order in a schema matters: endpoints write an answer's fields in it.
    fields = [
        json.dumps({name: body[name]}, sort_keys=name != "response_format", separators=(",", ":"), allow_nan=False)
        for name in sorted(body)
    ]
    return "\n".join(fields)
