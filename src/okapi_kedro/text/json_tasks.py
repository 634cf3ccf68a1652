"""Tasks that a teacher wrote as JSON objects, alone, in an array, one a line, in Markdown or in a broken frame."""

import json
from collections.abc import Iterator

# Openings that are no task are tried only so often, as each may be read to the end of the text.
_MOST_MISSES = 20
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)


def split_json_tasks(text: str) -> Iterator[tuple[str, dict[str, object] | None]]:
    """Every object with an instruction, with its keys in small letters, and, as None, the text around the objects."""
    read = start = misses = 0
    while misses < _MOST_MISSES and (start := text.find("{", start)) >= 0:
        found, end = _read_object(text, start)
        if "instruction" in found:
            yield text[read:start], None
            yield text[start:end], found
            read = start = end
        else:
            misses += 1
            start += 1
    yield text[read:], None


def _read_object(text: str, start: int) -> tuple[dict[str, object], int]:
    try:
        found, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return {}, start
    return {name.lower(): value for name, value in found.items()}, end
