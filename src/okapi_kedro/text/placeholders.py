"""Code, markup and formulas leave a text before it is translated, and return to their places after.

A piece is sent as `⟦7⟧`. Letters in a placeholder (`XXXA`, `{xx0xx}`) are known to be translated, transliterated or put
in another case, and tags (`<x7/>`), braces, underscores and single brackets are what the texts themselves are full of.
`⟦` and `⟧` are no letters of any script, mean nothing in Markdown, HTML, JSON or LaTeX, stay what they are in all of
Unicode's normal forms, and are a pair to its bidirectional algorithm, so that a placeholder keeps its shape within
right-to-left text. The number may come back in the digits of any script.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from okapi_kedro.text.markup_spans import Span
from okapi_kedro.text.protected_spans import USUAL_KINDS, Kind, find_spans, is_json

# Blanks and direction marks, which some languages set inside brackets.
_BLANK = r"[^\S\n\r]|[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
_NUMBER = rf"(?:{_BLANK}){{0,4}}(\d{{1,7}})(?:{_BLANK}){{0,4}}"
_SENT = re.compile(rf"[⟦〚]{_NUMBER}[⟧〛]")
_DOUBLED = re.compile(rf"\[\[{_NUMBER}\]\]|［［{_NUMBER}］］")
_FOREIGN = re.compile(rf"{_SENT.pattern}|{_DOUBLED.pattern}|[⟦⟧〚〛]")
"""What a text of its own may hold that looks like a placeholder: it is sent as a piece too."""
_INLINE = re.compile(r"/?(?:[abiqsu]|abbr|bd[io]|big|cite|dfn|em|font|kbd|mark|samp|small|span|strong|su[bp]|tt|var)")
_BROKEN = re.compile(r"[⟦⟧〚〛]")
MARK = re.compile(r"⟦(\d{1,7})⟧")
"""A placeholder as it is sent, with its number."""
_MARKUP = "`<>{}[]*|\\"
"""Characters that a translation of prose has no use for, so that more of them than before are markup."""
_DRESS = re.compile(r"[_$~#](?=⟦)|(?<=⟧)[_$~#]")
_ADDED_KINDS: tuple[Kind, ...] = ("fence", "maths", "url", "email")


class DamagedPiecesError(ValueError):
    """The pieces of a text did not all come back to a sensible place; the message is a short reason.

    One of: placeholder broken, placeholder invented, placeholder repeated, placeholder missing, markup added, lines
    changed, piece on another line, piece off its own line, tags crossed, JSON broken.
    """


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that is not translated.

    Args:
        kind: what it is; `marker` for what only looks like a placeholder.
        text: as it stands in the source.
        marks: the elements that it opens, such as `div`, and closes, such as `/div`, in their order.
    """

    kind: str
    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protected:
    """A text without its pieces.

    Args:
        masked: the text to translate, with a placeholder for each piece.
        pieces: in the order of the text.
        first: number of the first piece's placeholder; the others follow.
    """

    masked: str
    pieces: tuple[Piece, ...]
    first: int = 1


def protect(text: str, kinds: Collection[Kind] = USUAL_KINDS, first: int = 1) -> Protected:
    """Takes the pieces of some kinds out of a text.

    Args:
        text: any text; it may hold placeholders of its own.
        kinds: what is not translated.
        first: the number of the first placeholder.
    """
    parts: list[str] = []
    pieces: list[Piece] = []
    place = 0
    for spans in _together(text, _with_foreign(text, find_spans(text, kinds))):
        start, end = spans[0].start, spans[-1].end
        parts += [text[place:start], f"⟦{first + len(pieces)}⟧"]
        pieces.append(Piece(spans[0].kind, text[start:end], tuple(span.mark for span in spans if span.mark)))
        place = end
    return Protected("".join([*parts, text[place:]]), tuple(pieces), first)


