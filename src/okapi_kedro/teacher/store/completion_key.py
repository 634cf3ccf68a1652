"""The content address of an answer."""

import hashlib
import json
from collections.abc import Mapping

_ORDERED = ("response_format",)
"""Only the order in a schema matters: endpoints write an answer's fields in it."""
_AS_IS = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_SORTED = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True).encode


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
    return "\n".join((_AS_IS if name in _ORDERED else _SORTED)({name: body[name]}) for name in sorted(body))
