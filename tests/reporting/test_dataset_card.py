"""The card of a published dataset: figures that are right, and text from data that is nothing but text."""

import re
from html import unescape

import pandas as pd
import pytest
import yaml
from markdown_it import MarkdownIt

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.dataset_card import Part, as_code, render_card
from okapi_kedro.teacher.store import Spending

NONE_REJECTED = pd.DataFrame(columns=["id", "reason", "raw"], dtype="str")


def instructions(*ids, attempts=1, held_out=False):
    return pd.DataFrame({"id": list(ids), "attempts": attempts, "held_out": held_out, "instruction": "SECRET ROW"})


def rejected(*reasons):
    return pd.DataFrame({"id": "x", "reason": list(reasons), "raw": "SECRET RAW"})


def spending(model="gpt-x", stage="translation", usd=1.5, unpriced=0):
    return Spending(stage, "vi", model, 1000, 20_000, 3_000, usd, unpriced, 0, 0.25)


def card(parts=None, asked=(), code="vi", licence="cc-by-nc-4.0", reasons=2, ours=True):
    parts = parts or [Part("instructions", {"sft": instructions("alpaca-000001")}, NONE_REJECTED)]
    return render_card(LANGUAGES[code], parts, list(asked), licence, reasons, ours)


def front_matter(text):
    _, matter, body = text.split("---\n", 2)
    return yaml.safe_load(matter), body


def cells(text):
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")
    ]


def test_the_front_matter_names_language_licence_size_and_every_file():
    sft = instructions(*(f"alpaca-{number:06d}" for number in range(1500)))
    parts = [
        Part("instructions", {"sft": sft, "rl": instructions("generated-1")}, NONE_REJECTED),
        Part("arc", {"test": pd.DataFrame({"id": ["q"], "split": "test"})}, NONE_REJECTED),
    ]
    matter, _ = front_matter(card(parts))
    assert (matter["license"], matter["language"], matter["size_categories"]) == ("cc-by-nc-4.0", ["vi"], ["1K<n<10K"])
    assert matter["configs"] == [
        {
            "config_name": "instructions",
            "default": True,
            "data_files": [
                {"split": "sft", "path": "data/instructions/sft.parquet"},
                {"split": "rl", "path": "data/instructions/rl.parquet"},
            ],
        },
        {"config_name": "arc", "data_files": [{"split": "test", "path": "data/arc/test.parquet"}]},
    ]


@pytest.mark.parametrize("licence", ["mit\nlanguage: [xx]", "no", "a: b", "---"])
def test_a_licence_is_one_value_whatever_it_says(licence):
    matter, _ = front_matter(card(licence=licence))
    assert matter["license"] == licence
    assert matter["language"] == ["vi"]


def test_rows_held_out_and_the_share_that_was_set_aside_are_counted():
    pairs = pd.DataFrame({"id": ["a", "a", "b"], "held_out": True})
    parts = [
        Part(
            "instructions",
            {"sft": instructions("alpaca-1", "alpaca-2", "generated-1", held_out=[True, False, True])},
            rejected("script", "script", "script", "code kept", "no JSON object"),
        ),
        Part("preferences", {"train": pairs, "held_out": pairs}, rejected("no list")),
    ]
    text = card(parts)
    assert ["`instructions`", "`sft`", "3", "2"] in cells(text)
    assert ["`instructions`", "3", "5", "62.5 %"] in cells(text)
    assert ["`preferences` (prompts)", "4", "1", "20.0 %"] in cells(text)
    reasons = [row for row in cells(text) if len(row) == 3][1:]
    assert reasons == [
        ["`instructions`", "`script`", "3"],
        ["`instructions`", "`code kept`", "1"],
        ["`preferences`", "`no list`", "1"],
    ]
    assert "Of 3 instructions, 2 derive from Alpaca and 1 were generated" in text
    assert "SECRET" not in text


def test_the_teacher_is_named_with_what_it_cost():
    text = card(asked=[spending(), spending("local", usd=0, unpriced=1000), spending("some", unpriced=10)])
    rows = [row for row in cells(text) if row[0] == "`translation`"]
    assert rows == [
        ["`translation`", "`gpt-x`", "1,000", "20,000", "3,000", "1.75"],
        ["`translation`", "`local`", "1,000", "20,000", "3,000", "not known"],
        ["`translation`", "`some`", "1,000", "20,000", "3,000", "1.75 + 10 answers without a price"],
    ]
    assert "stand-in" not in text
    for teacher in ("offline-teacher", "offline-rehearsal"):
        assert "was a stand-in" in card(asked=[spending(teacher)])


def test_rows_that_others_published_are_not_called_ours():
    parts = [
        Part("instructions", {"sft": instructions("alpaca-1", attempts=0)}, NONE_REJECTED),
        Part("preferences", {"train": pd.DataFrame({"id": ["a"], "held_out": False})}, NONE_REJECTED),
    ]
    text = card(parts, ours=False)
    assert "1 were not translated here, but read from files that others published" in text
    assert "The preferences were read from files that others published" in text
    assert "The teacher then translates" not in text
    assert "No answers of a teacher are stored" in text
    ours = card([Part("instructions", {"sft": instructions("alpaca-1")}, NONE_REJECTED), parts[1]])
    assert "The teacher then translates" in ours
    assert "others published" not in ours


def test_english_is_not_called_a_translation():
    text = card([Part("instructions", {"sft": instructions("alpaca-1", attempts=0)}, NONE_REJECTED)], code="en")
    assert "translat" not in text.split("## Licence")[0]
    assert "The instructions begin in English" in text


NASTY = [
    "<script>alert(1)</script>",
    "a | b | c",
    "`code`",
    "``",
    "[x](https://evil.example)",
    "![x](y)",
    "**bold** _it_ $x$",
    "line\n# heading\n\n---\nlicense: mit",
    "\u2028| x |\r| y |",
    "\\",
    "\\|",
    "&lt;b&gt;",
    "{{ 7 * 7 }}",
    "\u202eright to left\x00\x1b[31m",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_from_data_is_text_wherever_it_stands(text):
    markdown = MarkdownIt("commonmark").enable("table")
    plain = markdown.render(
        card([Part("instructions", {"sft": instructions("a")}, rejected("plain"))], [spending("plain")])
    )
    shown = markdown.render(card([Part("instructions", {"sft": instructions("a")}, rejected(text))], [spending(text)]))
    assert re.findall(r"<(\w+)", shown) == re.findall(r"<(\w+)", plain)
    visible = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    written = [unescape(code) for code in re.findall(r"<td><code>(.*?)</code></td>", shown)]
    assert written.count(visible) == 2


def test_long_text_is_cut():
    assert as_code("x" * 1_000_000) == f"`{'x' * 159}…`"
    assert as_code(" \n ") == ""
