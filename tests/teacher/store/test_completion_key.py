import pytest

from okapi_kedro.teacher.store import completion_key

BODY = {
    "model": "m",
    "messages": ({"role": "user", "content": "नमस्ते \ud83d"},),
    "temperature": 0.5,
    "top_p": 1.0,
    "max_tokens": 100,
    "seed": 3,
}


def schema_body(**properties):
    return {**BODY, "response_format": {"type": "json_schema", "json_schema": {"properties": properties}}}


def test_the_key_is_the_same_in_every_process_and_version():
    # Pinned: another key for the same request would pay for every stored answer again.
    assert completion_key(BODY) == "9bb075d78e637d2a585d57d5ca9586cfead11e75c1809aedb851e69dde0fd49d"


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"messages": ({"role": "user", "content": "a"},)},
        {"messages": ({"role": "system", "content": "नमस्ते \ud83d"},)},
        {"messages": BODY["messages"] * 2},
        {"temperature": 0.6},
        {"top_p": 0.9},
        {"max_tokens": 99},
        {"seed": 4},
        {"response_format": {"type": "json_object"}},
        {"reasoning_effort": "low"},
    ],
)
def test_the_key_depends_on_everything_that_is_sent(change):
    assert completion_key({**BODY, **change}) != completion_key(BODY)


def test_the_order_of_fields_does_not_matter_except_in_a_schema():
    reordered = {name: BODY[name] for name in reversed(BODY)}
    reordered["messages"] = tuple(dict(reversed(message.items())) for message in BODY["messages"])
    assert completion_key(reordered) == completion_key(BODY)
    one, two = {"type": "string"}, {"type": "integer"}
    assert completion_key(schema_body(a=one, b=two)) != completion_key(schema_body(b=two, a=one))
    assert completion_key(schema_body(a=one)) == completion_key(schema_body(a=dict(one)))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_cannot_be_sent_is_an_error(number):
    with pytest.raises(ValueError, match=r"cannot be sent.*not JSON compliant"):
        completion_key({**BODY, "temperature": number})
