"""A chat endpoint on loopback that misbehaves as told and counts what it is asked, and requests to send it."""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import okapi_kedro
from okapi_kedro.teacher.account import Account, Price
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint as ChatEndpoint
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore

KEY = "sk-very-secret-4711"
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=100)


@dataclass(frozen=True)
class Fault:
    """A status with a body, or without a status a connection that is reset after `content`.

    Args:
        pause: seconds between any two bytes of the body.
    """

    status: int | None
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Fault:
    content = json.dumps({"error": {"message": message, "type": code, "code": code, "param": None}}).encode()
    return Fault(status, content, {name.replace("_", "-"): value for name, value in headers.items()})


def answer_text(payload: dict[str, Any]) -> str:
    return f"{payload['messages'][-1]['content'][::-1]} #{payload['seed']}"


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: clients here are killed and time out on purpose."""


class Endpoint:
    """Answers a message by its text reversed and the seed, except where the plan has a fault.

    Args:
        plan: the fault for a request, given the payload and how often the same payload came before; None for none.
    """

    def __init__(self, plan: Callable[[dict[str, Any], int], Fault | None]) -> None:
        self.plan = plan
        self.asked: list[dict[str, Any]] = []
        self.answered: list[dict[str, Any]] = []
        self.finished_faults: list[Fault] = []
        self.authorizations: set[str | None] = set()
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.server = QuietServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with endpoint.lock:
                    before = endpoint.asked.count(payload)
                    endpoint.asked.append(payload)
                    endpoint.authorizations.add(self.headers["Authorization"])
                    endpoint.in_flight += 1
                    endpoint.most_in_flight = max(endpoint.most_in_flight, endpoint.in_flight)
                try:
                    fault = endpoint.plan(payload, before)
                finally:
                    with endpoint.lock:
                        endpoint.in_flight -= 1
                if fault is None:
                    self._send(Fault(200, completion_body(payload), {"Content-Type": "application/json"}))
                    endpoint.answered.append(payload)
                else:
                    self._send(fault)
                    endpoint.finished_faults.append(fault)

            def _send(self, fault: Fault) -> None:
                if fault.status is None:
                    self.connection.sendall(fault.content)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                self.send_response(fault.status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(fault.content)),
                    **fault.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [fault.content] if not fault.pause else map(bytes, zip(fault.content, strict=True)):
                    time.sleep(fault.pause)
                    self.wfile.write(piece)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def completion_body(payload: dict[str, Any]) -> bytes:
    return json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"content": answer_text(payload)}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
    ).encode()


def teacher_at(
    base_url: str,
    folder: Path,
    *,
    model: str = "m",
    api_key: str | None = KEY,
    timeout: float = 10.0,
    concurrency: int = 4,
    retries: int = 3,
    price: Price | None = None,
    budget_usd: float | None = None,
    max_requests: int | None = None,
    pace: Pace | None = None,
    **form: Any,
) -> Teacher:
    """A teacher with a store in a folder; `form` is what else its endpoint takes."""
    store = CompletionStore(folder)
    return Teacher(
        ChatEndpoint(model, base_url, api_key, timeout, **form),
        store,
        Account(price, budget_usd, max_requests, store),
        pace or Pace(None, None),
        concurrency,
        retries,
    )


def request_for(text: str, sample: int = 0) -> Request:
    return Request(({"role": "user", "content": text},), SAMPLING, sample)


def environment() -> dict[str, str]:
    """The environment in which another process imports the same code as this one."""
    return {**os.environ, "PYTHONPATH": str(Path(okapi_kedro.__file__).parents[1])}
