"""The schemas of the tables: they let the right tables pass, empty ones too, and name the column that is wrong."""

import math
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.errors import SchemaError, SchemaErrors

from okapi_kedro import schemas

TEXT = dict.fromkeys(("instruction", "input", "output"), "text")
LETTERED = {"instruction": "q", **{f"option_{letter}": letter for letter in "abcd"}, "answer": "A", "split": "test"}
ROWS: dict[type[pa.DataFrameModel], dict[str, Any]] = {
    schemas.Instructions: {"id": "a", "source": "seed", **TEXT},
    schemas.InstructionSplits: {"id": "a", "split": "sft", "held_out": False},
    schemas.InstructionVerbs: {"id": "a", "verb": "write", "object": ""},
    schemas.Rejected: {"id": "a", "reason": "why", "raw": ""},
    schemas.Defects: {"defect": "link", "rows": 0, "action": "keep"},
    schemas.RejectedCandidates: {"id": "a", "reason": "why", "nearest_id": "", "rouge_l": None, "raw": ""},
    schemas.TranslatedInstructions: {"id": "a", "split": "rl", "held_out": True, **TEXT, "attempts": 0},
    schemas.SftExamples: {"id": "a", "language": "ne", "prompt": "p", "completion": "c", "held_out": True},
    schemas.Responses: {"id": "a", "k": 0, "response": "", "finish_reason": "stop", "repeats": False},
    schemas.RankedResponses: {
        **{"id": "a", "k": 0, "rank": 1, "english_response": "", "shown_position": 1},
        **{"second_rank": 0, "agreement": None},
    },
    schemas.JudgeQuality: {"figure": "best", "position": 1, "value": 0.25, "n": 1},
    schemas.Preferences: {"id": "a", "pair": 0, "prompt": "p", "chosen": "c", "rejected": "r", "held_out": True},
    schemas.RewardMargins: {
        **{"id": "a", "pair": 0, "chosen_reward": 1.5, "rejected_reward": -0.5, "margin": 2.0, "rank_distance": None},
        **{"chosen_tokens": 3, "rejected_tokens": 0, "chosen_characters": 9, "rejected_characters": 0},
    },
    schemas.RlAnswers: {"step": 0, "prompt": "p", "response": "", "reward": -1.5},
    schemas.Arc: {"id": "a", **LETTERED, "option_e": ""},
    schemas.HellaSwag: {
        **dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx", "source_id", "split_type"), "text"),
        "ind": 0,
        "endings": ["a", "b", "c", "d"],
        "split": "test",
        "label": 3,
    },
    schemas.Mmlu: {"id": "a", **LETTERED},
    schemas.TextLengths: {
        **{"part": "all", "text": "prompt", "unit": "tokens", "rows": 1},
        **{"mean": 2.5, "english_mean": None, "ratio": None},
    },
    schemas.TranslationOutcomes: {"table": "arc", "attempts": 0, "reason": "", "field": "", "rows": 1},
    schemas.TrainingLog: {
        **{"step": 1, "epoch": 0.5, "loss": None, "learning_rate": 0.0, "grad_norm": None, "tokens": 0},
        **{"seconds": 0.1, "tokens_per_second": None, "peak_memory": 10**12},
    },
    schemas.Scores: {"task": "arc", "metric": "acc", "shots": 0, "value": 1.0, "stderr": 0.0, "n": 1, "truncated": 0},
    schemas.HeldOutPrompts: {**{"id": "a", "instruction": "Add.", "input": ""}, **{"prompt": "Add.", "reference": "2"}},
    schemas.HeldOutResponses: {"id": "a", "response": "", "finish_reason": "stop"},
    schemas.Verdicts: {
        **{"id": "a", "model": "sft", "rival": "base", "verdict": "tie", "identical": False},
        **{"shown_first": "win", "shown_second": "loss"},
    },
    schemas.RejectedComparisons: {"id": "a", "model": "sft", "rival": "base", "reason": "no JSON object", "raw": ""},
    schemas.SideBySide: {
        **{"id": "a", "instruction": "Add.", "input": "", "reference": "2", "base": "", "sft": "2", "rlhf": "3"},
        **{"sft_against_base": "win", "rlhf_against_sft": ""},
    },
    schemas.WinRates: {
        **{"model": "sft", "rival": "base", "n": 2, "wins": 1, "ties": 1, "losses": 0, "win_rate": 0.75},
        **{"low": 0.3, "high": 0.95, "p_value": 1.0, "judged": 1, "changed": None, "first_preferred": None},
    },
    schemas.Chrf: {"model": "base", "chrf": None, "chrf_stderr": None, "n": 0},
    schemas.Answers: {
        **{"task": "arc", "id": "a", "shots": 0, "gold": 3, "chosen": 0, "chosen_norm": 3},
        **{"log_likelihoods": [-1.5, -2.0, -3.0, -1.6], "truncated": False},
    },
    schemas.Comparison: {
        **{"before": "sft", "after": "rlhf", "task": "arc", "metric": "acc", "n": 2, "difference": -0.5},
        **{"stderr": math.nan, "gained": 0, "lost": 1, "p_value": 1.0},
    },
    schemas.Consistency: {"task": "arc", "metric": "acc_norm", "value": 0.5, "stderr": math.nan, "n": 2, "moved": 0},
    schemas.EnglishSimilarity: {"layer": 0, "similarity": 1.0, "stderr": math.nan, "unrelated": -0.5, "n": 1},
    schemas.ResultTables: {
        **{"base_model": "bloom", "task": "arc", "shots": 0, "kind": "gap", "code": "", "language": "Best minus worst"},
        **{"resource_class": "", "languages": 2, "questions": 0, "p_value": math.nan},
        **dict.fromkeys(("base", "sft", "rlhf", "gain"), 0.5),
        **dict.fromkeys(("base_stderr", "sft_stderr", "rlhf_stderr", "gain_stderr"), math.nan),
    },
}  # fmt: skip
ROWS[schemas.Evaluation] = {**ROWS[schemas.Scores], "model": "base", "base_model": "bloom"}
ROWS[schemas.AllInstructions] = {**ROWS[schemas.Instructions], "max_rouge_l": None, "nearest_id": ""}
ROWS[schemas.SftLog] = {
    **ROWS[schemas.TrainingLog],
    **dict.fromkeys(("entropy", "mean_token_accuracy"), None),
    **{"eval_loss": 2.5, "eval_entropy": 0.0, "eval_mean_token_accuracy": 1.0},
}
ROWS[schemas.RewardLog] = {
    **ROWS[schemas.TrainingLog],
    **{"min_reward": -1.5, "mean_reward": 0.0, "max_reward": 2.0, "accuracy": 0.5, "margin": -0.1},
}
LOGGED = ("loss", "learning_rate", "grad_norm", "tokens_per_second", "entropy", "mean_token_accuracy")
EVALUATED = ("eval_loss", "eval_entropy", "eval_mean_token_accuracy")
NUMBERS = {
    **dict.fromkeys((*LOGGED, *EVALUATED), "float64"),
    **dict.fromkeys(("rouge_l", "max_rouge_l", "mean", "english_mean", "ratio", "agreement"), "float64"),
    **dict.fromkeys(("changed", "first_preferred", "chrf", "chrf_stderr"), "float64"),
    "rank_distance": "Int64",
}


