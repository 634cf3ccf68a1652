"""Pieces leave a text, come back whole, and their damage is found by name."""

import json

import pytest
from hypothesis import given, settings

from okapi_kedro.text.placeholders import (
    DamagedPiecesError,
    Protected,
    protect,
    protect_row,
    restore,
    restore_row,
    to_translate,
    with_marks_as_sent,
)
from okapi_kedro.text.protected_spans import KINDS, USUAL_KINDS

from .hard_rows import HARD_ROWS
from .real_files import real_file
from .test_protected_spans import TEXTS

TWO_LINES = "Use `a` and `b`.\nThen use `c`."
LIST = "Do it:\n   ```\n   x = 1\n   ```\nThen stop."
TAGS = "<p>One <b>two</b></p> <p>three {name}</p>"


def damage(text: str, translated: str) -> str:
    with pytest.raises(DamagedPiecesError) as error:
        restore(protect(text), translated)
    return str(error.value)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_that_was_not_touched_comes_back_exactly(text: str) -> None:
    for kinds in (USUAL_KINDS, KINDS, ()):
        protected = protect(text, kinds, first=7)
        assert restore(protected, protected.masked) == text


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_any_answer_is_restored_or_refused(text: str, answer: str) -> None:
    protected = protect(text)
    try:
        restored = restore(protected, answer)
    except DamagedPiecesError:
        return
    assert all(restored.count(piece.text) >= 1 for piece in protected.pieces)


@pytest.mark.parametrize("row", HARD_ROWS, ids=lambda row: row["instruction"][:30])
def test_hard_rows_come_back_exactly_and_keep_their_prose(row: dict[str, str]) -> None:
    protected = protect_row(row)
    assert restore_row(protected, to_translate(protected)) == row


def test_the_masked_text_holds_numbers_in_order_and_no_piece() -> None:
    assert protect(TWO_LINES, first=3).masked == "Use ⟦3⟧ and ⟦4⟧.\nThen use ⟦5⟧."
    assert [piece.text for piece in protect(TWO_LINES).pieces] == ["`a`", "`b`", "`c`"]


def test_tags_with_nothing_between_them_are_one_piece() -> None:
    text = "<ul>\n  <li>one</li>\n  <li>two</li></ul>"
    assert protect(text).masked == "⟦1⟧one⟦2⟧two⟦3⟧"
    assert protect("<b>one</b> <i>two</i>").masked == "⟦1⟧one⟦2⟧ ⟦3⟧two⟦4⟧"


@pytest.mark.parametrize(
    ("text", "translated", "restored"),
    [
        ("Run `a` on `b`.", "Auf ⟦2⟧ läuft ⟦1⟧.", "Auf `b` läuft `a`."),
        ("Run `a`.", "⟦ ۱ ⟧ चलाउनुहोस्।", "`a` चलाउनुहोस्।"),
        ("Run `a`.", "运行〚１〛。", "运行`a`。"),
        ("Run `a`.", "运行［［1］］。", "运行`a`。"),
        ("Run `a`.", "Führe [[1]] aus.", "Führe `a` aus."),
        ("Run `a`.", "شغّل ⟦\u200f1\u200f⟧.", "شغّل `a`."),
        ("Run `a`.", "Führe ⟦\u00a001\u202f⟧ aus.", "Führe `a` aus."),
        ("It costs $5 and $10.", "5 $ und 10 $ kostet es.", "5 $ und 10 $ kostet es."),
        ("**Use** `a` [1].", "⟦1⟧ **benutzen** [1].", "`a` **benutzen** [1]."),
        ("One\n\n\n`a`\n", "Eins\n\n⟦1⟧", "Eins\n\n`a`"),
        (TAGS, "⟦1⟧⟦2⟧zwei⟦3⟧ eins⟦4⟧ ⟦5⟧⟦6⟧ drei⟦7⟧", "<p><b>zwei</b> eins</p> <p>{name} drei</p>"),
        ("<b>One</b> <i>`two`</i>", "⟦3⟧⟦4⟧ zwei⟦5⟧ ⟦1⟧eins⟦2⟧", "<i>`two` zwei</i> <b>eins</b>"),
        ('{"a": "She reads a book."}', "⟦1⟧Sie liest ein Buch.⟦2⟧", '{"a": "Sie liest ein Buch."}'),
        ("What is ⟦1⟧ beside [[2]]?", "Was ist ⟦1⟧ neben ⟦2⟧?", "Was ist ⟦1⟧ neben [[2]]?"),
    ],
)
def test_a_good_translation_is_restored(text: str, translated: str, restored: str) -> None:
    assert restore(protect(text), translated) == restored


