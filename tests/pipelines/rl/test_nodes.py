"""Prompts for reinforcement learning: those of their split that fit, each with its reference."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.rl import nodes
from okapi_kedro.pipelines.rl.nodes import RlParameters, build_rl_prompts, tune_policy
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import ENGLISH, prompt_of

from ..tokenizers import training, word_model

FRAME = len(prompt_of("", "", ENGLISH).split())
FRAME_WITH_INPUT = len(prompt_of("", "x", ENGLISH).split()) - 1


PPO = {
    "trainable_blocks": 1,
    "epochs": 1,
    "rollouts": 2,
    "generation_batch_size": 2,
    "inner_epochs": 1,
    "minibatch_size": 2,
    "micro_batch_size": 2,
    "max_new_tokens": 2,
    "learning_rate": 1e-3,
    "kl": {"coefficient": 0.1, "target": None},
    "precision": "float32",
}


def parameters(max_length: int, **changes: Any) -> RlParameters:
    groups = {"responses_per_prompt": 2, "max_new_tokens": 2, "temperature": 1.0, "kl_coefficient": 0.1}
    given = {
        "algorithm": "ppo",
        "ppo": {**PPO, "max_prompt_length": max_length},
        "groups": {**groups, "training": training(max_length)},
        "dpo": {"beta": 0.1, "training": training(max_length)},
        "watched_prompts": 1,
        "checked_prompts": 1,
        "answers": {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 2, "batch_size": 1},
    }
    return RlParameters.model_validate({**given, **changes})


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


@pytest.mark.parametrize("algorithm", ["ppo", "rloo", "grpo", "dpo"])
def test_each_algorithm_gets_its_rows_and_its_settings(
    algorithm: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, tuple[Any, ...]] = {}

    def called(name: str, *results: Any) -> Any:
        return lambda *arguments: given.update({name: arguments}) or (ModelReference("tuned"), *results)

    log = pd.DataFrame({"step": [1]})
    answers = pd.DataFrame({"step": [0], "prompt": "p", "response": "r", "reward": 1.0})
    monkeypatch.setattr(nodes, "train_policy", called("ppo", log, answers))
    monkeypatch.setattr(nodes, "reinforce", called("groups", log))
    monkeypatch.setattr(nodes, "optimize_preferences", called("dpo", log))
    prompts = pd.DataFrame({"prompt": ["a", "b", "c"], "held_out": [False, True, True]})
    start, judge, pairs = ModelReference("sft"), ModelReference("judge"), pd.DataFrame({"prompt": ["a"]})
    chosen = parameters(10, algorithm=algorithm)
    model, its_log, its_answers = tune_policy(start, judge, prompts, pairs, chosen, tmp_path, 3)
    assert (model, its_log.equals(log)) == (ModelReference("tuned"), True)
    schemas.RlAnswers.validate(its_answers)
    assert len(its_answers) == (algorithm == "ppo")
    if algorithm == "ppo":
        assert given == {"ppo": (start, judge, ["a"], chosen.ppo, tmp_path, 3, ["b"])}
    elif algorithm == "dpo":
        [(first, rows, settings, _, seed)] = given.values()
        assert (first, rows is pairs, settings, seed) == (start, True, chosen.dpo, 3)
    else:
        [(first, second, texts, settings, name, _, seed)] = given.values()
        assert (first, second, texts, settings, name, seed) == (start, judge, ["a"], chosen.groups, algorithm, 3)
