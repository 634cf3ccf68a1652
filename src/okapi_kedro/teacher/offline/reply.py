"""What each part of the offline teacher hands to the server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """One answer: its text, and `stop` or `length` for how it ended."""

    text: str
    finish_reason: str = "stop"
