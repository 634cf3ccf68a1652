"""Responses that say the same as an earlier one are noticed, in any script."""

import pytest

from okapi_kedro.pipelines.ranking.repeated_responses import repeats


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        (["", "", "a"], [False, True, False]),
        (["?!", "?!", "!!"], [False, True, False]),
        (["Paris.", "paris", "Rome"], [False, True, False]),
        (["नेपाल राम्रो छ।", "नेपाल राम्रो छ", "भारत ठूलो छ।"], [False, True, False]),
        (["国王看见了鸟", "国王看见了鱼", "国王看见了鸟"], [False, False, True]),
        (["a b c d e f g h i j k", "a b c d e f g h i j", "a b c d e"], [False, True, False]),
        (["one", "two", "three", "four"], [False] * 4),
        ([], []),
    ],
)
def test_a_response_repeats_an_equal_or_nearly_equal_one_before_it(responses: list[str], expected: list[bool]) -> None:
    assert repeats(responses, 0.9) == expected
