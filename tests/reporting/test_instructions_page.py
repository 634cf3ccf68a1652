"""The page on the English instructions."""

import base64
import hashlib
import json
import math
import re
from html import unescape
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.reporting.instructions_page import render_instructions_page
from okapi_kedro.reporting.verb_sunburst import top_pairs, verb_sunburst

EVIL = "<script>alert(\"1\")</script> & </td><b onload='x'>"
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)


def instructions() -> pd.DataFrame:
    rows = [
        ("s1", "seed", "Name a river.", math.nan),
        ("a1", "alpaca", "Name a lake.", math.nan),
        ("a2", "alpaca", "Write a poem.", math.nan),
        ("g1", "generated", "Sort the words.", 0.31),
        ("g2", "generated", "Sort the numbers.", 0.69),
    ]
    table = pd.DataFrame(rows, columns=["id", "source", "instruction", "max_rouge_l"])
    return table.assign(input="", output="o", nearest_id="")


def splits() -> pd.DataFrame:
    rows = [
        ("s1", "sft", False),
        ("a1", "sft", True),
        ("a2", "ranking", False),
        ("g1", "ranking", False),
        ("g2", "rl", True),
    ]
    return pd.DataFrame(rows, columns=["id", "split", "held_out"])


def rejected(example: str = "Instruction: Name some lake.", reason: str = "near-duplicate") -> pd.DataFrame:
    rows = [
        ("0-00", "too short", "", math.nan, "Go."),
        ("0-01", reason, "a1", 0.8123, example),
        ("0-02", reason, "gone", 0.9, "another"),
    ]
    return pd.DataFrame(rows, columns=["id", "reason", "nearest_id", "rouge_l", "raw"])


def page(**changes: Any) -> str:
    verbs = changes.pop("verbs", pd.DataFrame({"verb": ["sort", "sort", "name"], "object": ["word", "number", "lake"]}))
    pairs = top_pairs(verbs, 10, 4)
    values: dict[str, Any] = {
        "instructions": instructions(),
        "splits": splits(),
        "defects": {
            "alpaca": pd.DataFrame({"defect": ["run_on", "link"], "rows": [0, 4321], "action": ["drop", "keep"]})
        },
        "requests": pd.DataFrame({"request": [0, 1], "candidates": [3, 2]}),
        "rejected": rejected(),
        "pairs": pairs,
        "caption": "A caption.",
        "sunburst": verb_sunburst(pairs, "A caption."),
    }
    return render_instructions_page(**{**values, **changes})


def body(html: str) -> str:
    """The page without its scripts."""
    return SCRIPT.sub("", html)


def rows(html: str, section: str) -> list[list[str]]:
    """The texts of the body rows of a section's tables."""
    part = body(html).split(f'<h2 id="{section}"')[1].split("<h2 ")[0]
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.DOTALL)
        if "<td" in row
    ]


def test_sources_and_splits_are_counted_and_summed() -> None:
    assert rows(page(), "sources") == [
        ["seed", "1", "20.0", "1", "0", "0", "0"],
        ["alpaca", "2", "40.0", "1", "1", "0", "1"],
        ["generated", "2", "40.0", "0", "1", "1", "1"],
        ["all", "5", "100.0", "2", "2", "1", "2"],
    ]


def test_only_defects_that_were_met_are_listed_with_their_action() -> None:
    assert rows(page(), "defects") == [["link", "4\u202f321", "keep"]]
    none = {"human": pd.DataFrame({"defect": ["link"], "rows": [0], "action": ["keep"]})}
    assert "human: no row has one." in page(defects=none)


def test_each_filter_tells_how_many_it_dropped_with_an_example_and_the_text_that_it_repeats() -> None:
    assert rows(page(), "generation") == [
        ["near-duplicate", "2", "40.0", "Instruction: Name some lake.", "Name a lake.", "0.812"],
        ["too short", "1", "20.0", "Go.", "", "–"],
    ]
    assert re.findall(r'<p class="value">(.*?)</p>', page()) == ["2", "5", "2"]


def test_the_histogram_counts_the_generated_instructions_alone() -> None:
    counted = re.findall(r"<title>([\d.]+) to ([\d.]+): (\d+)</title>", page())
    assert counted == [("0.3", "0.35", "1"), ("0.65", "0.7", "1")]


def test_the_verbs_stand_in_a_table_beside_the_figure() -> None:
    assert rows(page(), "verbs") == [["sort", "2", "number 1, word 1"], ["name", "1", "lake 1"]]
    assert "<p>A caption.</p>" in page()


def test_nothing_generated_and_nothing_dropped_is_told() -> None:
    given = instructions()
    html = page(
        instructions=given[given["source"] != "generated"],
        requests=pd.DataFrame({"request": [], "candidates": []}, dtype="int64"),
        rejected=rejected()[:0],
        verbs=pd.DataFrame({"verb": [""], "object": [""]}),
    )
    assert "No candidate was dropped." in html
    assert "No instruction was generated" in html
    assert "<script" not in html


def test_an_empty_table_makes_a_page_too() -> None:
    assert rows(page(instructions=instructions()[:0], splits=splits()[:0]), "sources")[-1][:3] == ["all", "0", "0.0"]


def test_what_a_teacher_wrote_never_becomes_markup() -> None:
    evil = instructions().assign(instruction=EVIL)
    verbs = pd.DataFrame({"verb": [EVIL, EVIL], "object": [EVIL, "</script><script>alert(2)</script>"]})
    defects = {EVIL: pd.DataFrame({"defect": [EVIL], "rows": [1], "action": [EVIL]})}
    html = page(instructions=evil, rejected=rejected(EVIL, EVIL), verbs=verbs, defects=defects, caption=EVIL)
    assert "<b onload" not in html
    assert EVIL not in html
    assert [match["attributes"].split()[:1] for match in SCRIPT.finditer(html)] == [['type="application/json"'], [], []]
    assert EVIL in rows(html, "generation")[0]


def test_the_figure_reaches_the_script_as_it_is_but_for_its_caption() -> None:
    verbs = pd.DataFrame({"verb": ["write"], "object": ["<b>&</script>"]})
    data = next(match["text"] for match in SCRIPT.finditer(page(verbs=verbs)) if "json" in match["attributes"])
    figure = json.loads(data)
    assert figure["data"][0]["labels"] == ["write", "&lt;b&gt;&amp;&lt;/script&gt;"]
    assert not {"annotations", "width", "height"} & set(figure["layout"])
    assert figure["layout"]["autosize"] is True


def test_the_page_loads_nothing_and_allows_its_own_two_scripts_alone() -> None:
    html = page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    scripts = [match["text"] for match in SCRIPT.finditer(html) if not match["attributes"]]
    assert policy
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert policy[1].startswith("default-src 'none';")
    assert policy[1].endswith(f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'")
    assert not re.search(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", body(html))
    assert len(html) < 6_000_000


@pytest.mark.parametrize("section", ["sources", "defects", "generation", "nearest", "verbs"])
def test_the_navigation_leads_to_every_section(section: str) -> None:
    assert f'href="#{section}"' in page()
    assert f'id="{section}"' in page()
