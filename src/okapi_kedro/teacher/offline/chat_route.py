"""Chat requests to the offline teacher over HTTP: answered, refused, or spoilt as the fault plan says."""

import asyncio
import hashlib
import json
import socket
import struct
from typing import Any

from aiohttp import web

from okapi_kedro.teacher.offline.fault_plan import FaultPlan, spoil_completion
from okapi_kedro.teacher.offline.ledger import ANSWERED, Ledger
from okapi_kedro.teacher.offline.server import error_body, read_payload, request_digest, respond

_JSON = {"Content-Type": "application/json"}
_REFUSALS = {
    "rate_limited": (429, "rate_limit_exceeded"),
    "rate_limited_with_delay": (429, "rate_limit_exceeded"),
    "server_error": (500, "server_error"),
    "overloaded": (503, "overloaded"),
    "quota_after": (429, "insufficient_quota"),
}


class ChatRoute:
    """Answers chat requests and counts them.

    Args:
        plan: what goes wrong, and when.
        latency: seconds that every answer takes.
        ledger: where the requests are counted.
    """

    def __init__(self, plan: FaultPlan, latency: float, ledger: Ledger) -> None:
        self._plan = plan
        self._latency = latency
        self._ledger = ledger

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The response to one request."""
        self._ledger.enter()
        try:
            return await self._receive(request, await request.read())
        finally:
            self._ledger.leave()

    async def _receive(self, request: web.Request, body: bytes) -> web.StreamResponse:
        try:
            payload = read_payload(body)
        except ValueError as error:
            number, _ = self._ledger.receive(hashlib.sha256(body).digest())
            return self._find_invalid(number, error)
        digest = request_digest(payload)
        number, before = self._ledger.receive(digest)
        delay = self._latency + self._plan.delay(digest, before)
        if delay:
            await asyncio.sleep(delay)
        fault = self._fault(digest, before)
        if fault == "refused_body":
            self._ledger.settle(number, fault)
            return _reset(request, web.Response())
        if fault == "not_a_completion":
            self._ledger.settle(number, fault)
            return web.json_response({"object": "status", "status": "fine"})
        if fault == "status" or fault in _REFUSALS:
            self._ledger.settle(number, fault)
            return refuse(self._plan, fault)
        try:
            completion = respond(payload)
        except ValueError as error:
            return self._find_invalid(number, error)
        return await self._send(request, number, completion, self._plan.answer_fault(digest), fault)

    def _find_invalid(self, number: int, error: ValueError) -> web.Response:
        self._ledger.settle(number, "invalid_request")
        return web.json_response(error_body(str(error)), status=400)

    def _fault(self, digest: bytes, before: int) -> str | None:
        if self._plan.status is not None:
            return "status"
        if self._plan.quota_is_used_up(self._ledger.answered):
            return "quota_after"
        return self._plan.transport_fault(digest, before)

    async def _send(
        self, request: web.Request, number: int, completion: dict[str, Any], spoilt: str | None, fault: str | None
    ) -> web.StreamResponse:
        """Hands over an answer, which from here on is billed."""
        self._ledger.bill(completion["usage"])
        content = json.dumps(spoil_completion(completion, spoilt)).encode()
        if fault == "stalled":
            await asyncio.sleep(self._plan.stall_seconds)
        if fault == "reset":
            self._ledger.settle(number, fault)
            return await _send_half(request, content)
        if fault == "broken_json":
            self._ledger.settle(number, fault)
            return web.Response(body=content[: len(content) // 2], headers=_JSON)
        if request.transport is None:
            self._ledger.settle(number, fault or "abandoned")
        else:
            self._ledger.settle(number, fault or spoilt or ANSWERED)
            self._ledger.deliver(completion["usage"])
        return web.Response(body=content, headers=_JSON)


def refuse(plan: FaultPlan, fault: str) -> web.Response:
    """The error response of a fault that is one."""
    status, code = (plan.status or 500, "refused") if fault == "status" else _REFUSALS[fault]
    headers = {"Retry-After": f"{plan.retry_after:g}"} if fault == "rate_limited_with_delay" else None
    return web.json_response(error_body(f"the fault plan says {fault}", code), status=status, headers=headers)


async def _send_half(request: web.Request, content: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={**_JSON, "Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    return _reset(request, response)


def _reset(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Ends the connection with a TCP reset; the response, which nobody gets, is what a handler has to return."""
    if request.transport is not None:
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
    return response
