"""The leaderboard is made of what runs have left in their languages' folders, and says what it cannot use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.languages import UnknownLanguageError
from okapi_kedro.pipelines.reporting.leaderboard import build_leaderboard
from okapi_kedro.pipelines.reporting.nodes import count_outcomes, measure_lengths

BLOOM, LLAMA = "bigscience/bloom-7b1", "huggyllama/llama-7b"
TRANSLATED = pd.DataFrame(
    [
        {"id": id, "split": split, "instruction": text, "input": "", "output": "चार", "attempts": attempts}
        for id, split, text, attempts in (("a", "sft", "एक दुई", 1), ("b", "rl", "तीन", 2))
    ]
)
Partitions = dict[str, Callable[[], Any]]


def answers(right: str) -> pd.DataFrame:
    """One row per letter, right where it is 1."""
    table = pd.DataFrame(
        {"id": [f"q{place}" for place in range(len(right))], "chosen_norm": [int(one) for one in right]}
    )
    return table.assign(task="arc", shots=25, gold=1)


def run(folder: str, base_model: str = BLOOM, rlhf: str = "1110") -> Partitions:
    """What an evaluation leaves in a folder, as the catalog gives it."""
    tables = {
        "evaluation": pd.DataFrame({"base_model": [base_model] * 2, "model": ["base", "rlhf"]}),
        "base_answers": answers("1000"),
        "sft_answers": answers("1100"),
        "rlhf_answers": answers(rlhf),
        "english_answers": answers("1111"),
    }
    return {f"{folder}/{name}": lambda table=table: table for name, table in tables.items()}


def without(partitions: Partitions, place: str) -> Partitions:
    return {name: load for name, load in partitions.items() if name != place}


def languages(table: pd.DataFrame) -> list[tuple[str, str]]:
    rows = table[table["kind"] == "language"]
    return list(zip(rows["base_model"], rows["code"], strict=True))


def test_it_is_read_from_the_languages_folders_and_from_nothing_else() -> None:
    beside = ("leaderboard", "vi/publish/dataset/data/arc/test", "vi/sft_evaluation", "ta/base_answers")
    results = {**run("vi"), **run("data/ne", rlhf="1000"), **dict.fromkeys(beside, lambda: 1 / 0)}
    table, for_csv, page = build_leaderboard(results)
    schemas.ResultTables.validate(table)
    pd.testing.assert_frame_equal(table, for_csv)
    assert languages(table) == [(BLOOM, "vi"), (BLOOM, "ne")]
    by_name = table.set_index("language")
    assert by_name.loc["Vietnamese", ["base", "sft", "rlhf", "gain"]].tolist() == [0.25, 0.5, 0.75, 0.5]
    assert by_name.at["Best minus worst", "rlhf"] == 0.5
    assert ">Vietnamese " in page


def test_lengths_and_translations_are_shown_of_languages_that_were_not_evaluated_too() -> None:
    results = {
        **run("vi"),
        "ne/text_lengths": lambda: measure_lengths(TRANSLATED, {}),
        "ta/translation_outcomes": lambda: count_outcomes(instructions=TRANSLATED),
    }
    page = build_leaderboard(results)[2]
    assert "Tamil, attempt 2: 50.0 %" in page
    assert ">Nepali<" in page[page.index('id="lengths"') :]


def test_what_a_language_shares_with_english_is_shown_as_far_as_it_was_measured() -> None:
    consistency = pd.DataFrame({"task": ["arc"], "metric": ["acc_norm"], "value": [0.321]})
    similarity = pd.DataFrame({"layer": [0, 1, 2], "similarity": [0.1, 0.6, 0.7], "unrelated": [0.0, 0.3, 0.4]})
    measured = {"vi/consistency": lambda: consistency, "vi/english_similarity": lambda: similarity}
    page = build_leaderboard({**run("vi"), **run("ne"), **measured})[2]
    assert ">32.1<" in page
    assert "0.650 " in page
    assert "(0.350)" in page


def test_base_models_of_several_environments_stand_one_below_the_other() -> None:
    results = {
        **run("paper/08_reporting/vi"),
        **run("paper/08_reporting/de"),
        **run("paper_llama/08_reporting/de", LLAMA),
        **run("paper_llama/08_reporting/vi", LLAMA),
        "paper/08_reporting/de/text_lengths": lambda: measure_lengths(TRANSLATED, {}),
        "paper_llama/08_reporting/de/text_lengths": lambda: measure_lengths(TRANSLATED, {}),
    }
    table, _, page = build_leaderboard(results)
    assert languages(table) == [(BLOOM, "de"), (BLOOM, "vi"), (LLAMA, "de")]
    assert f"in no table of {LLAMA}, as in the paper, because LLaMA does not know them: Vietnamese." in page
    assert ">German (paper/08_reporting/de)<" in page
    assert ">German (paper_llama/08_reporting/de)<" in page


def test_two_runs_of_one_language_on_one_model_are_an_error_that_names_both() -> None:
    with pytest.raises(UserError, match=f"a/ne and b/ne both hold ne on {BLOOM}"):
        build_leaderboard({**run("a/ne"), **run("b/ne")})


def test_an_evaluation_that_does_not_name_its_base_model_is_an_error_that_says_what_to_run() -> None:
    old = {**run("vi"), "vi/evaluation": lambda: pd.DataFrame({"model": ["base"]})}
    with pytest.raises(UserError, match=r"vi/evaluation.* kedro run --pipeline=evaluation --params lang=vi"):
        build_leaderboard(old)


def test_an_evaluation_without_its_answers_is_an_error_that_names_them() -> None:
    with pytest.raises(UserError, match="vi/sft_answers is not there"):
        build_leaderboard(without(run("vi"), "vi/sft_answers"))


def test_results_without_an_evaluation_are_a_page_without_scores() -> None:
    table, _, page = build_leaderboard({"leaderboard": lambda: 1 / 0})
    assert len(table) == 0
    schemas.ResultTables.validate(table)
    assert "No language has been evaluated yet" in page


@pytest.mark.parametrize("name", ["evaluation", "text_lengths", "translation_outcomes"])
def test_a_folder_that_is_no_language_is_named(name: str) -> None:
    with pytest.raises(UnknownLanguageError, match="'backup'"):
        build_leaderboard({f"backup/{name}": lambda: 1 / 0})


def test_a_run_reads_the_results_of_a_folder_that_it_is_given(project: Path, kedro: Callable[..., Result]) -> None:
    for place, load in {**run("bloom/08_reporting/de"), **run("llama/08_reporting/de", LLAMA)}.items():
        path = project / "elsewhere" / f"{place}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        load().to_parquet(path)
    result = kedro("run", "--env", "test", "--pipeline=leaderboard", "--params", "results=elsewhere")
    assert result.exit_code == 0, result.output
    made = project / "data" / "test" / "08_reporting"
    table = pd.read_parquet(made / "leaderboard.parquet")
    assert languages(table) == [(BLOOM, "de"), (LLAMA, "de")]
    written = pd.read_csv(
        made / "leaderboard.csv", dtype={"code": "str"}, keep_default_na=False, na_values={"p_value": ""}
    )
    assert written["language"].tolist() == table["language"].tolist()
    assert written["gain"].tolist() == table["gain"].tolist()
    assert "ARC, 25-shot" in (made / "leaderboard.html").read_text(encoding="utf-8")