@pytest.mark.parametrize(
    ("text", "translated", "reason"),
    [
        ("Run `a`.", "Läuft.", "placeholder missing"),
        ("Run `a`.", "Führe [1] aus.", "placeholder missing"),
        ("Run [`a`].", "Führe [[1]] aus.", "placeholder missing"),
        ("Run `a`.", "Führe ⟦eins⟧ aus.", "placeholder broken"),
        ("Run `a`.", "Führe ⟦1 aus.", "placeholder broken"),
        ("Run `a`.", "Führe ⟧1⟦ aus.", "placeholder broken"),
        ("Run `a`.", "Führe ⟦¹⟧ aus.", "placeholder broken"),
        ("Run `a`.", "Führe ⟦1⟧ und ⟦2⟧ aus.", "placeholder invented"),
        ("Run it.", "Führe [[1]] aus.", "placeholder invented"),
        ("Run `a`.", "Führe ⟦99999999999999999999⟧ aus.", "placeholder broken"),
        ("Run `a`.", "Führe ⟦1⟧ und ⟦1⟧ aus.", "placeholder repeated"),
        ("Run `a`.", "Führe `⟦1⟧` aus.", "markup added"),
        ("Run `a`.", "Führe **⟦1⟧** aus.", "markup added"),
        ("Run `a`.", "Führe _⟦1⟧_ aus.", "markup added"),
        ("Run `a`.", "Führe <b>⟦1⟧</b> aus.", "markup added"),
        ("Run `a`.", "```\nFühre ⟦1⟧ aus.\n```", "markup added"),
        ("Run `a`.", "~~~\nFühre ⟦1⟧ aus.\n~~~", "markup added"),
        ("Run `a`.", "Führe ⟦1⟧ aus, siehe https://example.org/x", "markup added"),
        ("Run it.", "`Führe` es aus.", "markup added"),
        ("Run it for $x$ and n.", "Für ⟦1⟧ und $n$.", "markup added"),
        ("Run `a`.", "Führe ⟦1⟧\naus.", "lines changed"),
        (TWO_LINES, "Nutze ⟦1⟧, ⟦2⟧, dann ⟦3⟧.", "lines changed"),
        (TWO_LINES, "Nutze ⟦1⟧.\nDann ⟦2⟧ und ⟦3⟧.", "piece on another line"),
        (TWO_LINES, "Nutze ⟦1⟧ und ⟦3⟧.\nDann ⟦2⟧.", "piece on another line"),
        (LIST, "Tu es:\n⟦1⟧\nDann Schluss.", "piece off its own line"),
        (LIST, "Tu es:\n   ⟦1⟧ jetzt\nDann Schluss.", "piece off its own line"),
        (LIST, "Tu es: ⟦1⟧\nDann\nSchluss.", "piece on another line"),
        (TAGS, "⟦1⟧eins ⟦3⟧zwei⟦2⟧⟦4⟧ ⟦5⟧drei ⟦6⟧⟦7⟧", "tags crossed"),
        (TAGS, "⟦1⟧eins ⟦2⟧⟦3⟧zwei⟦4⟧ ⟦5⟧drei ⟦6⟧⟦7⟧", "tags crossed"),
        (TAGS, "⟦1⟧eins ⟦2⟧zwei⟦3⟧ ⟦6⟧⟦4⟧ ⟦5⟧drei⟦7⟧", "tags crossed"),
        (TAGS, "eins zwei ⟦1⟧⟦2⟧⟦3⟧⟦4⟧ ⟦5⟧drei ⟦6⟧⟦7⟧", "tags crossed"),
        (TAGS, "⟦1⟧eins ⟦2⟧zwei⟦4⟧⟦3⟧ ⟦5⟧drei ⟦6⟧⟦7⟧", "tags crossed"),
        (TAGS, "⟦5⟧drei ⟦6⟧⟦7⟧ ⟦1⟧eins ⟦2⟧zwei⟦3⟧⟦4⟧", "tags crossed"),
        ("<p>One<br>two</p><p>three</p>", "⟦1⟧eins⟦2⟧⟦3⟧zwei drei⟦4⟧", "tags crossed"),
        ("See [this](a.html) and [that](b.html).", "Siehe ⟦1⟧dies⟦4⟧ und ⟦3⟧das⟦2⟧.", "tags crossed"),
        ('{"a": "She reads a book."}', '⟦1⟧Sie liest "ein" Buch.⟦2⟧', "JSON broken"),
    ],
)
def test_damage_is_found_by_name(text: str, translated: str, reason: str) -> None:
    assert damage(text, translated) == reason


