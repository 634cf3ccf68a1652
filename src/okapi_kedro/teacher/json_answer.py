"""Asks for a JSON object and reads it, also when the teacher wrapped it in Markdown or a sentence."""

import json
import re
from collections.abc import Iterable

from okapi_kedro.teacher.ask import MalformedAnswer

_OBJECT_OPENS = re.compile(r'\{\s*["}]')


def object_schema(properties: dict[str, object]) -> dict[str, object]:
    """The JSON schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def text_fields_schema(names: Iterable[str]) -> dict[str, object]:
    """The JSON schema of an object whose values are texts under these names."""
    return object_schema({name: {"type": "string"} for name in names})


def read_json_object(text: str) -> dict[str, object]:
    """The one JSON object that an answer holds.

    Line breaks inside strings are accepted, as many models write them so.

    Raises:
        MalformedAnswer: without an object, with a broken one, with several, with a key that stands twice, or with
            half a surrogate pair, which no file could hold.
    """
    opening = _OBJECT_OPENS.search(text)
    if opening is None:
        raise MalformedAnswer("no JSON object")
    try:
        found, end = _DECODER.raw_decode(text, opening.start())
        json.dumps(found, ensure_ascii=False).encode()
    except MalformedAnswer:
        raise
    except UnicodeEncodeError:
        raise MalformedAnswer("JSON holds half a surrogate pair") from None
    except ValueError as error:
        raise MalformedAnswer(f"broken JSON: {error}") from None
    except RecursionError:
        raise MalformedAnswer("JSON is nested too deep") from None
    if _OBJECT_OPENS.search(text, end):
        raise MalformedAnswer("more than one JSON object")
    answer: dict[str, object] = found
    return answer


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedAnswer("a JSON key stands twice")
    return found


def _no_constant(name: str) -> object:
    raise MalformedAnswer(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_no_constant, strict=False)
