"""What the answers behind one language's tables have cost."""

from collections.abc import Iterable

from okapi_kedro.teacher.store import Spending

SHARED_STAGE = "generation"
"""Asks for the English instructions, which all languages share."""


def spending_of(language: str, spending: Iterable[Spending]) -> list[Spending]:
    """The spending for a language, with that for what all languages share.

    Args:
        language: code of the language.
        spending: of a whole store.
    """
    return [each for each in spending if each.language == language or each.stage == SHARED_STAGE]
