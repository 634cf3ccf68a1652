"""A row that is too long for one answer goes in parts, each of them translated by itself."""

import re
from collections.abc import Iterator, Mapping, Sequence

from okapi_kedro.text.placeholders import MARK, Protected

_ENDS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？।])\s*"),
    re.compile(r"\s+"),
)
"""Where a text may be cut, the best first: after a paragraph, a line, a sentence, a word."""
Row = dict[str, Protected]


def cut_row(row: Mapping[str, Protected], most_characters: int) -> list[Row]:
    """The row in parts of some length; `join_parts` of their translations is the translation of the row.

    No placeholder is cut. JSON is only JSON as a whole, so a field that holds JSON stays in one part, and so does a
    word that is longer than a part.

    Args:
        row: the fields of a row, without their protected pieces.
        most_characters: of a part, in all its fields, placeholders included.
    """
    parts: list[Row] = [{}]
    room = most_characters
    for name, field in row.items():
        for piece in _cut(field, most_characters):
            if parts[-1] and (name in parts[-1] or len(piece.masked) > room):
                parts.append({})
                room = most_characters
            parts[-1][name] = piece
            room -= len(piece.masked)
    return parts


def join_parts(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The fields of a row, each put together from the parts."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: "".join(part.get(name, "") for part in parts) for name in names}


def _cut(field: Protected, most_characters: int) -> Iterator[Protected]:
    if len(field.masked) <= most_characters or any(piece.kind == "json" for piece in field.pieces):
        yield field
        return
    start, pieces = 0, 0
    while start < len(field.masked):
        end = _end(field.masked, start, most_characters)
        masked = field.masked[start:end]
        count = len(MARK.findall(masked))
        yield Protected(masked, field.pieces[pieces : pieces + count], field.first + pieces)
        start, pieces = end, pieces + count


def _end(text: str, start: int, most_characters: int) -> int:
    """Where the part that begins at `start` ends, no sooner than at half its length."""
    if len(text) - start <= most_characters:
        return len(text)
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, start + most_characters // 2, start + most_characters)]
        if ends:
            return ends[-1]
    blank = _ENDS[-1].search(text, start + most_characters)
    return blank.end() if blank else len(text)
