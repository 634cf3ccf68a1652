"""Half surrogate pairs, which a cut or broken text may hold and no file can."""


def without_half_pairs(text: str) -> str:
    """The text with a question mark in the place of every half of a surrogate pair."""
    return text.encode(errors="replace").decode()
