"""The offline teacher as an OpenAI-compatible chat endpoint: in the process, or on loopback HTTP.

It is no translator and no language model. It answers three kinds of question about a small grammar of tasks (write
new ones, translate them, rank responses to them) by rules, and anything else by saying so. Equal requests have equal
answers.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

from okapi_kedro.teacher.offline import generation, ranking, translation
from okapi_kedro.teacher.offline.reply import Reply

MODEL = "offline-teacher"
NOTICE = (
    "I am the offline teacher of okapi-kedro, a stand-in for demonstrations and tests: no translator and no language "
    "model. I can only go on from numbered example tasks, translate the tasks of my small grammar, and rank responses "
    "to them."
)

Messages = Sequence[dict[str, str]]
_ANSWERERS: tuple[Callable[[Messages, random.Random], Reply | None], ...] = (
    ranking.reply,
    translation.reply,
    generation.reply,
)


def respond(payload: dict[str, object]) -> dict[str, object]:
    """The `chat.completion` object that answers a chat request.

    Args:
        payload: `model`, `messages` of role and content, optionally `seed`; other settings change nothing.

    Raises:
        ValueError: when `messages` is not a list of messages with text.
    """
    messages = _messages(payload.get("messages"))
    content = json.dumps([payload.get("model"), messages, payload.get("seed")], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    replies = (answer(messages, random.Random(digest)) for answer in _ANSWERERS)
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


def handle(method: str, path: str, body: bytes) -> tuple[int, dict[str, object]]:
    """The HTTP status and JSON body that answer an HTTP request."""
    if (method, path) == ("GET", "/v1/models"):
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "okapi-kedro"}
        return 200, {"object": "list", "data": [model]}
    if (method, path) != ("POST", "/v1/chat/completions"):
        return 404, _error(f"{method} {path}: there is only POST /v1/chat/completions and GET /v1/models")
    try:
        payload = json.loads(body)
        if not isinstance(payload, dict):
            raise ValueError("the body has to be a JSON object")
        return 200, respond(payload)
    except ValueError as error:
        return 400, _error(str(error))


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def transport() -> httpx2.MockTransport:
    """The offline teacher as the transport of an HTTP client, so that no socket is needed."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        status, body = handle(request.method, request.url.path, request.content)
        return httpx2.Response(status, json=body)

    return httpx2.MockTransport(answer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = handle(self.command, self.path, body)
        content = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a line for every request would bury everything else."""


def listen(port: int) -> ThreadingHTTPServer:
    """The server, bound to loopback but not yet answering; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), _Handler)


def serve(port: int) -> None:
    """Answers on loopback until interrupted."""
    with listen(port) as server:
        print(f"{NOTICE}\nbase_url: http://127.0.0.1:{server.server_port}/v1", flush=True)
        server.serve_forever()
