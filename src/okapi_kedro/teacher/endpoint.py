"""One chat endpoint: how it is reached, what is sent to it, and what comes back."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import openai
from openai import RequestOptions

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.http_client import HttpClient
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.offline.server import transport as offline_transport
from okapi_kedro.teacher.store import completion_key

OFFLINE = "offline"
NOT_CONNECTED = httpx2.ConnectError
"""Cause of a fault that came before anything was sent."""
ResponseFormat = Literal["none", "json_object", "json_schema"]

_REFUSED_REQUESTS = ("context_length_exceeded", "content_filter", "content_policy_violation")
"""Codes of a 400 that speak of one request alone, not of the settings that all requests share."""

_FIELD_HINT = "if it names a field, teacher.extra_body can leave it out or rename it"
_HINTS = {
    400: _FIELD_HINT,
    401: "check the API key in credentials",
    403: "the API key may not use this",
    404: "check teacher.model and teacher.base_url",
    422: _FIELD_HINT,
}


_OPTIONS: RequestOptions = {
    "headers": {},
    "max_retries": 0,
    "params": {},
    "security": {"bearer_auth": True},
}
"""What the SDK would also take by default; it copies a default deeply for every request."""


class UnreadableAnswer(Exception):  # noqa: N818  (a property of an answer)
    """The endpoint said 200 and sent something that is no chat completion."""


Fault = openai.APIError | TimeoutError | json.JSONDecodeError | UnicodeDecodeError | UnreadableAnswer
_FAULTS = (openai.APIError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError, UnreadableAnswer)


@dataclass(frozen=True, repr=False)
class Endpoint:
    """An OpenAI-compatible chat endpoint and one model there.

    Args:
        model: name of the model at the endpoint.
        base_url: address up to and without `/chat/completions`; `offline` is the embedded offline teacher.
        api_key: None for an endpoint that asks for none.
        timeout: seconds that one request may take in all.
        response_format: how the endpoint holds the model to a request's JSON schema; `none` where it cannot.
        extra_body: fields laid over the body of every request; a field that is None is left out.

    Raises:
        UserError: for settings that no request could be sent with.
    """

    model: str
    base_url: str
    api_key: str | None
    timeout: float
    response_format: ResponseFormat = "none"
    extra_body: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.is_offline and not (self.base_url or "").startswith(("http://", "https://")):
            raise UserError(f"teacher.base_url {self.base_url!r}: give an http(s) address, or {OFFLINE!r}")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise UserError("the teacher's API key holds a line break or another character that no key has")

    def __repr__(self) -> str:
        return f"Endpoint(model={self.model!r}, base_url={self.base_url!r})"

    @property
    def is_offline(self) -> bool:
        return self.base_url == OFFLINE

    def connect(self) -> openai.AsyncOpenAI:
        """A client of the endpoint that repeats nothing by itself."""
        return openai.AsyncOpenAI(
            base_url=self._address,
            # Without a key the SDK would take one from the environment, and send it to whatever base_url names.
            api_key=self.api_key or "none",
            timeout=self.timeout,
            max_retries=0,
            http_client=self._http_client(),
        )

    @property
    def _address(self) -> str:
        return "http://offline/v1" if self.is_offline else self.base_url.rstrip("/")

    def _http_client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=offline_transport()) if self.is_offline else HttpClient(self.timeout)

    def body(self, request: Request) -> dict[str, object]:
        """The JSON that is sent for a request."""
        body = {
            "model": self.model,
            "messages": request.messages,
            "temperature": float(request.sampling.temperature),
            "top_p": float(request.sampling.top_p),
            "max_tokens": request.sampling.max_tokens,
            "seed": request.sample,
            **self._format(request.schema),
        }
        if self.extra_body:
            body.update(self.extra_body)
            return {name: value for name, value in body.items() if value is not None}
        return body

    def _format(self, schema: Mapping[str, object] | None) -> dict[str, object]:
        if schema is None or self.response_format == "none":
            return {}
        if self.response_format == "json_object":
            return {"response_format": {"type": "json_object"}}
        named = {"name": "answer", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}

    def key(self, request: Request) -> str:
        """The content address of the answer to a request: everything that is sent, and neither address nor API key."""
        return completion_key(self.body(request))

    async def send(self, client: openai.AsyncOpenAI, request: Request) -> Completion | Fault:
        """Sends one request once."""
        address, body = f"{self._address}/chat/completions", self.body(request)
        try:
            async with asyncio.timeout(self.timeout):
                # Plain `post` leaves out the SDK's typed request and response, most of its CPU time per request.
                answer = await client.post(address, body=body, cast_to=httpx2.Response, options=_OPTIONS)
            return read_completion(json.loads(answer.content))
        except openai.BadRequestError as fault:
            return refusal(fault.code) or fault
        except _FAULTS as fault:
            return fault

    def cause(self, fault: Fault) -> str:
        """The fault in one line, without the key, which some endpoints repeat in their messages."""
        return f"teacher {self.model} at {self.base_url}: {self.without_key(_describe(fault, self.timeout))}"

    def without_key(self, text: str) -> str:
        """At most 300 characters of a text from the endpoint, on one line and without the API key."""
        line = " ".join(text.split())
        return (line.replace(self.api_key, "<key>") if self.api_key else line)[:300]


def read_completion(body: object) -> Completion:
    """The completion in a `chat.completion` object.

    Raises:
        UnreadableAnswer: when it is something else.
    """
    try:
        answer: Any = body
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        text = choice["message"]["content"] or ""
        return Completion(
            # Half a surrogate pair, which a cut answer may end in, fits in no file.
            text=text.encode(errors="replace").decode(),
            finish_reason=str(choice.get("finish_reason") or "stop"),
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
        )
    except (AttributeError, IndexError, KeyError, TypeError):
        raise UnreadableAnswer(f"what it sent is no chat completion: {body}") from None


def refusal(code: str | None) -> Completion | None:
    """The empty answer that stands for a 400 which concerns one request alone, such as a text that is too long."""
    return Completion("", code, 0, 0) if code in _REFUSED_REQUESTS else None


def _describe(fault: Fault, timeout: float) -> str:
    if isinstance(fault, openai.APIStatusError):
        said = fault.body.get("message", fault.body) if isinstance(fault.body, dict) else fault.response.text
        hint = _HINTS.get(fault.status_code)
        return f"{fault.status_code} {said}" + (f" ({hint})" if hint else "")
    if isinstance(fault, openai.APIConnectionError) and isinstance(fault.__cause__, NOT_CONNECTED):
        return f"no connection: {fault.__cause__}"
    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(fault, openai.APIConnectionError):
        return f"the connection broke: {fault.__cause__ or fault}"
    if isinstance(fault, ValueError):
        return f"what it sent is broken: {fault}"
    return str(fault)
