"""The leaderboard over languages."""

import math
from pathlib import Path

import pandas as pd
import pytest
from example_run import example_evaluation, example_outcomes, example_report

from okapi_kedro.errors import UserError
from okapi_kedro.languages import UnknownLanguageError
from okapi_kedro.reporting.leaderboard import leaderboard, render_leaderboard


def scores(**values: float) -> pd.DataFrame:
    """One benchmark's scores, acc_norm by model."""
    rows = [
        {
            "model": model,
            "task": "arc",
            "metric": metric,
            "shots": 25,
            "value": value,
            "stderr": 0.01,
            "n": 9,
            "truncated": 0,
        }
        for model, value in values.items()
        for metric, value in (("acc", 0.99), ("acc_norm", value))
    ]
    return pd.DataFrame(rows)


def test_languages_stand_in_the_papers_order_with_their_class() -> None:
    table = leaderboard({"ne": scores(sft=0.3), "de": scores(sft=0.4), "ar": scores(sft=0.5)})
    assert table["code"].tolist() == ["de", "ar", "ne", "", "", "", ""]
    assert table["language"].tolist()[:4] == ["German", "Arabic", "Nepali", "Average, all"]
    assert table["resource_class"].tolist() == ["high", "medium", "low", "", "high", "medium", "low"]


def test_cells_are_acc_norm_by_benchmark_shots_and_model() -> None:
    table = leaderboard({"ne": example_evaluation()})
    expected = [
        f"{task} {model}"
        for task in ("arc 25-shot", "hellaswag 0-shot", "mmlu 25-shot")
        for model in ("base", "sft", "rlhf")
    ]
    assert table.columns.tolist() == ["code", "language", "resource_class", *expected]
    assert table.loc[0, "hellaswag 0-shot sft"] == pytest.approx(0.392)


def test_averages_are_the_means_over_all_languages_and_per_class() -> None:
    values = {"de": 0.50, "fr": 0.40, "ar": 0.30, "ne": 0.20}
    table = leaderboard({code: scores(sft=value) for code, value in values.items()}).set_index("language")
    averages = table.loc[table["code"] == "", "arc 25-shot sft"]
    assert averages.to_dict() == pytest.approx(
        {"Average, all": 0.35, "Average, high": 0.45, "Average, medium": 0.30, "Average, low": 0.20}
    )


def test_english_is_shown_but_enters_no_average() -> None:
    table = leaderboard({"en": scores(sft=0.9), "de": scores(sft=0.5)}).set_index("language")["arc 25-shot sft"]
    assert table["English"] == 0.9
    assert table["Average, all"] == table["Average, high"] == 0.5
    assert leaderboard({"en": scores(sft=0.9)})["code"].tolist() == ["en"]


def test_models_are_averaged_over_the_same_languages() -> None:
    table = leaderboard({"de": scores(base=0.2, sft=0.3), "ne": scores(base=0.1)}).set_index("language")
    base, sft = table["arc 25-shot base"], table["arc 25-shot sft"]
    assert (base["Average, all"], sft["Average, all"]) == (0.2, 0.3)
    assert math.isnan(sft["Nepali"])
    assert math.isnan(base["Average, low"])


def test_scores_with_other_shots_are_another_column() -> None:
    table = leaderboard({"de": scores(sft=0.3), "ne": scores(sft=0.2).assign(shots=0)})
    assert set(table.columns[3:]) == {"arc 25-shot sft", "arc 0-shot sft"}


def test_two_scores_for_one_model_are_an_error_that_names_language_and_model() -> None:
    twice = pd.concat([scores(sft=0.3), scores(sft=0.4)])
    with pytest.raises(UserError, match=r"ne.*arc 25-shot sft"):
        leaderboard({"ne": twice})


def test_a_language_that_nobody_knows_is_not_dropped_in_silence() -> None:
    with pytest.raises(UnknownLanguageError, match="xx"):
        leaderboard({"ne": scores(sft=0.3), "xx": scores(sft=0.3)})


def test_the_table_survives_parquet(tmp_path: Path) -> None:
    table = leaderboard({"ne": scores(base=0.2, sft=0.3), "de": scores(base=0.1)})
    table.to_parquet(tmp_path / "leaderboard.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "leaderboard.parquet"), table)


def test_the_page_shows_percentages_gaps_and_the_highest_model() -> None:
    page = render_leaderboard(leaderboard({"ne": scores(base=0.251, sft=0.334), "de": scores(base=0.4)}), {}, {})
    assert "ARC, 25-shot" in page
    assert 'best">33.4<' in page
    assert 'best">25.1<' not in page
    assert 'best">40.0<' in page
    assert ">–<" in page


def test_a_models_name_cannot_become_markup() -> None:
    page = render_leaderboard(leaderboard({"ne": scores(**{"<script>x</script>": 0.3})}), {}, {})
    assert "<script" not in page
    assert "&lt;script&gt;x" in page


def test_no_evaluation_yet_is_a_page_that_says_so() -> None:
    assert "No language has been evaluated yet" in render_leaderboard(leaderboard({}), {}, {})


def test_lengths_and_translations_stand_below_by_language_in_the_papers_order() -> None:
    lengths = {code: example_report("ne")["lengths"] for code in ("ne", "de")}
    outcomes = {code: example_outcomes() for code in ("ta", "ne", "de")}
    page = render_leaderboard(leaderboard({"ne": scores(base=0.2)}), lengths, outcomes)
    assert page.index("German, attempt 1") < page.index("Tamil, attempt 1") < page.index("Nepali, attempt 1")
    assert "Nepali 5.5 %, script: 31 (output 30, option_a 1)" in page
    table = page[page.index('id="lengths"') :]
    assert table.index(">German<") < table.index(">Nepali<")
    assert "Tamil" not in table
    assert ">60<" in table


def test_languages_without_lengths_or_translations_are_a_page_too() -> None:
    page = render_leaderboard(leaderboard({"ne": scores(base=0.2)}), {}, {})
    assert "No lengths have been measured yet" in page
    assert "No row was rejected" in page


def test_lengths_of_a_language_that_nobody_knows_are_not_dropped_in_silence() -> None:
    with pytest.raises(UnknownLanguageError, match="xx"):
        render_leaderboard(leaderboard({}), {"xx": example_report("ne")["lengths"]}, {})