def _with_foreign(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    place = 0
    for span in [*spans, Span(len(text), len(text), "")]:
        for match in _FOREIGN.finditer(text, place, span.start):
            yield Span(match.start(), match.end(), "marker")
        if span.kind:
            yield span
        place = span.end


def _together(text: str, spans: Iterable[Span]) -> Iterator[list[Span]]:
    """The spans, those that can go as one piece together."""
    group: list[Span] = []
    for span in spans:
        if group and not _adjoin(text, group[-1], span):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _adjoin(text: str, before: Span, after: Span) -> bool:
    """Whether two tags can go as one: `</td><td>`, or the next line's; `</b>` goes alone, since its words may move."""
    gap = text[before.end : after.start]
    if before.kind != "tag" or after.kind != "tag" or gap.strip() or (gap and "\n" not in gap):
        return False
    return not (_INLINE.fullmatch(before.mark) or _INLINE.fullmatch(after.mark))


def restore(protected: Protected, translated: str) -> str:
    """The translation with its pieces.

    Args:
        protected: the source.
        translated: what became of its masked text; the placeholders may be set with blanks inside, with other digits
            and with full-width or double square brackets.

    Raises:
        DamagedPiecesError: when a piece is not there exactly once in its place, or markup was added.
    """
    answer = with_marks_as_sent(protected, translated)
    for find_damage in (_miscounted, _added, _astray, _crossed):
        if reason := find_damage(protected, answer):
            raise DamagedPiecesError(reason)
    restored = _filled(protected, answer)
    if any(piece.kind == "json" for piece in protected.pieces) and not is_json(restored):
        raise DamagedPiecesError("JSON broken")
    return restored


def with_marks_as_sent(protected: Protected, translated: str) -> str:
    """A translation whose placeholders, whatever became of their brackets and digits, read as they were sent."""
    answer = _SENT.sub(lambda match: f"⟦{int(match[1])}⟧", translated)
    # A piece that has brackets of its own may also have lost its placeholder's: `[[1]]` for `[⟦1⟧]`.
    if "[⟦" not in protected.masked and "⟧]" not in protected.masked:
        answer = _DOUBLED.sub(lambda match: f"⟦{int(match[1] or match[2])}⟧", answer)
    return answer


def protect_row(fields: Mapping[str, str], kinds: Collection[Kind] = USUAL_KINDS) -> dict[str, Protected]:
    """The fields of a row without their pieces; numbers run on, so that no piece changes its field unnoticed."""
    row: dict[str, Protected] = {}
    first = 1
    for name, text in fields.items():
        row[name] = protect(text, kinds, first)
        first += len(row[name].pieces)
    return row


def to_translate(row: Mapping[str, Protected]) -> dict[str, str]:
    """The masked fields of a row that hold letters or numbers outside their pieces; none of a row without letters."""
    prose = {name: MARK.sub("", field.masked) for name, field in row.items()}
    if not any(map(str.isalpha, "".join(prose.values()))):
        return {}
    return {name: row[name].masked for name, text in prose.items() if any(map(str.isalnum, text))}


def restore_row(row: Mapping[str, Protected], translated: Mapping[str, str]) -> dict[str, str]:
    """All fields of a row, those that were not sent as they are in the source.

    Args:
        row: the source.
        translated: the translation of each field of `to_translate(row)`.

    Raises:
        DamagedPiecesError: with the name of the field before the reason.
    """
    sent = to_translate(row)
    fields = {}
    for name, field in row.items():
        try:
            fields[name] = restore(field, translated[name]) if name in sent else _filled(field, field.masked)
        except DamagedPiecesError as damage:
            raise DamagedPiecesError(f"{name}: {damage}") from None
    return fields


def _filled(protected: Protected, masked: str) -> str:
    return MARK.sub(lambda match: protected.pieces[int(match[1]) - protected.first].text, masked)


def _numbers(masked: str) -> list[int]:
    return [int(number) for number in MARK.findall(masked)]


def _miscounted(protected: Protected, answer: str) -> str | None:
    if _BROKEN.search(MARK.sub("", answer)):
        return "placeholder broken"
    found = Counter(_numbers(answer))
    sent = range(protected.first, protected.first + len(protected.pieces))
    if any(number not in sent for number in found):
        return "placeholder invented"
    if len(found) < found.total():
        return "placeholder repeated"
    return "placeholder missing" if len(found) < len(sent) else None


def _added(protected: Protected, answer: str) -> str | None:
    """Markup in the translation beside the pieces: a fence around it, a piece in bold, another address."""
    before, after = MARK.sub("", protected.masked), MARK.sub("", answer)
    if any(after.count(character) > before.count(character) for character in _MARKUP):
        return "markup added"
    if len(_DRESS.findall(answer)) > len(_DRESS.findall(protected.masked)):
        return "markup added"
    if Counter(_kinds(answer)) - Counter(_kinds(protected.masked)):
        return "markup added"
    return None


def _kinds(masked: str) -> list[str]:
    return [span.kind for span in find_spans(masked, _ADDED_KINDS)]


def _astray(protected: Protected, answer: str) -> str | None:
    """Pieces leave neither their line, blank ones not counted, nor one that is theirs alone, with its indentation."""
    if not protected.pieces:
        return None
    before, after = _lines(protected.masked), _lines(answer)
    if len(before) != len(after):
        return "lines changed"
    for source, line in zip(before, after, strict=True):
        if set(_numbers(source)) != set(_numbers(line)):
            return "piece on another line"
        if MARK.fullmatch(source.strip()) and source.rstrip() != line.rstrip():
            return "piece off its own line"
    return None


def _lines(masked: str) -> list[str]:
    return [line for line in masked.split("\n") if line.strip()]


_Mark = tuple[int, int]
"""The number of a piece and the place of a mark in it; -1 for the piece itself."""


class _Nesting(NamedTuple):
    """How the tags of a text hold its pieces.

    Args:
        around: for each piece and mark, the mark that opens the element it is in.
        opening: for each mark that closes an element, the one that opens it.
        with_text: the marks that open an element with words or numbers in it.
    """

    around: dict[_Mark, _Mark | None]
    opening: dict[_Mark, _Mark]
    with_text: set[_Mark]


def _crossed(protected: Protected, answer: str) -> str | None:
    """Tags stay around the pieces that they are around, close what they closed, and keep order and text between."""
    if not any(piece.marks or piece.kind == "tag" for piece in protected.pieces):
        return None
    before, after = _nesting(protected, protected.masked), _nesting(protected, answer)
    if before.around != after.around or before.opening != after.opening or not before.with_text <= after.with_text:
        return "tags crossed"
    for (source, had_text), (found, has_text) in zip(
        _blocks(protected, protected.masked), _blocks(protected, answer), strict=True
    ):
        if source != found or had_text > has_text:
            return "tags crossed"
    return None


def _blocks(protected: Protected, masked: str) -> Iterator[tuple[int, bool]]:
    """The tags that are no part of a sentence, in order, each with whether there is text between it and the last."""
    has_text = False
    parts = MARK.split(masked)
    for gap, number in zip(parts[::2], map(int, parts[1::2]), strict=False):
        has_text |= _has_text(gap)
        piece = protected.pieces[number - protected.first]
        if piece.kind == "tag" and not any(_INLINE.fullmatch(mark) for mark in piece.marks):
            yield number, has_text
            has_text = False


def _has_text(gap: str) -> bool:
    return any(character.isalnum() for character in gap)


def _nesting(protected: Protected, masked: str) -> _Nesting:
    nesting = _Nesting({}, {}, set())
    opened: list[tuple[_Mark, str, int]] = []
    names: Counter[str] = Counter()
    texts = 0
    parts = MARK.split(masked)
    for gap, number in zip(parts[::2], map(int, parts[1::2]), strict=False):
        texts += _has_text(gap)
        nesting.around[number, -1] = opened[-1][0] if opened else None
        for place, mark in enumerate(protected.pieces[number - protected.first].marks):
            name = mark.removeprefix("/")
            # Elements without an end, such as a list's items, end with what they are in.
            while mark != name and names[name]:
                start, open_name, texts_before = opened.pop()
                names[open_name] -= 1
                if open_name == name:
                    nesting.opening[number, place] = start
                    if texts > texts_before:
                        nesting.with_text.add(start)
                    break
            nesting.around[number, place] = opened[-1][0] if opened else None
            if mark == name:
                opened.append(((number, place), name, texts))
                names[name] += 1
    return nesting
