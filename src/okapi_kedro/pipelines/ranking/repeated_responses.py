"""Responses that say the same as an earlier one to their prompt: no news for a ranking."""

from collections.abc import Sequence

from okapi_kedro.text.near_duplicates import near_duplicates
from okapi_kedro.text.tokens import unicode_tokens


def repeats(responses: Sequence[str], threshold: float) -> list[bool]:
    """Which responses to one prompt are equal to an earlier one, or have a ROUGE-L F with one above the threshold."""
    near = near_duplicates(responses, [str(k) for k in range(len(responses))], threshold, unicode_tokens)
    return [text in responses[:k] or str(k) in near for k, text in enumerate(responses)]
