"""A stored answer as a line of JSON, and its head: all but the text, read without parsing the line."""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from okapi_kedro.teacher.messages import Completion

PICODOLLARS = 10**12
"""In a dollar. Whole numbers, so that sums are exact: a token at $0.0375 a million costs 37,500."""

FIELDS = ("key", "model", "prompt_tokens", "completion_tokens", "usd", "finish_reason", "text")

_encode = json.JSONEncoder(ensure_ascii=False).encode
_HEAD = re.compile(
    rb'\{"key":"([0-9a-f]{64})","model":"((?:[^"\\]|\\.)*)","prompt_tokens":(\d+),"completion_tokens":(\d+),'
    rb'"usd":(null|\d[\d.e+-]*),"finish_reason":"'
)


class Head(NamedTuple):
    """What a line says beside its text.

    Args:
        key: the request's `completion_key`.
        model: who answered.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
        picodollars: price of the answer; None when unknown.
    """

    key: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    picodollars: int | None


class NewAnswer(NamedTuple):
    """An answer to be stored.

    Args:
        key: the request's `completion_key`.
        completion: what came.
        model: who answered.
        usd: what it cost; None when the price is unknown.
    """

    key: str
    completion: Completion
    model: str
    usd: float | None


def answer_line(key: str, completion: Completion, model: str, usd: float | None) -> bytes:
    """The line of an answer, with its line break."""
    price = "null" if usd is None else repr(float(usd))
    line = (
        f'{{"key":{_encode(key)},"model":{_encode(model)},"prompt_tokens":{completion.prompt_tokens},'
        f'"completion_tokens":{completion.completion_tokens},"usd":{price},'
        f'"finish_reason":{_encode(completion.finish_reason)},"text":{_encode(completion.text)}}}\n'
    )
    # Half a surrogate pair, which a cut answer may end in, fits in no file.
    return line.encode(errors="replace")


def read_head(line: bytes) -> Head | None:
    """The head of a line, without its line break; None when it is no whole answer."""
    match = _HEAD.match(line)
    if match is None or not line.endswith(b'"}'):
        return None
    key, model, prompt_tokens, completion_tokens, usd = match.groups()
    try:
        price = None if usd == b"null" else to_picodollars(float(usd))
        return Head(key.decode(), _unescaped(model), int(prompt_tokens), int(completion_tokens), price)
    except ValueError:
        return None


def to_picodollars(usd: float) -> int:
    """The price in whole picodollars, the nearest.

    Raises:
        ValueError: for what is no price: less than nothing, or more than there is.
    """
    if not 0 <= usd < 1e12:
        raise ValueError(f"{usd} is no price in dollars")
    return round(usd * PICODOLLARS)


@lru_cache
def _unescaped(model: bytes) -> str:
    name: str = json.loads(b'"' + model + b'"')
    return name