def test_a_piece_cannot_change_its_field() -> None:
    row = protect_row({"instruction": "Run `a`.", "input": "", "output": "It ran `a`."})
    assert to_translate(row) == {"instruction": "Run ⟦1⟧.", "output": "It ran ⟦2⟧."}
    swapped = {"instruction": "Führe ⟦2⟧ aus.", "output": "Es lief ⟦1⟧."}
    with pytest.raises(DamagedPiecesError, match=r"^instruction: placeholder invented$"):
        restore_row(row, swapped)


def test_what_has_nothing_to_translate_is_not_sent_and_comes_back() -> None:
    fields = {
        "instruction": "Run `a`.",
        "input": "```\nx\n```\n`b` + ",
        "output": "{name}: https://e.org/x!",
        "note": "",
    }
    row = protect_row(fields)
    assert list(to_translate(row)) == ["instruction"]
    assert restore_row(row, {"instruction": "Führe ⟦1⟧ aus."}) == {**fields, "instruction": "Führe `a` aus."}


@pytest.mark.parametrize(
    ("text", "is_sent"), [("", False), ("`x` +", False), ("3, 4", False), ("`x` a", True), ("`x`。好", True)]
)
def test_a_row_is_sent_when_it_has_a_letter_outside_its_pieces(text: str, is_sent: bool) -> None:
    assert list(to_translate(protect_row({"output": text}))) == ["output"] * is_sent


def test_numbers_are_sent_with_the_words_of_another_field_whose_digits_they_take() -> None:
    assert list(to_translate(protect_row({"instruction": "Add.", "input": "3, 4", "output": "7"}))) == [
        "instruction",
        "input",
        "output",
    ]


def test_placeholders_read_as_they_were_sent_whatever_became_of_them() -> None:
    assert with_marks_as_sent(protect("Run `a` `b`."), "चलाउनुहोस् ⟦१⟧ 〚 2 〛।") == "चलाउनुहोस् ⟦1⟧ ⟦2⟧।"


def test_a_piece_that_looks_like_a_group_of_a_pattern_is_put_back_as_it_is() -> None:
    text = "Use `\\1 \\g<0> ⟦1⟧` here"
    assert restore(protect(text), "Hier ⟦1⟧ benutzen") == "Hier `\\1 \\g<0> ⟦1⟧` benutzen"


def test_a_protected_text_is_a_value() -> None:
    assert protect("a `b`") == Protected("a ⟦1⟧", protect("`b`").pieces, 1)


@pytest.mark.parametrize(
    "atom", ["⟦", "⟦1⟧", "<b>", "</i></b>", "<b>a</b>", "<td></td>", "`a` ", "[[1]]", "`a`\n", '["a b c",']
)
def test_a_long_text_is_protected_and_restored_in_one_pass(atom: str) -> None:
    text = atom * (30_000 // len(atom))
    protected = protect(text, KINDS)
    assert restore(protected, protected.masked) == text


def test_every_row_of_the_release_comes_back_exactly() -> None:
    for fields in json.loads(real_file("alpaca/alpaca_data.json"))[::50]:
        row = protect_row(fields)
        assert restore_row(row, to_translate(row)) == fields