def table(schema: type[pa.DataFrameModel], **changes: Any) -> pd.DataFrame:
    row = {**ROWS[schema], **changes}
    numbers = {name: kind for name, kind in NUMBERS.items() if name in row}
    return pd.DataFrame([row]).astype(numbers)


def test_every_schema_is_tested_here() -> None:
    theirs = {each for each in vars(schemas).values() if isinstance(each, type) and issubclass(each, schemas._Table)}
    assert theirs - {schemas._Table} == set(ROWS)


@pytest.mark.parametrize("schema", ROWS)
def test_a_right_row_passes_and_so_does_no_row(schema: type[pa.DataFrameModel]) -> None:
    assert len(schema.validate(table(schema))) == 1
    assert len(schema.validate(table(schema).head(0))) == 0


@pytest.mark.parametrize("schema", ROWS)
def test_a_missing_and_a_surplus_column_are_named(schema: type[pa.DataFrameModel]) -> None:
    for column in ROWS[schema]:
        with pytest.raises(SchemaError, match=column):
            schema.validate(table(schema).drop(columns=column))
    with pytest.raises((SchemaError, SchemaErrors), match="surplus"):
        schema.validate(table(schema, surplus=1))


@pytest.mark.parametrize("schema", ROWS)
def test_a_missing_value_is_refused_in_every_column_but_the_score_of_the_nearest_text(
    schema: type[pa.DataFrameModel],
) -> None:
    for column in set(ROWS[schema]) - set(NUMBERS):
        with pytest.raises(SchemaError, match=column):
            schema.validate(table(schema, **{column: None}))


