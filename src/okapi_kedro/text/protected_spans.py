"""The parts of a text that no translation may touch: code, markup, formulas, addresses, JSON and placeholders."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import pairwise
from typing import Literal, get_args

from okapi_kedro.text.markup_spans import Span, fences, inline_code, links, tags

Kind = Literal["json", "fence", "code", "maths", "link", "tag", "url", "email", "placeholder", "quoted"]
KINDS: tuple[Kind, ...] = get_args(Kind)
USUAL_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "quoted")
"""All but quoted strings, which are prose more often than not."""

_JSON_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?')
_PHRASE = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}+(?:[ ,;.!?'’-]{1,3}[^\W\d_]{1,30}){2}|[\u3040-\u30ff\u3400-\u9fff]{3}")
"""Three words in a row, or as many characters of a script that sets no spaces."""

_MATHS_MARK = re.compile(
    r"(?<!\\)(?:\\\\)*+\\(?P<bracket>[()\[\]])|\\(?P<edge>begin|end)\{(?P<environment>[A-Za-z]{1,30}\*?)\}"
)
_MATHS_ENVIRONMENT = re.compile(
    r"(?:align|aligned|alignat|array|cases|displaymath|eqnarray|equation|flalign|gather|gathered|lstlisting|math|multline"
    r"|split|tabular|tikzpicture|verbatim|[pbvBV]?matrix|smallmatrix)\*?"
)
_DOLLARS = re.compile(r"(?<!\\)\$++")
_NAME_START = re.compile(r"[A-Za-z0-9_{(]")
_TEXT_IN_MATHS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s?\{[^{}]{0,200}\}|\\[A-Za-z]++")
_WORDS = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,30}[ ,]{1,3}[^\W\d_]{2}|[^\W\d_\x00-\u02ff\u0370-\u03ff]{2}")
_FORMULA_SIGN = re.compile(r"[\\^_=<>≤≥≠≈∈∞√π+*·×{}]|\b[A-Za-z]\s?\(")
_VARIABLES = re.compile(
    r"\s*+(?:-?\d{0,6}[A-Za-zα-ωΑ-Ω]'{0,2}(?:\s?[,/:|-]\s?-?(?:\d{0,6}[A-Za-zα-ωΑ-Ω]'{0,2}|\d{1,6})){0,8}|-?\d{1,6})\s*+"
)
_LATEX_COMMAND = re.compile(
    r"\\(?!text|emph|underline|(?:sub)*section|chapter|paragraph|title|author|caption|footnote)[A-Za-z]{2,30}(?:\[[^\[\]\n]{0,60}\])?(?:\{[^{}\n]{0,100}\}){1,4}"
)

_URL_CHARACTER = r"[A-Za-zÀ-ɏ0-9\-._~:/?#@!$&'()*+,;=%{}]"
_URL = re.compile(
    rf"<(?i:https?|ftp)://[^<>\s]{{1,2000}}>|(?<![A-Za-z0-9])(?i:(?:https?|ftp)://|www\.(?=[a-z0-9])){_URL_CHARACTER}++"
    rf"|(?<![A-Za-z0-9@._/-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:com|org|net|edu|gov|io)(?![A-Za-z0-9@_-]|\.[a-z])"
    rf"(?:/{_URL_CHARACTER}*+)?"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}"
    r"(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}(?![A-Za-z0-9@_-])"
)
_PLACEHOLDER = re.compile(
    r"\$\{[A-Za-z_][\w.]{0,60}\}"
    r"|\{\{\s{0,3}[#/^>!&]?[A-Za-z_][\w. |]{0,60}\}\}"
    r"|(?<![\\^_A-Za-z])\{(?:(?:[A-Za-z_][\w.]{0,60}(?:\[[\w'\"]{1,30}\])?|\d{1,2})(?:![rsa])?(?::[^{}\s]{1,12})?)?\}"
    r"|%\([A-Za-z_]\w{0,60}\)[a-z]"
    r"|(?:(?<![\w%])|(?<=\\[nt]))(?<!\d )(?:%(?:\d{0,2}\.?\d{1,2})?l?[sdifguxcYmyHMSBbAIpj])++(?![^\W_]|')"
    r"|(?<![\w>])<[A-Z][A-Z0-9_]{1,30}(?:[ -][A-Z0-9_]{1,30}){0,5}>"
    r"|(?<!\w)\[[A-Z][A-Z0-9_]{1,30}(?:[ -][A-Z0-9_]{1,30}){0,5}\]"
)
_QUOTED = re.compile(r'"[^"\n]++"|“[^“”\n]++”')


def find_spans(text: str, kinds: Collection[Kind]) -> list[Span]:
    """The parts of a text that are of some kinds, in their order; none overlaps another.

    Args:
        text: any text.
        kinds: what to look for. Where two kinds overlap, the one that starts first, or is longer, wins.
    """
    found: list[Span] = []
    free = text
    for kind, finder in _FINDERS.items():
        if kind in kinds:
            spans = list(finder(free))
            free = _blanked(free, spans) if spans else free
            found += spans
    return list(_apart(found))


def _blanked(text: str, spans: Iterable[Span]) -> str:
    """A text of the same length where some spans say nothing."""
    parts, place = [], 0
    for span in _apart(spans):
        parts += [text[place : span.start], "\0" * (span.end - span.start)]
        place = span.end
    return "".join([*parts, text[place:]])


def _apart(spans: Iterable[Span]) -> Iterator[Span]:
    end = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            yield span
            end = span.end


def is_json(text: str) -> bool:
    """Whether a text is one JSON object or array."""
    if not text.strip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json(text: str) -> Iterator[Span]:
    """A whole text that is JSON, but for the values in it that are prose."""
    if not is_json(text):
        return
    start = 0
    for string in _JSON_STRING.finditer(text):
        if not string[2] and _PHRASE.search(string[1]):
            yield Span(start, string.start(1), "json")
            start = string.end(1)
    yield Span(start, len(text), "json")


def _maths(text: str) -> Iterator[Span]:
    """Formulas between dollars, in brackets and in environments of their own; other environments by their ends."""
    yield from _bracketed_maths(text)
    dollars = list(_DOLLARS.finditer(text))
    end = 0
    for first, second in pairwise(dollars):
        inside = text[first.end() : second.start()]
        if first.start() >= end and first[0] == second[0] and _between_dollars(text, first, second, inside):
            end = second.end()
            yield Span(first.start(), end, "maths")
    for match in _LATEX_COMMAND.finditer(text):
        if not _WORDS.search(match[0]):
            yield Span(match.start(), match.end(), "maths")


def _between_dollars(text: str, first: re.Match[str], second: re.Match[str], inside: str) -> bool:
    if len(first[0]) == 2:
        return "\n\n" not in inside and _is_formula(inside)
    before, after = text[first.start() - 1 : first.start()], text[second.end() : second.end() + 1]
    return (
        len(first[0]) == 1
        and "\n" not in inside
        and not _NAME_START.match(before)
        # $5 and $10; $x$y is no formula but a variable of a script.
        and not _NAME_START.match(after)
        and not inside[:1].isspace()
        and not inside[-1:].isspace()
        and _is_formula(inside)
    )


def _bracketed_maths(text: str) -> Iterator[Span]:
    opened: dict[str, re.Match[str]] = {}
    depth = 0
    for match in _MATHS_MARK.finditer(text):
        if environment := match["environment"]:
            if not _MATHS_ENVIRONMENT.fullmatch(environment):
                yield Span(match.start(), match.end(), "maths", ("/" if match["edge"] == "end" else "") + environment)
            elif match["edge"] == "begin":
                depth += 1
                opened.setdefault("environment", match)
            elif depth:
                depth -= 1
                if not depth:
                    yield Span(opened.pop("environment").start(), match.end(), "maths")
        elif match["bracket"] in "([":
            opened[match["bracket"]] = match
        elif opening := opened.pop("(" if match["bracket"] == ")" else "[", None):
            inside = text[opening.end() : match.start()]
            if "\n\n" not in inside and _is_formula(inside):
                yield Span(opening.end() - 2, match.end(), "maths")


def _is_formula(inside: str) -> bool:
    bare = _TEXT_IN_MATHS.sub(" ", inside)
    if "\0" in inside or not inside.strip() or _WORDS.search(bare):
        return False
    return _VARIABLES.fullmatch(inside) is not None or _FORMULA_SIGN.search(inside) is not None


def _urls(text: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        url = match[0]
        if not url.startswith("<"):
            unopened = "".join(close for opening, close in ("()", "{}") if opening not in url)
            url = url.rstrip(".,;:!?'*_~" + unopened)
        yield Span(match.start(), match.start() + len(url), "url")


def _matches(pattern: re.Pattern[str], kind: Kind) -> Callable[[str], Iterator[Span]]:
    return lambda text: (Span(match.start(), match.end(), kind) for match in pattern.finditer(text))


# In this order: a later kind is not looked for inside an earlier one.
_FINDERS: dict[Kind, Callable[[str], Iterator[Span]]] = {
    "json": _json,
    "fence": fences,
    "code": inline_code,
    "maths": _maths,
    "link": links,
    "tag": tags,
    "url": _urls,
    "email": _matches(_EMAIL, "email"),
    "placeholder": _matches(_PLACEHOLDER, "placeholder"),
    "quoted": _matches(_QUOTED, "quoted"),
}
