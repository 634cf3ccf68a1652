import pytest

from okapi_kedro.teacher.ask import MalformedAnswer
from okapi_kedro.teacher.json_answer import read_json_object


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "b {c}", "d": [[2], [1]]}',
        '  {"a": "b {c}", "d": [[2], [1]]}\n',
        '```json\n{"a": "b {c}", "d": [[2], [1]]}\n```',
        'Sure, here is {the} object:\n\n{"a": "b {c}", "d": [[2], [1]]}\n\nAnything else?',
    ],
)
def test_the_object_is_found_through_fences_and_prose(text):
    assert read_json_object(text) == {"a": "b {c}", "d": [[2], [1]]}


def test_a_line_break_in_a_string_is_read():
    assert read_json_object('{"a": "one\ntwo"}') == {"a": "one\ntwo"}


def test_a_surrogate_pair_is_one_character():
    assert read_json_object(r'{"a": "\ud83d\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON object"),
        ("I cannot translate this.", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"a": {"b": "c"}, "d": "cut sho', "broken JSON"),
        ('{"a": {"b": "c"}', "broken JSON"),
        ("{'a': 'b'}", "no JSON object"),
        ('{"a": "b", "a": "c"}', "stands twice"),
        ('{"x": {"a": "b", "a": "c"}}', "stands twice"),
        ('Original: {"a": "dog"}\nTranslation: {"a": "Hund"}', "more than one"),
        (r'{"a": "\ud83d"}', "surrogate"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ' + "9" * 5000 + "}", "broken JSON"),
        ('{"a": ' + "[" * 100_000, "deep"),
    ],
)
def test_anything_else_is_malformed_with_a_reason(text, reason):
    with pytest.raises(MalformedAnswer, match=reason):
        read_json_object(text)
