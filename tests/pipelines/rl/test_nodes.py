"""Prompts for reinforcement learning: those of their split that fit, each with its reference."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.rl.nodes import RlParameters, build_rl_prompts
from okapi_kedro.training.prompt import ENGLISH, prompt_of

from ..tokenizers import training, word_model

FRAME = len(prompt_of("", "", ENGLISH).split())
FRAME_WITH_INPUT = len(prompt_of("", "x", ENGLISH).split()) - 1


def parameters(max_length: int) -> RlParameters:
    return RlParameters.model_validate(
        {
            "settings": {
                "responses_per_prompt": 2,
                "max_new_tokens": 2,
                "temperature": 1.0,
                "kl_coefficient": 0.1,
                "training": training(max_length),
            },
            "checked_prompts": 1,
            "answers": {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 2, "batch_size": 1},
        }
    )


def translated(*rows: tuple[str, int, int]) -> pd.DataFrame:
    """Rows of a split, with so many words of instruction and of input."""
    table = [
        {
            "id": f"row-{n}",
            "split": split,
            "held_out": n % 3 == 0,
            "instruction": " ".join(["शब्द"] * words),
            "input": " ".join(["word"] * more),
            "output": f"answer {n}",
            "attempts": 1,
        }
        for n, (split, words, more) in enumerate(rows)
    ]
    return schemas.TranslatedInstructions.validate(pd.DataFrame(table))


def build(table: pd.DataFrame, max_length: int, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    kept, rejected = build_rl_prompts(table, ENGLISH, word_model(folder), parameters(max_length))
    assert kept.columns.tolist() == ["id", "prompt", "reference", "held_out"]
    assert rejected.columns.tolist() == ["id", "reason"]
    assert sorted([*kept["id"], *rejected["id"]]) == table.loc[table["split"] == "rl", "id"].tolist()
    return kept.to_dict("records"), rejected.to_dict("records")


def test_prompts_of_the_split_that_fit_are_kept_with_their_reference_and_the_others_set_aside(tmp_path: Path) -> None:
    table = translated(("rl", 5, 0), ("sft", 5, 0), ("rl", 6, 0), ("ranking", 1, 0), ("rl", 1, 0))
    kept, rejected = build(table, FRAME + 5, tmp_path)
    assert kept == [
        {
            "id": "row-0",
            "prompt": prompt_of("शब्द शब्द शब्द शब्द शब्द", "", ENGLISH),
            "reference": "answer 0",
            "held_out": True,
        },
        {"id": "row-4", "prompt": prompt_of("शब्द", "", ENGLISH), "reference": "answer 4", "held_out": False},
    ]
    assert rejected == [{"id": "row-2", "reason": f"{FRAME + 6} tokens, longer than {FRAME + 5}"}]


def test_an_input_belongs_to_the_prompt_and_counts(tmp_path: Path) -> None:
    kept, rejected = build(translated(("rl", 2, 3), ("rl", 2, 4)), FRAME_WITH_INPUT + 5, tmp_path)
    assert [row["prompt"] for row in kept] == [prompt_of("शब्द शब्द", "word word word", ENGLISH)]
    assert [row["id"] for row in rejected] == ["row-1"]


@pytest.mark.parametrize("rows", [[("sft", 5, 0)], [("rl", 500, 0)], [("rl", 1, 0)]])
def test_no_prompt_or_no_rejection_are_tables_with_all_columns(
    rows: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    kept, rejected = build(translated(*rows), FRAME + 5, tmp_path)
    assert len(kept) + len(rejected) == sum(split == "rl" for split, _, _ in rows)