@pytest.mark.parametrize(
    ("schema", "column", "value"),
    [
        (schemas.Instructions, "source", "web"),
        (schemas.Instructions, "instruction", ""),
        (schemas.InstructionSplits, "split", "test"),
        (schemas.InstructionSplits, "held_out", "no"),
        (schemas.Rejected, "reason", ""),
        (schemas.RejectedCandidates, "rouge_l", 1.01),
        (schemas.TranslatedInstructions, "attempts", -1),
        (schemas.Responses, "finish_reason", "error"),
        (schemas.RankedResponses, "rank", 0),
        (schemas.RankedResponses, "shown_position", 0),
        (schemas.RankedResponses, "second_rank", -1),
        (schemas.RankedResponses, "agreement", 1.1),
        (schemas.JudgeQuality, "figure", "beauty"),
        (schemas.JudgeQuality, "n", 0),
        (schemas.RewardMargins, "rank_distance", 0),
        (schemas.RewardMargins, "rejected_tokens", -1),
        (schemas.Arc, "answer", "F"),
        (schemas.Arc, "answer", "1"),
        (schemas.Mmlu, "answer", "E"),
        (schemas.Mmlu, "split", "dev"),
        (schemas.HellaSwag, "label", 4),
        (schemas.HellaSwag, "label", -1),
        (schemas.TextLengths, "part", "test"),
        (schemas.TextLengths, "unit", "words"),
        (schemas.TextLengths, "ratio", -0.5),
        (schemas.TranslationOutcomes, "table", "truthfulqa"),
        (schemas.TranslationOutcomes, "rows", 0),
        (schemas.Scores, "value", 1.5),
        (schemas.Scores, "n", 0),
        (schemas.TrainingLog, "step", 0),
        (schemas.TrainingLog, "tokens", -1),
        (schemas.SftLog, "eval_loss", -0.1),
        (schemas.RewardLog, "accuracy", 1.1),
        (schemas.HeldOutResponses, "finish_reason", "error"),
        (schemas.Verdicts, "verdict", ""),
        (schemas.Verdicts, "shown_first", "draw"),
        (schemas.RejectedComparisons, "reason", ""),
        (schemas.SideBySide, "sft_against_base", "draw"),
        (schemas.WinRates, "high", 1.1),
        (schemas.WinRates, "n", 0),
        (schemas.Chrf, "chrf", 101.0),
    ],
)
def test_a_value_outside_its_range_is_refused_by_column(
    schema: type[pa.DataFrameModel], column: str, value: object
) -> None:
    with pytest.raises(SchemaError, match=column):
        schema.validate(table(schema, **{column: value}))


KEYS = {
    schemas.Responses: ("id", "k"),
    schemas.RankedResponses: ("id", "k"),
    schemas.JudgeQuality: ("figure", "position"),
    schemas.Preferences: ("id", "pair"),
    schemas.RewardMargins: ("id", "pair"),
    schemas.HellaSwag: ("ind", "split"),
    schemas.SftExamples: ("id", "language"),
    schemas.Verdicts: ("id", "model", "rival"),
    schemas.RejectedComparisons: ("id", "model", "rival"),
    schemas.WinRates: ("model", "rival"),
    schemas.Chrf: ("model",),
    **dict.fromkeys((schemas.HeldOutPrompts, schemas.HeldOutResponses, schemas.SideBySide), ("id",)),
    schemas.TextLengths: ("part", "text", "unit"),
    schemas.TranslationOutcomes: ("table", "attempts", "reason", "field"),
    **dict.fromkeys((schemas.Instructions, schemas.InstructionSplits, schemas.TranslatedInstructions), ("id",)),
    **dict.fromkeys((schemas.RejectedCandidates, schemas.Arc, schemas.Mmlu), ("id",)),
}
OTHER = {
    **{"id": "b", "k": 1, "pair": 1, "ind": 1, "split": "train", "language": "en"},
    **{"model": "rlhf", "rival": "sft"},
    **{"figure": "mean_rank", "position": 2},
    **{"part": "rl", "text": "output", "unit": "characters"},
    **{"table": "mmlu", "attempts": 1, "reason": "script", "field": "output"},
}


@pytest.mark.parametrize("schema", KEYS)
def test_a_key_stands_once_and_each_part_of_it_may_repeat(schema: type[pa.DataFrameModel]) -> None:
    twice = pd.concat([table(schema), table(schema)], ignore_index=True)
    with pytest.raises(SchemaError):
        schema.validate(twice)
    for part in KEYS[schema]:
        other = pd.concat([table(schema), table(schema, **{part: OTHER[part]})], ignore_index=True)
        assert len(schema.validate(other)) == 2
