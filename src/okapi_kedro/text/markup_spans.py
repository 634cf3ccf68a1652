"""Code and markup in a text, as Markdown and HTML write them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

# Every pattern here and in protected_spans takes a bounded or possessive run, or starts where the last one ended: a
# megabyte of backticks, brackets or dollars costs one pass.


class Span(NamedTuple):
    """A part of a text that is no language.

    Args:
        start, end: its characters.
        kind: what it is.
        mark: the element that it opens, such as `div`, or closes, such as `/div`; empty for neither.
    """

    start: int
    end: int
    kind: str
    mark: str = ""


_FENCE_LINE = re.compile(
    r"^[ \t]*+(?:(?:[-*+>]|\d{1,3}[.)])[ \t]++){0,3}(?P<fence>`{3,}+|~{3,}+)(?P<info>[^`\n]{0,80}+)$", re.MULTILINE
)
_SENTENCE = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}+(?:[ ,]{1,2}[^\W\d_]{1,30}){3}")
"""Four words in a row, which code hardly has outside its comments and strings."""
_BACKTICKS = re.compile(r"(?P<ticks>`++)|\n[^\S\n]*+\n")
_QUOTED_PROSE = re.compile(r"\W{0,9}(?:[A-Z]?[a-z]{1,30}[ ,]{1,2}){6}")
"""The six words that code does not begin with, and a passage in ``quotes`` does."""
_RAW = re.compile(r"<(/?)(script|style|code|math)\b[^<>]*+>|(<\?)(?:php|xml|=)|\?>", re.IGNORECASE)
_BARE_ATTRIBUTE = (
    r"(?:allowfullscreen|async|autofocus|autoplay|checked|controls|defer|disabled|hidden|loop|multiple|muted|novalidate"
    r"|nowrap|open|readonly|required|reversed|selected)(?![\w-])"
)
_ATTRIBUTE = rf"""(?:[A-Za-z_:@#*(\[][\w:.@()\[\]-]*+\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'=<>`]++)|{_BARE_ATTRIBUTE})"""
_TAG = re.compile(
    rf"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]*+)(?P<attributes>(?:\s++{_ATTRIBUTE})*+)\s*+(?P<void>/?)>"
    r"|<!doctype\b[^<>]{0,200}+>|(?P<comment><!--|-->)",
    re.IGNORECASE,
)
_VOID = re.compile(r"area|base|w?br|hr|col|embed|img|input|link|meta|source|track")
# Those of HTML's names that are no English words; the others are tags only with an attribute or a closing tag, since
# `<title>` and `<address>` alone also stand for what a reader should fill in.
_CERTAIN = re.compile(
    r"[abipqsu]|abbr|bd[io]|blockquote|w?br|col(?:group)?|d[dlt]|del|div|em|fieldset|figcaption|h[1-6r]|html|iframe|img"
    r"|ins|kbd|[duo]l|li|nav|noscript|optgroup|pre|samp|span|strong|su[bp]|svg|t[dhrt]|t(?:body|foot|head)|textarea|var"
)
_BRACKETS = re.compile(
    r"!?\[|\](?:\((?=[^()\s]{0,400}[./#:])[^()\s]{1,2000}(?:\([^()\s]{0,100}\)[^()\s]{0,200})?"
    r"(?:[ \t]{1,4}\"[^\"\n]{0,200}\")?\))?|\n"
)
_DEFINITION = re.compile(r"^[ ]{0,3}\[[^\[\]\n]{1,60}\]:[ \t]{1,4}\S{1,2000}+[ \t]*+$", re.MULTILINE)


def fences(text: str) -> Iterator[Span]:
    """Blocks of code between lines of backticks or tildes, without the indentation of their first line.

    A fence of `markdown` may hold fences as long as itself. One that is never closed reaches to the end, as in
    CommonMark, unless it has no language and prose follows: then it is a lone mark.
    """
    lines = list(_FENCE_LINE.finditer(text))
    if not lines:
        return
    longest_after = _longest_closing_after(lines)
    last_sentence = max((match.start() for match in _SENTENCE.finditer(text)), default=-1)
    place = 0
    while place < len(lines):
        opening, info = lines[place], lines[place]["info"].strip()
        start, fence = opening.start("fence"), opening["fence"]
        # A run of tildes with words behind it is an ornament.
        if fence[0] == "~" and " " in info:
            place += 1
        elif longest_after[place].get(fence[0], 0) >= len(fence):
            closing = _closing(lines, place, nests=info.split(" ")[0].lower() in ("markdown", "md"))
            yield Span(start, lines[closing].end() if closing < len(lines) else len(text), "fence")
            place = closing + 1
        elif info or last_sentence < opening.end():
            yield Span(start, len(text), "fence")
            return
        else:
            yield Span(start, opening.end(), "fence")
            place += 1


def _closes(line: re.Match[str], fence: str) -> bool:
    return line["fence"].startswith(fence) and not line["info"].strip()


def _longest_closing_after(lines: list[re.Match[str]]) -> list[dict[str, int]]:
    """For each line of a fence, the longest bare fence after it, by character."""
    longest: dict[str, int] = {}
    after = []
    for line in reversed(lines):
        after.append(dict(longest))
        if not line["info"].strip():
            longest[line["fence"][0]] = max(longest.get(line["fence"][0], 0), len(line["fence"]))
    return after[::-1]


def _closing(lines: list[re.Match[str]], place: int, nests: bool) -> int:
    """The line that closes the fence which opens at a place, or the number of lines."""
    fence, depth = lines[place]["fence"], 1
    for number in range(place + 1, len(lines)):
        if _closes(lines[number], fence):
            depth -= 1
        elif nests and lines[number]["fence"].startswith(fence):
            depth += 1
        if not depth:
            return number
    return len(lines)


def inline_code(text: str) -> Iterator[Span]:
    """Code between equal numbers of backticks in one paragraph; ``quoted'' and `quoted' words are prose."""
    paragraphs: list[list[re.Match[str]]] = [[]]
    for match in _BACKTICKS.finditer(text):
        if match["ticks"]:
            paragraphs[-1].append(match)
        else:
            paragraphs.append([])
    for runs in paragraphs:
        yield from _code_between(text, runs)


def _code_between(text: str, runs: list[re.Match[str]]) -> Iterator[Span]:
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    for place in range(len(runs) - 1, -1, -1):
        waiting[runs[place][0]].append(place)
    end = 0
    for place, run in enumerate(runs):
        same = waiting[run[0]]
        same.pop()
        if place < end or not same:
            continue
        closing = runs[same[-1]]
        if _is_code(text[run.start() - 1 : run.start()], text[run.end() : closing.start()]):
            yield Span(run.start(), closing.end(), "code")
            end = same[-1] + 1


def _is_code(before: str, inside: str) -> bool:
    if _QUOTED_PROSE.match(inside) or (before.isascii() and before.isalnum()):
        return False
    # What only ends in a blank is the end of one quotation and the start of the next.
    return inside[:1].isspace() == inside[-1:].isspace()


def tags(text: str) -> Iterator[Span]:
    """Tags and the ends of comments; scripts, styles and code with what they hold."""
    opened: dict[str, int] = {}
    for match in _RAW.finditer(text):
        name = (match[2] or "?").lower()
        if match[3] or (match[2] and not match[1]):
            opened[name] = match.start()
        elif name in opened:
            yield Span(opened.pop(name), match.end(), "tag")
    matches = list(_TAG.finditer(text))
    closed = {match["name"].lower() for match in matches if match["close"]}
    commented = False
    for match in matches:
        name = (match["name"] or "").lower()
        if match["comment"]:
            if commented == (match["comment"] == "-->"):
                commented = not commented
                yield Span(match.start(), match.end(), "tag", "!--" if commented else "/!--")
        elif not name or match["void"] or (_VOID.fullmatch(name) and (match["attributes"] or _CERTAIN.fullmatch(name))):
            yield Span(match.start(), match.end(), "tag")
        elif match["close"]:
            yield Span(match.start(), match.end(), "tag", "/" + name)
        elif match["attributes"] or _CERTAIN.fullmatch(name) or name in closed:
            yield Span(match.start(), match.end(), "tag", name)


def links(text: str) -> Iterator[Span]:
    """The bracket before the text of a Markdown link or image, and what comes after it: target and title."""
    opened: list[re.Match[str]] = []
    for match in _BRACKETS.finditer(text):
        if match[0] == "\n":
            opened.clear()
        elif match[0].endswith("["):
            opened.append(match)
        elif opened:
            opening = opened.pop()
            if len(match[0]) > 1:
                yield Span(opening.start(), opening.end(), "link", "[")
                yield Span(match.start(), match.end(), "link", "/[")
    for match in _DEFINITION.finditer(text):
        yield Span(match.start(), match.end(), "link")
