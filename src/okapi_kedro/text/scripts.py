"""Which script a text is written in."""

import unicodedata
from collections import Counter


def in_script(text: str, script: str) -> bool:
    """Whether at least half of the letters belong to a script; text without letters belongs to every script.

    Args:
        text: any text.
        script: as Unicode's names of its letters begin, such as DEVANAGARI.
    """
    letters = Counter(filter(str.isalpha, text))
    fitting = sum(count for letter, count in letters.items() if unicodedata.name(letter, "").startswith(script))
    return 2 * fitting >= letters.total()
