"""What is sent for a request, and by which key its answer is found again."""

import json

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.endpoint import Endpoint, UnreadableAnswer, read_completion, refusal
from okapi_kedro.teacher.messages import Request, Sampling

from .endpoint import Fault, request_for

SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}


def endpoint_of(**settings):
    return Endpoint(**{"model": "m", "base_url": "http://x/v1", "api_key": None, "timeout": 1.0, **settings})


def request_with(schema=None, temperature=0.0):
    return Request(({"role": "user", "content": "a"},), Sampling(temperature, 1.0, 9), schema=schema)


def test_only_the_offline_address_is_offline():
    assert endpoint_of(base_url="offline").is_offline
    assert not endpoint_of().is_offline


def test_a_schema_is_sent_only_where_the_endpoint_can_hold_the_model_to_it():
    request = request_with(SCHEMA)
    assert "response_format" not in endpoint_of().body(request)
    assert endpoint_of(response_format="json_object").body(request)["response_format"] == {"type": "json_object"}
    sent = endpoint_of(response_format="json_schema").body(request)["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
    assert "response_format" not in endpoint_of(response_format="json_schema").body(request_with())


def test_extra_fields_are_laid_over_the_body_and_null_leaves_one_out():
    extra = {"max_tokens": None, "max_completion_tokens": 9, "temperature": 1}
    body = endpoint_of(extra_body=extra).body(request_with())
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["temperature"]) == (9, 1)


def test_the_key_is_that_of_what_is_sent_and_of_nothing_else():
    first = endpoint_of().key(request_with())
    assert endpoint_of(base_url="https://y/v1", api_key="sk", timeout=9.0).key(request_with()) == first
    assert endpoint_of().key(request_with(temperature=0)) == first
    assert endpoint_of().key(request_with(SCHEMA)) == first
    others = [
        endpoint_of(model="n").key(request_with()),
        endpoint_of().key(request_with(temperature=0.5)),
        endpoint_of(response_format="json_schema").key(request_with(SCHEMA)),
        endpoint_of(response_format="json_object").key(request_with(SCHEMA)),
        endpoint_of(extra_body={"reasoning_effort": "low"}).key(request_with()),
    ]
    assert len({first, *others}) == 6


def test_a_request_that_the_endpoint_finds_too_long_is_an_empty_answer_and_stops_nobody(endpoint, teacher):
    body = {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}}

    def plan(payload, before):
        return Fault(400, json.dumps(body).encode()) if payload["messages"][-1]["content"] == "long" else None

    answers = teacher(endpoint(plan).base_url).complete([request_for("long"), request_for("short")], "s", "ne")
    assert [(each.text, each.finish_reason) for each in answers] == [
        ("", "context_length_exceeded"),
        ("trohs #0", "stop"),
    ]
    assert refusal("invalid_api_key") is None


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": None}]}])
def test_what_is_no_completion_is_not_read_as_one(body):
    with pytest.raises(UnreadableAnswer):
        read_completion(body)


def test_the_key_is_cut_out_of_what_the_endpoint_says():
    some = endpoint_of(api_key="sk-secret-1")
    assert some.without_key("bad key\nsk-secret-1 " + "x" * 500)[:20] == "bad key <key> xxxxxx"
    assert len(some.without_key("x" * 500)) == 300
    assert "sk-secret" not in repr(some)


@pytest.mark.parametrize("settings", [{"base_url": "x/v1"}, {"api_key": "sk\n1"}, {"api_key": "schlüssel"}])
def test_settings_that_nothing_could_be_sent_with_are_refused(settings):
    with pytest.raises(UserError):
        endpoint_of(**settings)
