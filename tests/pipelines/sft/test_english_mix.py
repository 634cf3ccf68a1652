"""English rows among those of another language: so many as asked for, never held out, the same ones every time."""

import logging
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.sft.nodes import SftParameters, build_sft_examples, set_aside_long_examples
from okapi_kedro.training.prompt import ENGLISH

Tables = dict[str, Callable[[], pd.DataFrame]]
ROWS = 200
FULL: dict[str, Any] = {"kind": "none", "rank": 4, "alpha": 8, "dropout": 0.0, "modules": "all-linear"}
RECIPE = {"loss_on": "completion", "batching": "padded", "adapter": FULL}


def rows(text: str, count: int = ROWS) -> pd.DataFrame:
    """So many rows, half of them for SFT, a tenth of these held out."""
    numbers = range(count)
    return pd.DataFrame(
        {
            "id": [f"row-{n}" for n in numbers],
            "split": ["sft" if n % 2 else ("ranking", "rl")[n // 2 % 2] for n in numbers],
            "held_out": [n % 20 == 1 for n in numbers],
            "instruction": [f"{text} {n}?" for n in numbers],
            "input": "",
            "output": [f"{text}: {n}" for n in numbers],
        }
    )


def tables(english: pd.DataFrame) -> Tables:
    return {
        "en_source/instructions": lambda: english.drop(columns=["split", "held_out"]).assign(source="alpaca"),
        "en_source/instruction_splits": lambda: english[["id", "split", "held_out"]],
    }


def parameters(mix: float, splits: tuple[str, ...] = ("sft",)) -> SftParameters:
    training = {
        "epochs": 1,
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "warmup_steps": 0,
        "batch_size": 8,
        "micro_batch_size": 8,
        "weight_decay": 0.0,
        "max_length": 64,
        "precision": "float32",
        "gradient_checkpointing": False,
        "log_steps": 1,
    }
    answers = {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 8, "batch_size": 4}
    given: dict[str, Any] = {
        "splits": list(splits),
        "training": training,
        "recipe": RECIPE,
        "checked_rows": 4,
        "answers": answers,
    }
    return SftParameters(**given, english_mix=mix)


def examples(mix: float, language: str = "ne", seed: int = 1, **changes: Any) -> pd.DataFrame:
    given = {"translated": rows("प्रश्न"), "english_tables": tables(rows("Question")), **changes}
    return build_sft_examples(**given, template=ENGLISH, parameters=parameters(mix), language=language, seed=seed)


def english_ids(table: pd.DataFrame) -> list[str]:
    return table.loc[table["language"] == "en", "id"].tolist()


@pytest.mark.parametrize("mix", [0.05, 0.2, 0.3, 0.5])
def test_the_share_is_that_of_the_rows_trained_on(mix: float) -> None:
    table = examples(mix)
    trained = table[~table["held_out"]]
    assert (trained["language"] == "ne").sum() == 90
    assert (trained["language"] == "en").mean() == pytest.approx(mix, abs=0.005)
    schemas.SftExamples.validate(table)


def test_english_rows_are_english_of_the_same_splits_and_never_held_out() -> None:
    table = examples(0.4)
    english = table[table["language"] == "en"]
    source = rows("Question").set_index("id").loc[english["id"]]
    assert len(english) == 60
    assert set(source["split"]) == {"sft"}
    assert not source["held_out"].any()
    assert not english["held_out"].any()
    assert all("Question" in prompt for prompt in english["prompt"])
    assert all(text.strip().startswith("Question: ") for text in english["completion"])


def test_a_row_that_the_language_holds_out_is_not_trained_on_in_english_either() -> None:
    published = rows("प्रश्न").assign(held_out=lambda table: table["id"].isin(["row-3", "row-5", "row-199"]))
    chosen = set()
    for seed in range(20):
        chosen |= set(english_ids(examples(0.4, seed=seed, translated=published)))
    assert not chosen & {"row-3", "row-5", "row-199"}
    assert not chosen & {"row-1", "row-21"}, "held out in English"
    assert len(chosen) == 100 - 3 - 10


def test_the_choice_depends_on_ids_and_seed_alone_and_a_larger_share_holds_a_smaller_one() -> None:
    few, many = english_ids(examples(0.1)), english_ids(examples(0.3))
    assert len(few) == 10
    assert many[: len(few)] == few
    turned = rows("Question").iloc[::-1].reset_index(drop=True)
    assert english_ids(examples(0.3, english_tables=tables(turned))) == many
    assert set(english_ids(examples(0.3, seed=2))) != set(many)


def test_without_a_share_no_english_table_is_asked_for() -> None:
    table = examples(0.0, english_tables={})
    assert set(table["language"]) == {"ne"}
    assert len(table) == 100
    assert table["held_out"].sum() == 10
    schemas.SftExamples.validate(table)


def test_a_language_without_rows_gets_no_english_ones() -> None:
    table = examples(0.3, translated=rows("x").head(0))
    assert len(table) == 0
    schemas.SftExamples.validate(table)


def test_for_english_the_share_is_ignored_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        table = examples(0.2, language="en", english_tables={}, translated=rows("Question"))
    assert len(table) == 100
    assert "sft.english_mix=0.2 is ignored for English" in caplog.text
    caplog.clear()
    examples(0.0, language="en", english_tables={})
    assert not caplog.text


def test_too_few_english_rows_are_an_error_with_both_numbers() -> None:
    with pytest.raises(UserError, match=r"english_mix=0\.6 needs 135 English rows .* 90 are there; lower it"):
        examples(0.6)


@pytest.mark.parametrize("missing", ["en_source/instructions", "en_source/instruction_splits"])
def test_english_rows_that_do_not_exist_are_named_with_the_pipeline_that_makes_them(missing: str) -> None:
    given = {name: load for name, load in tables(rows("Question")).items() if name != missing}
    with pytest.raises(UserError, match=rf"{missing}\.parquet.*run the pipeline generation first"):
        examples(0.2, english_tables=given)


@pytest.mark.parametrize("mix", [-0.1, 1.0, 1.5, float("nan"), "much"])
def test_a_share_outside_its_range_is_refused(mix: Any) -> None:
    with pytest.raises(ValidationError, match="english_mix"):
        parameters(mix)


class Letters:
    """A base model whose tokens are letters."""

    def tokenizer(self) -> Callable[[list[str]], dict[str, list[list[str]]]]:
        return lambda texts: {"input_ids": [list(text) for text in texts]}


def test_a_row_and_its_english_original_are_told_apart_when_one_is_too_long() -> None:
    table = examples(0.2).assign(prompt="p")
    long = (table["language"] == "en") & (table.index % 2 == 0)
    changed = table.assign(completion=table["completion"].where(~long, "x" * 100))
    kept, rejected = set_aside_long_examples(changed, Letters(), parameters(0.2))  # type: ignore[arg-type]
    assert len(kept) + len(rejected) == len(table)
    assert rejected["language"].tolist() == ["en"] * int(long.sum())
    assert set(rejected["id"]) == set(table.loc[long, "id"])
