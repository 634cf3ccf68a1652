"""The offline teacher as an OpenAI-compatible chat endpoint, without a socket.

It is no translator and no language model. It answers three kinds of question about a small grammar of tasks (write
new ones, translate them, rank responses to them) by rules, and anything else by saying so. As the model
`offline-rehearsal` it puts any text into words of the other language, without sense. Equal requests have equal answers.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import httpx2

from okapi_kedro.teacher.offline import generation, ranking, rehearsal, translation
from okapi_kedro.teacher.offline.reply import Reply

MODEL = "offline-teacher"
REHEARSAL = "offline-rehearsal"
"""The name under which it translates any text, into nonsense."""
MODELS = (MODEL, REHEARSAL)
"""None of them a language model: what they have a part in says so."""
NOTICE = (
    "I am the offline teacher of okapi-kedro, a stand-in for demonstrations and tests: no translator and no language "
    "model. I can only go on from numbered example tasks, translate the tasks of my small grammar, and rank responses "
    "to them. As model offline-rehearsal I put any text into words of another language, without sense."
)

Messages = Sequence[dict[str, str]]
Answerer = Callable[[Messages, random.Random], Reply | None]
_ANSWERERS: tuple[Answerer, ...] = (ranking.reply, translation.reply, generation.reply)
_REHEARSING: tuple[Answerer, ...] = (ranking.reply, rehearsal.reply, generation.reply)


def respond(payload: dict[str, Any]) -> dict[str, Any]:
    """The `chat.completion` object that answers a chat request.

    Args:
        payload: `model`, `messages` of role and content, optionally `seed`; other settings change nothing.

    Raises:
        ValueError: when `messages` is not a list of messages with text.
    """
    messages = _messages(payload.get("messages"))
    content = json.dumps([payload.get("model"), messages, payload.get("seed")], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    rng = random.Random(digest)
    answerers = _REHEARSING if payload.get("model") == REHEARSAL else _ANSWERERS
    replies = (answer(messages, rng) for answer in answerers)
    reply = next(filter(None, replies), Reply(NOTICE))
    prompt_tokens, completion_tokens = sum(_tokens(message["content"]) for message in messages), _tokens(reply.text)
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "system_fingerprint": "rule-based stand-in, no translator",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": reply.text},
                "logprobs": None,
                "finish_reason": reply.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _messages(value: object) -> Messages:
    if not isinstance(value, list) or not value:
        raise ValueError("messages has to be a list of at least one message")
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise ValueError("each message needs a content that is text")
    return value


def _tokens(text: str) -> int:
    """A rough count, four characters each: there is no tokenizer here to ask."""
    return (len(text) + 3) // 4


def read_payload(body: bytes) -> dict[str, Any]:
    """The chat request in an HTTP body.

    Raises:
        ValueError: when the body is no JSON object.
    """
    try:
        payload = json.loads(body)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    if not isinstance(payload, dict):
        raise ValueError("the body has to be a JSON object")
    return payload


def request_digest(payload: dict[str, Any]) -> bytes:
    """SHA-256 of a request's canonical JSON, which spaces and the order of keys do not change."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()).digest()


def handle(method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The HTTP status and JSON body that answer an HTTP request."""
    if (method, path) == ("GET", "/v1/models"):
        models = [{"id": id, "object": "model", "created": 0, "owned_by": "okapi-kedro"} for id in MODELS]
        return 200, {"object": "list", "data": models}
    if (method, path) != ("POST", "/v1/chat/completions"):
        return 404, error_body(f"{method} {path}: there is nothing here that answers this")
    try:
        return 200, respond(read_payload(body))
    except ValueError as error:
        return 400, error_body(str(error))


def error_body(message: str, code: str | None = None) -> dict[str, object]:
    """An error in OpenAI's form."""
    return {"error": {"message": message, "type": code or "invalid_request_error", "param": None, "code": code}}


def transport() -> httpx2.MockTransport:
    """The offline teacher as the transport of an HTTP client, so that no socket is needed."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        status, body = handle(request.method, request.url.path, request.content)
        # Escaped to ASCII, because half a surrogate pair, which a cut answer may end in, has no UTF-8.
        return httpx2.Response(status, content=json.dumps(body), headers={"Content-Type": "application/json"})

    return httpx2.MockTransport(answer)
