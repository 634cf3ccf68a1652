"""The tables of results, against sums by hand, a bootstrap over questions and the paper's own languages."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from example_answers import answers

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.paired_comparison import compare_answers
from okapi_kedro.evaluation.result_tables import MODELS, covers, result_tables, right_answers
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.languages import LANGUAGES, UnknownLanguageError

BLOOM, LLAMA = "bigscience/bloom-7b1", "huggyllama/llama-7b"


def run(base: str, sft: str, rlhf: str, task: str = "arc", shots: int = 25) -> pd.DataFrame:
    """Right (1) and wrong (0) answers of each model to as many questions as there are letters."""
    tables = {
        model: answers([1] * len(row), [0] * len(row), norm=[int(each) for each in row], task=task, shots=shots)
        for model, row in zip(MODELS, (base, sft, rlhf), strict=True)
    }
    return right_answers(tables)


def shares(**values: float) -> dict[tuple[str, str], pd.DataFrame]:
    """Runs of BLOOM whose RLHF model has so much of 20 questions right, the others none."""
    return {(BLOOM, code): run("0" * 20, "0" * 20, f"{'1' * round(20 * value):0<20}") for code, value in values.items()}


def test_a_language_has_its_scores_and_its_paired_gain_as_they_are_computed_elsewhere() -> None:
    rng = np.random.default_rng(0)
    tables = {model: answers([0] * 60, rng.integers(0, 3, 60).tolist()) for model in MODELS}
    table = result_tables({(BLOOM, "ne"): right_answers(tables)})
    schemas.ResultTables.validate(table)
    row = table[table["kind"] == "language"].iloc[0]
    assert row[["base_model", "task", "shots", "code", "language", "resource_class"]].tolist() == [
        BLOOM, "arc", 0, "ne", "Nepali", "low",
    ]  # fmt: skip
    assert (row["languages"], row["questions"]) == (1, 60)
    for model in MODELS:
        score = scores_of(tables[model]).set_index("metric").loc["acc_norm"]
        assert [row[model], row[f"{model}_stderr"]] == pytest.approx([score["value"], score["stderr"]])
    gain = compare_answers(tables["base"], tables["rlhf"]).set_index("metric").loc["acc_norm"]
    expected = gain[["difference", "stderr", "p_value"]].tolist()
    assert row[["gain", "gain_stderr", "p_value"]].tolist() == pytest.approx(expected)


def test_the_paper_s_order_then_averages_over_all_and_each_class_then_gaps() -> None:
    table = result_tables(shares(ne=0.2, en=1.0, de=0.5, ar=0.3, fr=0.4))
    values = table.set_index("language")["rlhf"]
    assert values.to_dict() == pytest.approx(
        {
            "English": 1.0,
            "German": 0.5,
            "French": 0.4,
            "Arabic": 0.3,
            "Nepali": 0.2,
            "Average, all": 0.35,
            "Average, high": 0.45,
            "Average, medium": 0.3,
            "Average, low": 0.2,
            "Best minus worst": 0.3,
            "Standard deviation": statistics.stdev([0.5, 0.4, 0.3, 0.2]),
        }
    )
    assert values.index.tolist()[:2] == ["English", "German"]
    assert table["kind"].tolist() == ["language"] * 5 + ["average"] * 4 + ["gap"] * 2
    assert table["resource_class"].tolist()[5:] == ["", "high", "medium", "low", "", ""]
    assert table["languages"].tolist() == [1] * 5 + [4, 2, 1, 1] + [4, 4]


def test_the_gain_of_a_gap_says_whether_it_has_grown() -> None:
    right = {(BLOOM, "de"): run("1100", "1111", "1110"), (BLOOM, "ne"): run("1000", "1000", "0000")}
    gap = result_tables(right).set_index("language").loc["Best minus worst"]
    assert gap[["base", "sft", "rlhf", "gain"]].tolist() == pytest.approx([0.25, 0.75, 0.75, 0.5])
    assert gap[["base_stderr", "gain_stderr", "p_value"]].isna().all()


def test_one_language_has_no_gap_and_english_alone_no_average() -> None:
    assert result_tables(shares(ne=0.5))["kind"].tolist() == ["language", "average", "average"]
    assert result_tables(shares(en=0.5))["kind"].tolist() == ["language"]
    assert result_tables(shares(en=0.5, ne=0.2))["kind"].tolist() == ["language"] * 2 + ["average"] * 2


def bootstrap(tables: list[pd.DataFrame], draws: int = 4000) -> float:
    """Spread of the mean over languages when questions are drawn anew, the same ones in every language."""
    rng = np.random.default_rng(1)
    ids = sorted(set().union(*(table.index for table in tables)))
    values = np.array([table["rlhf"].reindex(ids).to_numpy() for table in tables])
    drawn = rng.integers(0, len(ids), (draws, len(ids)))
    return float(np.std([np.nanmean(values[:, places], axis=1).mean() for places in drawn]))


@pytest.mark.parametrize("missing", [0, 30])
def test_errors_of_averages_are_those_of_a_bootstrap_over_questions(missing: int) -> None:
    rng = np.random.default_rng(2)
    hard = rng.random(150)
    right = {}
    for code in ("de", "fr", "es", "it"):
        known = "".join(str(int(each)) for each in rng.random(150) < 0.7 * hard + 0.15)
        right[BLOOM, code] = run("0" * 150, "0" * 150, known).iloc[: 150 - missing if code == "it" else 150]
    table = result_tables(right).set_index("language")
    error = table.at["Average, all", "rlhf_stderr"]
    assert error == pytest.approx(bootstrap([each.droplevel(["task", "shots"]) for each in right.values()]), rel=0.06)
    own = table.loc[table["kind"] == "language", "rlhf_stderr"]
    independent = math.sqrt((own**2).sum()) / 4
    assert independent * 1.1 < error < own.mean()


def test_equal_answers_in_two_languages_are_no_more_than_one() -> None:
    same = run("0011", "0011", "0111")
    table = result_tables({(BLOOM, "de"): same, (BLOOM, "fr"): same}).set_index("language")
    for column in ("base_stderr", "rlhf_stderr", "gain_stderr"):
        assert table.at["Average, all", column] == pytest.approx(table.at["German", column])
    assert table.at["Average, all", "questions"] == 4


def test_llama_s_tables_lack_the_languages_that_llama_does_not_know() -> None:
    right = {(name, code): run("01", "01", "11") for name in (BLOOM, LLAMA) for code in ("de", "hi", "zh", "uk")}
    table = result_tables(right)
    languages = table[table["kind"] == "language"].groupby("base_model")["code"].agg(list).to_dict()
    assert languages == {BLOOM: ["de", "zh", "uk", "hi"], LLAMA: ["de", "uk"]}
    averaged = table[table["language"] == "Average, all"].set_index("base_model")["languages"].to_dict()
    assert averaged == {BLOOM: 4, LLAMA: 2}


@pytest.mark.parametrize("name", ["huggyllama/llama-7b", "decapoda-research/llama-13b-hf", "/models/LLaMA_30B"])
def test_fourteen_of_the_papers_languages_are_in_its_tables_of_llama(name: str) -> None:
    assert sum(covers(name, code) for code in LANGUAGES if code != "en") == 14


@pytest.mark.parametrize("name", [BLOOM, "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-3.1-8B", "embedded"])
def test_other_models_are_shown_in_every_language(name: str) -> None:
    assert all(covers(name, code) for code in LANGUAGES)


def test_a_benchmark_with_other_shots_is_another_table() -> None:
    right = {
        (BLOOM, "de"): pd.concat([run("01", "01", "01", "mmlu"), run("01", "01", "01")]),
        (BLOOM, "ne"): run("01", "01", "11", shots=0),
    }
    table = result_tables(right)
    languages = table[table["kind"] == "language"][["task", "shots", "code"]].to_numpy().tolist()
    assert languages == [["arc", 0, "ne"], ["arc", 25, "de"], ["mmlu", 25, "de"]]


def test_a_single_question_has_no_error() -> None:
    row = result_tables({(BLOOM, "ne"): run("0", "0", "1")}).iloc[0]
    assert row["gain"] == 1
    assert row[["base_stderr", "gain_stderr"]].isna().all()


def test_models_that_were_asked_other_questions_are_an_error_that_names_the_first() -> None:
    tables = {model: answers([0, 1], [0, 1], task="mmlu") for model in MODELS}
    with pytest.raises(UserError, match="1 questions were not asked of all models, first mmlu q1"):
        right_answers({**tables, "sft": tables["sft"].head(1)})


def test_a_language_that_nobody_knows_is_not_dropped_in_silence() -> None:
    with pytest.raises(UnknownLanguageError, match="xx"):
        result_tables({(BLOOM, "xx"): run("0", "0", "1")})


def test_no_runs_are_an_empty_table_of_the_same_columns() -> None:
    table = result_tables({})
    assert table.empty
    schemas.ResultTables.validate(table)
