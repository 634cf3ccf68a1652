"""Share of generated answers that say exactly what the reference says."""

import unicodedata
from collections.abc import Sequence

from okapi_kedro.errors import UserError


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Share of predictions equal to their reference after NFC and with every run of white space as one space.

    Its standard error is `standard_error(share, len(predictions))`.

    Args:
        predictions: generated texts.
        references: the right texts, in the same order.

    Raises:
        UserError: when there is nothing to compare or the two do not pair up.
    """
    if not predictions or len(predictions) != len(references):
        raise UserError(f"exact match needs pairs: {len(predictions)} predictions, {len(references)} references")
    pairs = zip(predictions, references, strict=True)
    return sum(_normalised(prediction) == _normalised(reference) for prediction, reference in pairs) / len(predictions)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
