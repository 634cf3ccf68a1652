"""The report of one language."""

import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from example_run import TASKS, example_report

from okapi_kedro.reporting.report_page import curve, render_report, spread
from okapi_kedro.reporting.text_lengths import text_lengths

EVIL = "<script>alert(\"1\")</script> & </td><b onload='x'>"
VOID = {"meta", "link", "br", "img", "input", "line", "rect", "polyline", "circle", "path"}


class Page(HTMLParser):
    """Tags, attributes and cell texts of a page; fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.cells: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "td":
            self.cells.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open and self._open[-1] == "td":
            attrs, text = self.cells[-1]
            self.cells[-1] = (attrs, text + data)


def page(**changes: Any) -> Page:
    return Page(render_report(**{**example_report("ne"), **changes}))


def column(html: Page, label: str) -> list[str]:
    return [text for attrs, text in html.cells if attrs.get("data-label") == label]


@pytest.mark.parametrize("code", TASKS)
def test_texts_of_every_script_come_out_letter_by_letter_each_with_its_own_direction(code: str) -> None:
    html = Page(render_report(**example_report(code)))
    shown = [(attrs, text) for attrs, text in html.cells if attrs.get("data-label") in ("instruction", "output")]
    assert {text for _, text in shown} == {text for task in TASKS[code] for text in (task[0], task[2])}
    assert all(attrs["dir"] == "auto" for attrs, _ in shown)


def test_every_cell_of_foreign_text_finds_its_own_direction() -> None:
    labels = {"instruction", "input", "output", "prompt", "reference", "SFT", "RLHF", "example"}
    found = [attrs for attrs, _ in page().cells if attrs.get("data-label") in labels]
    assert {attrs["data-label"] for attrs in found} == labels
    assert all(attrs.get("dir") == "auto" for attrs in found)


@pytest.mark.parametrize("code", TASKS)
def test_texts_name_their_language_and_raw_examples_none(code: str) -> None:
    languages = {
        attrs["data-label"]: attrs["lang"]
        for attrs, _ in Page(render_report(**example_report(code))).cells
        if "lang" in attrs
    }
    assert languages.pop("example") == ""
    assert {"instruction", "input", "output", "prompt", "reference", "SFT", "RLHF", "response"} <= set(languages)
    assert set(languages.values()) == {code}


def test_headings_of_arabic_columns_stand_over_their_texts() -> None:
    tables = [value for name, value in Page(render_report(**example_report("ar"))).attributes if name == "class"]
    assert tables.count("stack rtl") == 4
    assert "stack rtl" not in [value for _, value in page().attributes]


def test_text_from_tables_can_never_become_markup() -> None:
    report = example_report("ne")
    text = dict.fromkeys(("instruction", "input", "output"), EVIL)
    responses = dict.fromkeys(("prompt", "reference", "sft_response", "rlhf_response"), EVIL)
    html = page(
        translated=report["translated"].assign(split=EVIL, **text),
        rejected=report["rejected"].assign(stage=EVIL, reason=EVIL, example=EVIL),
        outcomes=report["outcomes"].assign(reason=EVIL, field=EVIL),
        lengths=report["lengths"].assign(part=EVIL, text=EVIL, unit=EVIL),
        rl_comparison=report["rl_comparison"].assign(**responses),
        side_by_side=report["side_by_side"].assign(**dict.fromkeys(report["side_by_side"].columns, EVIL)),
        evaluation=report["evaluation"].assign(model=EVIL, task=EVIL).drop_duplicates("metric"),
        comparison=report["comparison"].assign(before=EVIL, after=EVIL, task=EVIL),
        consistency=report["consistency"].assign(task=EVIL),
        summary={**report["summary"], "teacher": EVIL, "base_model": EVIL},
        how_to_reproduce={EVIL: EVIL},
    )
    assert "script" not in html.tags
    assert not any(name.startswith("on") for name, _ in html.attributes)
    for label in ("instruction", "output", "reason", "example", "reference", "SFT", "RLHF", "base model", "SFT model"):
        assert set(column(html, label)) == {EVIL}


def test_the_page_asks_for_nothing_outside_itself() -> None:
    source = render_report(**example_report("zh"))
    html = Page(source)
    assert not {"script", "link", "img", "iframe", "object"} & set(html.tags)
    assert all(value.startswith("#") for name, value in html.attributes if name in ("href", "src", "xlink:href"))
    assert not re.search(r"url\(|@import|https?://", source)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in html.attributes


def test_every_link_leads_to_a_section() -> None:
    attributes = page().attributes
    links = {value.removeprefix("#") for name, value in attributes if name == "href"}
    assert links
    assert links <= {value for name, value in attributes if name == "id"}


def test_the_headline_figures_are_those_of_the_summary() -> None:
    text = page().text
    for figure in (
        "0.0 % → 64.7 %",
        "± 3.9, 150 rows",
        "81.2 %",
        "± 1.7, 512 pairs",
        "−0.214 → 1.377",
        "gain 1.591 ± 0.072",
    ):
        assert figure in text
    assert "28.0 % → 38.5 %" in text


@pytest.mark.parametrize(("teacher", "said"), [("embedded offline teacher", True), ("gpt-4o-mini", False)])
def test_the_page_says_plainly_when_the_teacher_was_the_stand_in(teacher: str, said: bool) -> None:
    text = page(summary={**example_report("ne")["summary"], "teacher": teacher}).text
    assert ("The teacher was the embedded offline stand-in" in text) is said
    assert teacher in text


def test_stages_and_rejections_are_listed() -> None:
    html = page()
    assert "1\u202f204" in html.text
    assert "280–310 tokens, longer than 256" in column(html, "reason")
    assert "No row was rejected" in page(rejected=example_report("ne")["rejected"].head(0)).text


def test_attempts_and_rejected_translations_are_drawn_and_listed() -> None:
    text = re.sub(r"\s+", " ", page().text)
    assert "Nepali, attempt 1: 77.8 %, 700 of 900" in text
    assert "script (31), instructions: 30 (output 30)" in text
    assert "script (31), ARC: 1 (option_a 1)" in text
    assert re.search(r"script ?30 ?1 ?0 ?0 ?output 30, option_a 1", text)
    assert "two options became equal" in text


def test_a_translation_in_which_nobody_was_asked_and_nothing_rejected_has_no_chart() -> None:
    outcomes = example_report("ne")["outcomes"]
    text = page(outcomes=outcomes[(outcomes["reason"] == "") & (outcomes["attempts"] == 0)]).text
    assert "No row was rejected" in text
    assert "passed at each attempt" not in text


def test_lengths_are_listed_by_part_beside_the_english_ones() -> None:
    rows = re.findall(r"(all|sft|ranking|rl)(\d\d)(\d\.\d) \((\d\.\d)\)(\d\.\d\d)", page().text)
    assert rows == [
        ("all", "60", "6.0", "7.0", "0.86"),
        ("sft", "20", "6.0", "6.5", "0.92"),
        ("ranking", "20", "5.0", "6.5", "0.77"),
        ("rl", "20", "7.0", "8.0", "0.88"),
    ]
    lengths = example_report("ne")["lengths"].assign(english_mean=math.nan, ratio=math.nan)
    assert "(–)" in page(lengths=lengths).text


@pytest.mark.parametrize(("share", "said"), [(0.0, False), (0.2, True)])
def test_the_page_says_when_english_rows_were_mixed_in(share: float, said: bool) -> None:
    summary = example_report("ne")["summary"]
    text = page(summary={**summary, "sft": {**summary["sft"], "english_share": share}}).text
    assert ("20.0 % of the training rows are English" in text) is said


def test_long_texts_are_shortened_with_a_sign() -> None:
    rejected = example_report("ne")["rejected"].assign(example="字" * 5000)
    examples = column(page(rejected=rejected), "example")
    assert all(len(text) == 160 and text.endswith("…") for text in examples)


def test_the_prompt_is_shown_without_its_english_frame() -> None:
    prompts = column(page(), "prompt")
    assert len(prompts) == 12
    assert "यी शब्दमध्ये कुन फलफूल हो?\nस्याउ, कुकुर, टेबुल" in prompts
    assert not any("Below is" in prompt for prompt in prompts)


def test_a_prompt_whose_row_is_unknown_is_shown_as_it_is() -> None:
    comparison = example_report("ne")["rl_comparison"].assign(id="elsewhere")
    assert all("Below is" in prompt for prompt in column(page(rl_comparison=comparison), "prompt"))


def test_benchmarks_stand_together_and_cut_off_questions_are_counted() -> None:
    text = re.sub(r"\s+", " ", page().text)
    rows = re.findall(r"(ARC|HellaSwag|MMLU)(base|sft|rlhf)(?:25|0)(\d\d\.\d) ± \d\.\d(\d\d\.\d) ± \d\.\d", text)
    assert rows[:3] == [
        ("ARC", "base", "24.0", "26.0"),
        ("ARC", "sft", "31.0", "33.0"),
        ("ARC", "rlhf", "33.5", "35.5"),
    ]
    assert [row[0] for row in rows] == ["ARC"] * 3 + ["HellaSwag"] * 3 + ["MMLU"] * 3
    assert "1\u202f17012" in page().text


def test_models_are_compared_in_figures_and_in_words() -> None:
    text = re.sub(r"\s+", " ", page().text)
    assert re.findall(r"ARC(\w+ → (?:sft|rlhf))([a-z ]+)(\S+ ± \S\.\d)(\d\d)(\d\d)(0\.\d{3})", text) == [
        ("base → sft", "better", "+4.3 ± 1.0", "90", "40", "0.000"),
        ("sft → rlhf", "worse", "−1.6 ± 1.0", "12", "31", "0.006"),
        ("base → rlhf", "within chance", "+0.4 ± 1.0", "25", "20", "0.551"),
    ]
    same = example_report("ne")["comparison"].assign(gained=0, lost=0, difference=0.0, p_value=1.0)
    assert "no difference" in page(comparison=same).text


def test_answers_and_states_stand_beside_those_in_english() -> None:
    text = re.sub(r"\s+", " ", page().text)
    assert re.search(r"ARC48\.2 ± 2\.01 0003 MMLU37\.7 ± 2\.0", text)
    assert "its English original at 3: 0.81" in text
    assert "another text's at 3: 0.55" in text
    assert "200 instructions" in text


def test_a_language_without_english_originals_gives_a_page_that_says_so() -> None:
    report = example_report("ne")
    text = page(consistency=report["consistency"].head(0), similarity=report["similarity"].head(0)).text
    assert "No question was asked in English as well" in text
    assert "states were not compared with English" in text


def test_a_curve_that_the_log_lacks_is_left_out_with_a_sentence() -> None:
    log = example_report("ne")["reward_log"]
    assert "The log has no accuracy, so that curve is left out." in page(reward_log=log.drop(columns="accuracy")).text
    assert "left out" not in page().text


def test_a_curve_keeps_what_the_log_has_and_names_what_it_lacks() -> None:
    log = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, math.nan, 1.0], "eval_loss": [math.nan, math.inf, math.nan]})
    found = curve(log, "SFT", "loss", {"loss": "training", "eval_loss": "held out"})
    assert found.missing == ("eval_loss",)
    assert found.chart.count("<circle") == 2
    assert not curve(log[["step"]], "SFT", "loss", {"loss": "training"}).chart


def test_a_summary_read_back_from_json_with_missing_errors_gives_a_page() -> None:
    summary = example_report("ne")["summary"]
    broken = {
        **summary,
        "reward": {**summary["reward"], "stderr": math.nan},
        "rl": {**summary["rl"], "gain_stderr": None},
    }
    text = page(summary=json.loads(json.dumps(broken))).text
    assert "± –, 512 pairs" in text
    assert "gain 1.591 ± –" in text


def test_a_run_that_came_out_empty_gives_a_page() -> None:
    report = example_report("ne")
    empty = {
        name: report[name].head(0)
        for name in ("rejected", "translated", "outcomes", "rl_comparison", "evaluation", "comparison")
    }
    lengths = text_lengths(empty["translated"], empty["translated"])
    assert "0 of 0 instructions" in page(**empty, lengths=lengths).text


def test_models_are_compared_by_win_rate_with_its_interval_and_the_judges_places() -> None:
    text = re.sub(r"\s+", " ", page().text)
    assert "RLHF against SFT: win rate 63.3 % 95 % interval 56.7 to 69.6 %; 70 wins, 50 ties, 30 losses" in text
    assert "RLHF against SFT63.356.7 to 69.670503012015.058.3" in text
    assert "base –, SFT 41.3, RLHF 52.7 ± 2.2." in text
    assert column(page(), "RLHF against SFT") == ["tie", "", "loss"] * 4


def test_without_held_out_instructions_nothing_was_compared() -> None:
    report = example_report("ne")
    summary = {**report["summary"], "generative": {"win_rates": [], "chrf": []}}
    text = page(summary=summary, side_by_side=report["side_by_side"].head(0)).text
    assert "No held-out instruction was compared." in text
    assert "win rate 63" not in text


def test_the_page_is_the_same_for_the_same_run() -> None:
    assert render_report(**example_report("ta")) == render_report(**example_report("ta"))


@pytest.mark.parametrize(
    ("rows", "expected"), [(3, [0, 1, 2]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9]), (301, [0, 100, 200, 300])]
)
def test_samples_stand_at_equal_distances_from_the_first_to_the_last(rows: int, expected: list[int]) -> None:
    assert spread(pd.DataFrame({"row": range(rows)}), 4)["row"].tolist() == expected


def test_held_out_prompts_are_shown_at_some_steps_of_rl_as_text() -> None:
    shown = page()
    assert "Held-out prompts while RL went on" in shown.text
    assert "<b>50</b>" in shown.text
    assert "<b>10</b>" not in shown.text
    none = example_report("ne")["rl_answers"].head(0)
    assert "while RL went on" not in page(rl_answers=none).text
