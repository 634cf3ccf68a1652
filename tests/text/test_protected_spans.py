"""What is protected, and what is prose and is not."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okapi_kedro.text.protected_spans import KINDS, USUAL_KINDS, Kind, find_spans

ATOMS = st.sampled_from(
    [
        *"`~$\\()[]{}<>/!-_*%\"'|#@.:,\n\t\0 1aéñन中ب⟦⟧",
        *("```", "~~~", "```py\n", "$$", "\\(", "\\)", "\\[", "\\begin{align}", "\\end{align}", "<b>", "</b>", "<br/>"),
        *(
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<?",
            "?>",
            "{x}",
            "${V}",
            "%s",
            "[N N]",
            "https://e.org/",
            "a@b.org",
        ),
        *("](x.png)", "![", "word ", '{"a":', "⟦1⟧", "[[2]]", "\r\n", "\u2028", "\ud800"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(ATOMS, max_size=60).map("".join))


def found(text: str, kinds: tuple[Kind, ...] = USUAL_KINDS) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_spans(text, kinds)]


@pytest.mark.parametrize(
    ("text", "kind", "piece"),
    [
        ("A:\n```python\nx = 1\n```\nB", "fence", "```python\nx = 1\n```"),
        ("A:\n  ~~~\n  x\n  ~~~ \nB", "fence", "~~~\n  x\n  ~~~ "),
        ("````\n```\nx\n```\n````\nB", "fence", "````\n```\nx\n```\n````"),
        ("```markdown\n```py\nx\n```\n```\nB", "fence", "```markdown\n```py\nx\n```\n```"),
        ("- ```\n  x\n  ```\nB", "fence", "```\n  x\n  ```"),
        ("A\n```python\nx = 1", "fence", "```python\nx = 1"),
        ("A\n```\nx = 1", "fence", "```\nx = 1"),
        ("A\n```\nThe story goes on from here.", "fence", "```"),
        ("A\r\n```\r\nx\r\n```\r\nB", "fence", "```\r\nx\r\n```\r"),
        ("Run `x` now", "code", "`x`"),
        ("Run ``a ` b`` now", "code", "``a ` b``"),
        ("Run ```x = 1``` now", "code", "```x = 1```"),
        ("运行`x`函数", "code", "`x`"),
        ("`a = 1\nprint(a)` is code", "code", "`a = 1\nprint(a)`"),
        ("so $x^2 = 4$.", "maths", "$x^2 = 4$"),
        ("so $n$ and so", "maths", "$n$"),
        ("$(7+1)\\times5$", "maths", "$(7+1)\\times5$"),
        ("$v = \\text{speed of light}$.", "maths", "$v = \\text{speed of light}$"),
        ("A\n$$\nx = 1\n$$\nB", "maths", "$$\nx = 1\n$$"),
        ("so \\(a_1\\) is", "maths", "\\(a_1\\)"),
        ("so \\[a = 1\\] is", "maths", "\\[a = 1\\]"),
        ("\\begin{align}\\begin{cases}1\\end{cases}\\end{align} B", "maths", None),
        ("about \\frac{1}{2} of it", "maths", "\\frac{1}{2}"),
        ("see https://example.org/a_(b)?c=1&d=2.", "url", "https://example.org/a_(b)?c=1&d=2"),
        ("(see http://example.org/a).", "url", "http://example.org/a"),
        ("at www.example.org, there", "url", "www.example.org"),
        ("at shop.example.com/x today", "url", "shop.example.com/x"),
        ("见https://example.org/a。好", "url", "https://example.org/a"),
        ("see <https://example.org> now", "url", "<https://example.org>"),
        ("write to a.b+c@mail.example.org.", "email", "a.b+c@mail.example.org"),
        ("联系a@example.org。", "email", "a@example.org"),
        ("Dear {name},", "placeholder", "{name}"),
        ("Dear {{ user.name }},", "placeholder", "{{ user.name }}"),
        ("Dear {0},", "placeholder", "{0}"),
        ("Dear {0:>9},", "placeholder", "{0:>9}"),
        ("Dear {},", "placeholder", "{}"),
        ("has %d", "placeholder", "%d"),
        ("has %(count)d", "placeholder", "%(count)d"),
        ("has %5.2f", "placeholder", "%5.2f"),
        ("has ${PATH}", "placeholder", "${PATH}"),
        ("Dear <NAME>,", "placeholder", "<NAME>"),
        ("Dear [FULL NAME],", "placeholder", "[FULL NAME]"),
        ("a<br />b", "tag", "<br />"),
        ("a <img src=\"a>b.png\" alt='x' hidden> b", "tag", "<img src=\"a>b.png\" alt='x' hidden>"),
        ("a <script>if (a < b) {}</script> b", "tag", "<script>if (a < b) {}</script>"),
        ("a <?php echo 1; ?> b", "tag", "<?php echo 1; ?>"),
        ("<!DOCTYPE html> b", "tag", "<!DOCTYPE html>"),
        ("What is the <div> tag?", "tag", "<div>"),
    ],
)
def test_a_piece_is_found_whole_and_alone(text: str, kind: str, piece: str | None) -> None:
    assert found(text) == [(kind, piece or text.removesuffix(" B"))]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "From $600-$800, or US$5/CA$7, $1.50/pound, $2.00/pound.",
        "\\(as they all said = so\\), $one of them = two$",
        "$area = $length * $width; f($a,$b)",
        "``old style'' and `this' and `that' are quotes",
        "``As he walked through the quiet city, it rained.`` A passage.",
        "Don`t say it`s so",
        "if a < b and c > d, x<p and q>y, List<String>, i <3 u",
        "<Image of a red bird>, <title page>, <name>, <no input>",
        "[Your Name], [sic], [1], array[i](x), [A], - [ ] to do",
        "{not a slot}, {1, 2, 3}, { }, x^{2}, x_{10}",
        "100% sure, 50%discount, 5 % d'or, 20 %s, a%b",
        "me @ home, @handle, P@ssw0rd, name@server",
        "e.g. this.That and so.on, www. is short",
        "~~~ An ornament with words ~~~",
        "\\textbf{some bold words} and \\section{Start} and C:\\new",
        "\\(see the note below\\) and \\[as they all said\\]",
        "a --> b --> c",
        '"Just a string", \'another\', 42, "x": 1',
        '["open", ',
        "पाठ, 文本, نص, текст",
    ],
)
def test_prose_is_not_protected(text: str) -> None:
    assert found(text) == []


def test_tags_go_and_the_text_between_them_stays() -> None:
    text = '<title>A page</title><p class="x">One <b>two</b></p><!-- a note -->'
    kept = ["<title>", "</title>", '<p class="x">', "<b>", "</b>", "</p>", "<!--", "-->"]
    assert found(text) == [("tag", tag) for tag in kept]


def test_of_a_link_the_target_goes_and_the_text_stays() -> None:
    text = '[![a map](m.png "Map")](https://e.org/x) and [two](#b)\n\n[1]: https://e.org/1'
    pieces = ["[", "![", '](m.png "Map")', "](https://e.org/x)", "[", "](#b)", "[1]: https://e.org/1"]
    assert found(text) == [("link", piece) for piece in pieces]


def test_an_environment_of_prose_loses_only_its_ends() -> None:
    text = "\\begin{itemize} one thing \\end{itemize}"
    assert found(text) == [("maths", "\\begin{itemize}"), ("maths", "\\end{itemize}")]


def test_a_json_value_goes_whole_but_for_its_prose() -> None:
    assert found('[1, {"a b c d": "New York"}]\n') == [("json", '[1, {"a b c d": "New York"}]\n')]
    assert found('{"a": "She reads a book."}') == [("json", '{"a": "'), ("json", '"}')]
    assert found('{"a": 1} and more') == []


def test_quoted_strings_are_protected_only_when_asked_for() -> None:
    text = 'Say "so it is" and “so be it”.'
    assert found(text) == []
    assert found(text, ("quoted",)) == [("quoted", '"so it is"'), ("quoted", "“so be it”")]


@pytest.mark.parametrize(("kind", "text"), [("fence", "```py\nx\n```"), ("url", "http://a.org"), ("json", "[1]")])
def test_a_kind_that_is_not_asked_for_stays(kind: Kind, text: str) -> None:
    assert found(text) == [(kind, text)]
    assert kind not in [kind for kind, _ in found(text, tuple(other for other in KINDS if other != kind))]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_spans_of_any_text_are_in_order_and_apart(text: str) -> None:
    spans = find_spans(text, KINDS)
    assert all(span.start < span.end <= len(text) for span in spans)
    assert all(first.end <= second.start for first, second in pairwise(spans))


@pytest.mark.parametrize(
    "atom",
    [
        *(
            "`",
            "``a ",
            "$",
            "$a ",
            "[",
            "](",
            "[a](b.c",
            "{",
            "<",
            '<a b="',
            "<!--",
            "</i></b>",
            "<i><b>",
            "```\n",
            "```a\n",
        ),
        *(
            "\\",
            "\\(",
            "\\begin{align}",
            "a@b.",
            "a.",
            "www.",
            "https://(",
            '"',
            "“",
            "<script>",
            '{"a":[',
            "ab ",
            "%5",
        ),
    ],
)
def test_a_long_run_of_marks_is_read_once(atom: str) -> None:
    """What reads it once takes a tenth of a second, and what takes time with its square takes many minutes."""
    text = atom * (100_000 // len(atom))
    find_spans(text, KINDS)
