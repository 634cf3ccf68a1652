"""The page of the leaderboard."""

import re
from html.parser import HTMLParser

import pandas as pd
from example_run import example_consistency, example_outcomes, example_report, example_similarity

from okapi_kedro.evaluation.result_tables import MODELS, Run, result_tables
from okapi_kedro.reporting.leaderboard import Likeness, render_leaderboard

BLOOM, LLAMA = "bigscience/bloom-7b1", "huggyllama/llama-7b"
EVIL = '<script>alert("1")</script> & <b onload="x">'
NOTHING = Likeness()


def right(base: int, sft: int, rlhf: int, task: str = "arc", shots: int = 25) -> pd.DataFrame:
    """So many right answers of each model to the same 40 questions, the first ones."""
    index = pd.MultiIndex.from_product([[task], [shots], range(40)], names=["task", "shots", "id"])
    counts = dict(zip(MODELS, (base, sft, rlhf), strict=True))
    return pd.DataFrame({name: [float(place < count) for place in range(40)] for name, count in counts.items()}, index)


def render(runs: dict[Run, pd.DataFrame], likeness: dict[Run, Likeness] | None = None) -> str:
    return render_leaderboard(result_tables(runs), likeness or dict.fromkeys(runs, NOTHING), {}, {})


class Tables(HTMLParser):
    """The rows of a page's tables as lists of the texts of their cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1][-1] += data


def test_scores_with_their_errors_stand_by_language_average_and_gap() -> None:
    page = render({(BLOOM, "ne"): right(10, 14, 12), (BLOOM, "de"): right(20, 24, 30)})
    head, models, *rows = Tables(page).tables[0]
    assert head == ["language", "resources", "ARC, 25-shot"]
    assert models == ["base", "sft", "rlhf"]
    assert rows[:3] == [
        ["German de", "high", "50.0 ± 8.0", "60.0 ± 7.8", "75.0 ± 6.9"],
        ["Nepali ne", "low", "25.0 ± 6.9", "35.0 ± 7.6", "30.0 ± 7.3"],
        ["Average, all", "", "37.5 ± 6.6", "47.5 ± 6.9", "52.5 ± 5.9"],
    ]
    assert rows[-2] == ["Best minus worst", "", "25.0", "25.0", "45.0"]
    assert rows[-1] == ["Standard deviation", "", "17.7", "17.7", "31.8"]


def test_the_highest_score_of_a_benchmark_is_marked_but_no_gap() -> None:
    page = render({(BLOOM, "ne"): right(10, 14, 12), (BLOOM, "de"): right(20, 24, 30)})
    marked = re.findall(r'best">([\d.]+)', page[: page.index("What tuning gains")])
    assert marked == ["75.0", "35.0", "52.5", "75.0", "35.0"]


def test_gains_stand_beside_what_the_language_shares_with_english() -> None:
    runs = {(BLOOM, "ne"): right(10, 14, 16), (BLOOM, "de"): right(20, 24, 18)}
    page = render(runs, {(BLOOM, "ne"): Likeness(example_consistency(), example_similarity()), (BLOOM, "de"): NOTHING})
    gains = Tables(page).tables[1]
    assert gains[0] == ["language", "resources", "similarity", "ARC, 25-shot"]
    assert gains[2:5] == [
        ["German de", "high", "–", "−5.0 ± 3.5", "–"],
        ["Nepali ne", "low", "0.715 (0.500)", "+15.0 ± 5.7", "48.2"],
        ["Average, all", "", "–", "+5.0 ± 3.5", "–"],
    ]
    assert re.findall(r'number group best">([^ <]+)', page[page.index("What tuning gains") :]) == ["+15.0"]


def test_a_language_without_one_of_the_benchmarks_has_dashes_there() -> None:
    both = pd.concat([right(20, 24, 30), right(20, 24, 30, task="mmlu", shots=5)])
    page = render({(BLOOM, "ne"): right(10, 14, 12), (BLOOM, "de"): both})
    table = Tables(page).tables[0]
    assert table[0][2:] == ["ARC, 25-shot", "MMLU, 5-shot"]
    assert table[3][0] == "Nepali ne"
    assert table[3][5:] == ["–", "–", "–"]


def test_english_comes_first_and_the_others_in_the_paper_s_order() -> None:
    page = render({(BLOOM, code): right(1, 2, 3) for code in ("ne", "ar", "en", "de")})
    names = [row[0] for row in Tables(page).tables[0][2:]]
    assert names[:6] == ["English en", "German de", "Arabic ar", "Nepali ne", "Average, all", "Average, high"]


def test_each_base_model_has_tables_of_its_own_and_llama_s_name_what_they_lack() -> None:
    page = render({(name, code): right(1, 2, 3) for name in (BLOOM, LLAMA) for code in ("de", "ne", "zh")})
    assert page.index(f"<h2>{BLOOM}</h2>") < page.index(f"<h2>{LLAMA}</h2>")
    tables = Tables(page).tables
    assert [row[0] for row in tables[2][2:4]] == ["German de", "Average, all"]
    assert f"in no table of {LLAMA}, as in the paper, because LLaMA does not know them: Chinese, Nepali." in page
    assert f"in no table of {BLOOM}" not in page


def test_a_run_that_is_in_no_table_is_told_all_the_same() -> None:
    page = render({(LLAMA, "ne"): right(1, 2, 3)})
    assert "because LLaMA does not know them: Nepali." in page


def test_names_cannot_become_markup() -> None:
    page = render({(EVIL, "ne"): right(1, 2, 3, task=EVIL)})
    parsed = Tables(page)
    assert "script" not in parsed.tags
    assert "onload" not in parsed.attributes
    assert "&lt;script&gt;alert" in page


def test_the_page_asks_for_nothing_outside_itself() -> None:
    page = render({(BLOOM, "ne"): right(1, 2, 3)})
    assert not {"script", "link", "img", "iframe", "object"} & Tables(page).tags
    assert not re.search(r"url\(|@import|https?://", page)


def test_no_evaluation_yet_is_a_page_that_says_so() -> None:
    assert "No language has been evaluated yet" in render({})


def test_lengths_and_translations_stand_below_by_language() -> None:
    lengths = {name: example_report("ne")["lengths"] for name in ("German", "Nepali")}
    outcomes = {name: example_outcomes() for name in ("German", "Tamil", "Nepali")}
    runs = {(BLOOM, "ne"): right(1, 2, 3)}
    page = render_leaderboard(result_tables(runs), dict.fromkeys(runs, NOTHING), lengths, outcomes)
    assert page.index("German, attempt 1") < page.index("Tamil, attempt 1") < page.index("Nepali, attempt 1")
    assert "Nepali 5.5 %, script: 31 (output 30, option_a 1)" in page
    table = page[page.index('id="lengths"') :]
    assert table.index(">German<") < table.index(">Nepali<")
    assert "Tamil" not in table
    assert ">60<" in table


def test_languages_without_lengths_or_translations_are_a_page_too() -> None:
    page = render({(BLOOM, "ne"): right(1, 2, 3)})
    assert "No lengths have been measured yet" in page
    assert "No row was rejected" in page
