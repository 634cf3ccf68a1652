"""A language beside English: the same questions and the same texts, where the English originals are there."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from transformers import BloomConfig, BloomForCausalLM, set_seed

from okapi_kedro import schemas
from okapi_kedro.evaluation.consistency import consistency_with_english
from okapi_kedro.pipelines.evaluation.english import answer_in_english, measure_similarity
from okapi_kedro.pipelines.evaluation.nodes import score_model
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import train_tokenizer

from .tiny_parameters import evaluation_parameters

SAMPLES = Path(__file__).parents[3] / "data" / "01_raw" / "benchmarks"
BENCHMARKS: Any = ("arc", "hellaswag", "mmlu")
HOW = [BenchmarkParameters(name=name, most_rows=None, shots=1) for name in BENCHMARKS]


@pytest.fixture(scope="module")
def english() -> dict[str, pd.DataFrame]:
    tables = {name: pd.read_json(SAMPLES / name / "sample.jsonl", lines=True) for name in BENCHMARKS}
    return {name: pd.concat([table.head(2), table.tail(16)]) for name, table in tables.items()}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    folder = tmp_path_factory.mktemp("bloom")
    tokenizer = train_tokenizer(["Question: What is the capital?\nAnswer: Lima"], 300)
    set_seed(0)
    configuration = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=2, initializer_range=0.3)
    BloomForCausalLM(configuration).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelReference(str(folder))


@pytest.fixture(scope="module")
def answers(model: ModelReference, english: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Of the language, whose questions are the English ones in capitals, but for one that was not translated."""
    arc = english["arc"].assign(instruction=english["arc"]["instruction"].str.upper())
    arc = arc[arc["id"] != english["arc"]["id"].iloc[-1]]
    return score_model(model, arc, english["hellaswag"], english["mmlu"], *HOW, evaluation_parameters(), 0)[1]


def partitions(tables: dict[str, pd.DataFrame]) -> Any:
    """As the catalog gives them, beside the tables of other folders."""
    beside = {"ne/arc": lambda: 1 / 0, "en_source/seeds": lambda: 1 / 0}
    return beside | {f"en_source/{name}": lambda table=table: table for name, table in tables.items()}


def asked(model: ModelReference, answers: pd.DataFrame, tables: dict[str, pd.DataFrame], most: int | None) -> Any:
    return answer_in_english(model, answers, partitions(tables), *HOW, evaluation_parameters(english_questions=most), 0)


def test_the_model_answers_the_english_questions(model, answers, english):
    table = asked(model, answers, {f"english_{name}": rows for name, rows in english.items()}, None)
    schemas.Answers.validate(table)
    _, expected = score_model(model, *english.values(), *HOW, evaluation_parameters(), 0)
    pd.testing.assert_frame_equal(table, expected)
    consistency = consistency_with_english(answers, table)
    schemas.Consistency.validate(consistency)
    by_task = consistency[consistency["metric"] == "acc_norm"].set_index("task")
    assert by_task["value"][["hellaswag", "mmlu"]].tolist() == [1.0, 1.0]
    assert by_task["value"]["arc"] < 1
    questions = table.groupby("task").size()
    assert (questions - by_task["n"]).to_dict() == {"arc": 1, "hellaswag": 0, "mmlu": 0}


def test_no_more_questions_than_the_parameter_says_the_same_for_every_language(model, answers, english):
    tables = {f"english_{name}": rows for name, rows in english.items()}
    few = asked(model, answers, tables, 3)
    assert few.groupby("task").size().to_dict() == dict.fromkeys(BENCHMARKS, 3)
    pd.testing.assert_frame_equal(few, asked(model, answers.tail(3), tables, 3))


def test_only_benchmarks_whose_originals_are_there_are_asked(model, answers, english):
    table = asked(model, answers, {"english_mmlu": english["mmlu"]}, 2)
    assert set(table["task"]) == {"mmlu"}


def test_without_originals_there_are_no_answers_and_no_consistency(model, answers):
    table = asked(model, answers, {}, 2)
    assert table.empty
    schemas.Answers.validate(table)
    consistency = consistency_with_english(answers, table)
    assert consistency.empty
    schemas.Consistency.validate(consistency)


def instructions(*texts: str) -> pd.DataFrame:
    rows = [{"id": f"row-{place}", "instruction": text, "input": "", "output": ""} for place, text in enumerate(texts)]
    return pd.DataFrame(rows).astype("str")


def test_the_base_model_reads_instructions_beside_their_originals(model):
    own, english = instructions("Lima?", "Qué?", "Sí"), instructions("Answer", "Question", "What", "Lima")
    table = measure_similarity(model, own, partitions({"instructions": english}), evaluation_parameters(), 0)
    schemas.EnglishSimilarity.validate(table)
    assert table["n"].tolist() == [3, 3, 3]
    same = measure_similarity(model, own, partitions({"instructions": own}), evaluation_parameters(), 0)
    assert same["similarity"].tolist() == pytest.approx([1.0] * 3)
    assert (table["similarity"] < 0.999).all()


def test_without_originals_there_are_no_layers(model):
    table = measure_similarity(model, instructions("Sí"), partitions({}), evaluation_parameters(), 0)
    schemas.EnglishSimilarity.validate(table)
    assert table.empty
