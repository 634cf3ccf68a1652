"""How near generated answers come to references, by their characters, which needs no words and so no tokenizer."""

from collections.abc import Sequence

from sacrebleu.metrics.chrf import CHRF

_CHRF = CHRF(char_order=6, word_order=0, beta=2)


def chrf(response: str, references: Sequence[str]) -> float:
    """The character n-gram F-score of a response with the nearest of its references, 0 to 100.

    F = 5 P R / (4 P + R): recall weighs twice as much as precision (beta = 2); P and R are the means over n = 1 to 6 of
    the shares of n-grams, white space left out, that the texts have in common.

    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"; computed by sacrebleu.
    """
    return float(_CHRF.sentence_score(response, references).score)
