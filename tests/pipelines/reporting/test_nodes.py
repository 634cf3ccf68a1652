"""The figures of a run on toy tables: every stage adds up or is named, and every mean has its error."""

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.pipelines.ranking.judge_quality import Judgement, judge_quality
from okapi_kedro.pipelines.reporting.nodes import (
    collect_rejections,
    count_outcomes,
    count_stages,
    measure_lengths,
    summarise,
)

from ..teachers import offline_teacher


def rows(count: int, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"row-{n}" for n in range(count)], **columns})


def responses(prompts: int) -> pd.DataFrame:
    return pd.DataFrame([{"id": f"row-{n}", "k": k} for n in range(prompts) for k in range(4)], columns=["id", "k"])


def benchmark(name: str, scored: int) -> pd.DataFrame:
    """A benchmark with so many scored rows and two examples."""
    if name == "hellaswag":
        return pd.DataFrame({"ind": range(scored + 2), "split": ["validation"] * scored + ["train"] * 2})
    return rows(scored + 2, split=["test"] * scored + ["validation"] * 2)


def scores(*questions: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": model,
                "task": task,
                "metric": metric,
                "shots": 0,
                "value": 0.5,
                "stderr": 0.1,
                "n": n,
                "truncated": 0,
            }
            for model in ("base", "sft", "rlhf")
            for task, n in zip(("arc", "hellaswag", "mmlu"), questions, strict=True)
            for metric in ("acc", "acc_norm")
        ]
    )


def tables() -> dict[str, Any]:
    """A run in which nothing was lost."""
    return {
        "seed_tasks": "a\n\nb\u2028b\n  \nc\n",
        "seeds": rows(2),
        "rejected_seeds": rows(1),
        "alpaca": json.dumps([{}] * 9),
        "alpaca_rows": 5,
        "alpaca_instructions": rows(4),
        "rejected_alpaca": rows(1),
        "human_files": {"a.jsonl": b"{}\n\n[\n{}", "b.csv": b"instruction,output\na,b\nc\n"},
        "human_instructions": rows(2),
        "rejected_human": rows(3),
        "generation_requests": pd.DataFrame({"request": [0, 1, 2], "candidates": [6, 0, 7]}),
        "generated_instructions": rows(10),
        "rejected_instructions": rows(3),
        "instructions": rows(16),
        "translated_instructions": rows(14, split=["sft"] * 5 + ["ranking"] * 5 + ["rl"] * 4),
        "rejected_translations": rows(2),
        **{f"english_{name}": benchmark(name, 5) for name in ("arc", "hellaswag", "mmlu")},
        **{name: benchmark(name, 4) for name in ("arc", "hellaswag", "mmlu")},
        **{f"rejected_{name}": rows(1) for name in ("arc", "hellaswag", "mmlu")},
        "sft_rows": rows(5),
        "sft_examples": rows(5),
        "rejected_sft_examples": rows(0),
        "responses": responses(5),
        "ranked_responses": responses(4),
        "rejected_rankings": rows(1),
        "preferences": rows(20),
        "reward_pairs": rows(17),
        "rejected_reward_pairs": rows(3),
        "rl_prompts": rows(3),
        "rejected_rl_prompts": rows(1),
        "evaluation": scores(4, 4, 4),
        "held_out_prompts": rows(3),
        "verdicts": rows(5),
        "rejected_comparisons": rows(1),
    }


SIZES = {
    "seeds": (3, 2, 1),
    "alpaca": (5, 4, 1),
    "human": (5, 2, 3),
    "generation": (13, 10, 3),
    "translation": (16, 14, 2),
    "translation arc": (7, 6, 1),
    "translation hellaswag": (7, 6, 1),
    "translation mmlu": (7, 6, 1),
    "sft": (5, 5, 0),
    "ranking": (5, 4, 1),
    "reward": (20, 17, 3),
    "rl": (4, 3, 1),
    "evaluation": (36, 36, 0),
    "comparison": (6, 5, 1),
}


def test_every_stage_has_what_it_took_kept_and_rejected() -> None:
    table = count_stages({}, {}, **tables())
    counted = {row["stage"]: (row["in"], row["kept"], row["rejected"]) for row in table.to_dict("records")}
    assert counted == SIZES


def test_without_files_of_the_users_own_there_is_no_stage_of_them() -> None:
    given = {**tables(), "human_files": {}, "human_instructions": rows(0), "rejected_human": rows(0)}
    stages = count_stages({}, {}, **given)["stage"].tolist()
    assert stages == [stage for stage in SIZES if stage != "human"]


def without_last(value: Any) -> Any:
    return value.iloc[:-1] if isinstance(value, pd.DataFrame) else value.removesuffix("c\n")


LOST = {
    "seeds": ("seed_tasks", "seeds", "rejected_seeds"),
    "alpaca": ("alpaca_instructions", "rejected_alpaca"),
    "human": ("human_instructions", "rejected_human"),
    "generation": ("generation_requests", "generated_instructions", "rejected_instructions"),
    "translation": ("instructions", "translated_instructions", "rejected_translations"),
    **{f"translation {name}": (f"english_{name}", name, f"rejected_{name}") for name in ("arc", "hellaswag", "mmlu")},
    "sft": ("sft_rows", "sft_examples"),
    "ranking": ("rejected_rankings",),
    "reward": ("preferences", "reward_pairs", "rejected_reward_pairs"),
    "rl": ("rl_prompts", "rejected_rl_prompts"),
    "evaluation": ("evaluation",),
    "comparison": ("held_out_prompts", "verdicts", "rejected_comparisons"),
}


@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage, names in LOST.items() for name in names])
def test_a_row_that_is_lost_anywhere_stops_with_the_name_of_its_stage(stage: str, name: str) -> None:
    given = tables()
    changed = {**given, name: given[name].iloc[:-2] if name == "evaluation" else without_last(given[name])}
    with pytest.raises(ValueError, match=f"stage {stage}: took"):
        count_stages({}, {}, **changed)


def test_a_prompt_whose_responses_were_all_lost_stops_the_ranking() -> None:
    with pytest.raises(ValueError, match="stage ranking: took 5 rows, but kept 3 and rejected 1"):
        count_stages({}, {}, **{**tables(), "ranked_responses": responses(3)})


def test_a_question_that_was_not_scored_stops_the_evaluation() -> None:
    with pytest.raises(ValueError, match="stage evaluation: took 36 rows, but kept 33"):
        count_stages({}, {}, **{**tables(), "evaluation": scores(4, 3, 4)})


def test_a_row_that_was_invented_stops_too() -> None:
    with pytest.raises(ValueError, match="stage sft: took 5 rows, but kept 6"):
        count_stages({}, {}, **{**tables(), "sft_examples": rows(6)})


@pytest.mark.parametrize(("most", "taken"), [(5, 5), (9, 9), (20, 9), (None, 9)])
def test_alpaca_rows_are_those_that_were_read(most: int | None, taken: int) -> None:
    changed = {**tables(), "alpaca_rows": most, "alpaca_instructions": rows(taken - 1)}
    assert count_stages({}, {}, **changed).set_index("stage").at["alpaca", "in"] == taken


def test_a_stages_seconds_are_those_of_its_nodes_shared_or_own() -> None:
    shared = {"generation.read_seeds": 1.0, "generation.generate_instructions": 2.0, "translation.read_arc": 64.0}
    own = {
        "translation.translate_instructions": 4.0,
        "translation.translate_arc": 8.0,
        "sft.train_sft_model": 16.0,
        "sft.measure_exact_match": 32.5,
        "rl.tune_policy": 100.0,
        "evaluation.score_sft_model": 3.0,
        "evaluation.collect_scores": 0.5,
        "evaluation.answer_with_sft_model": 20.0,
        "evaluation.lay_side_by_side": 0.25,
    }
    seconds = count_stages(shared, own, **tables()).set_index("stage")["seconds"]
    assert seconds[seconds > 0].to_dict() == {
        "seeds": 1.0,
        "generation": 2.0,
        "translation": 4.0,
        "translation arc": 8.0,
        "sft": 48.5,
        "rl": 100.0,
        "evaluation": 3.5,
        "comparison": 20.25,
    }


def test_rejections_are_counted_by_stage_and_reason() -> None:
    table = collect_rejections(
        generation=rows(3, reason=["near-duplicate", "too short", "near-duplicate"], raw=["a", "b", "c"]),
        rl=rows(2, reason=["70 tokens, longer than 64", "90 tokens, longer than 64"]),
        sft=rows(0, reason=[]),
    )
    assert table.to_numpy().tolist() == [
        ["generation", "near-duplicate", 2, "a"],
        ["generation", "too short", 1, "b"],
        ["rl", "70–90 tokens, longer than 64", 2, ""],
    ]


BEFORE, AFTER = [0.1, 0.4, -0.3, 0.2], [0.5, 0.6, 0.1, 0.0]


def summary(folder: Path, **changes: Any) -> dict[str, Any]:
    arguments = {
        "language": "ne",
        "seed": 3,
        "teacher": offline_teacher(folder),
        "base_model": "embedded",
        "stages": pd.DataFrame(
            [
                {"stage": "seeds", "in": 1, "kept": 1, "rejected": 0, "seconds": 1.26},
                {"stage": "sft", "in": 1, "kept": 1, "rejected": 0, "seconds": 2.0},
            ]
        ),
        "sft_examples": pd.DataFrame(
            {"language": ["ne"] * 5 + ["en"], "held_out": [True, False, False, False, False, False]}
        ),
        "sft_log": pd.DataFrame(
            {"step": [1, 2, 3, 4], "loss": [3.0, None, 2.0, 1.0], "eval_loss": [None, 2.5, None, 1.5]}
        ),
        "exact_match": pd.DataFrame(
            {"model": ["base", "sft"], "exact_match": [0.0, 0.75], "stderr": [0.0, 0.25], "n": [4, 4]}
        ),
        "judge_quality": judge_quality([Judgement((1, 0), {0: 1, 1: 2})], []),
        "reward_accuracy": pd.DataFrame([{"held_out_accuracy": 0.8, "pairs": 20}]),
        "rl_log": pd.DataFrame({"step": [1, 2, 3], "kl": [0.1, 0.3, None]}),
        "rl_comparison": pd.DataFrame({"sft_reward": BEFORE, "rlhf_reward": AFTER}),
        "evaluation": scores(4, 4, 4),
        "comparison": pd.DataFrame([{"before": "base", "after": "sft", "gained": 3}]),
        "consistency": pd.DataFrame([{"task": "arc", "value": 0.5}]),
        "similarity": pd.DataFrame([{"layer": 0, "similarity": 0.25}]),
        "win_rates": pd.DataFrame([{"model": "sft", "rival": "base", "wins": 3, "changed": math.nan}]),
        "chrf": pd.DataFrame([{"model": "base", "chrf": 12.5, "chrf_stderr": math.nan, "n": 1}]),
    }
    figures = summarise(**{**arguments, **changes})
    return json.loads(json.dumps(figures))


def test_the_summary_holds_the_figures_of_the_tables_as_plain_json(tmp_path: Path) -> None:
    figures = summary(tmp_path)
    assert figures["language"] == "ne"
    assert figures["seed"] == 3
    assert figures["teacher"] == "embedded offline teacher"
    assert figures["base_model"] == "embedded"
    assert [row["stage"] for row in figures["stages"]] == ["seeds", "sft"]
    assert figures["seconds"] == 3.3
    assert figures["reward"] == {"held_out_accuracy": 0.8, "pairs": 20}
    assert figures["judge"]["prompts"] == 1
    assert figures["judge"]["text"].startswith(
        "No prompt was judged twice; the best response was shown first for 0% of 1"
    )
    assert len(figures["evaluation"]) == 18
    assert figures["comparison"] == [{"before": "base", "after": "sft", "gained": 3}]
    assert figures["consistency"] == [{"task": "arc", "value": 0.5}]
    assert figures["english_similarity"] == [{"layer": 0, "similarity": 0.25}]
    assert figures["generative"] == {
        "win_rates": [{"model": "sft", "rival": "base", "wins": 3, "changed": None}],
        "chrf": [{"model": "base", "chrf": 12.5, "chrf_stderr": None, "n": 1}],
    }
    assert figures["sft"] == {
        "english_share": 0.2,
        "loss_first": 3.0,
        "loss_last": 1.0,
        "eval_loss_first": 2.5,
        "eval_loss_last": 1.5,
        "exact_match_base": 0.0,
        "exact_match_sft": 0.75,
        "exact_match_stderr": 0.25,
        "n": 4,
    }


def test_the_gain_in_reward_is_that_of_the_pairs_with_their_error(tmp_path: Path) -> None:
    figures = summary(tmp_path)["rl"]
    gains = [after - before for before, after in zip(BEFORE, AFTER, strict=True)]
    expected = {
        "reward_before": statistics.mean(BEFORE),
        "reward_before_stderr": statistics.stdev(BEFORE) / 2,
        "reward_after": statistics.mean(AFTER),
        "reward_after_stderr": statistics.stdev(AFTER) / 2,
        "gain": statistics.mean(gains),
        "gain_stderr": statistics.stdev(gains) / 2,
        "kl": 0.3,
        "prompts": 4,
    }
    assert figures == pytest.approx(expected)
    assert not math.isclose(
        figures["gain_stderr"], math.hypot(expected["reward_before_stderr"], expected["reward_after_stderr"])
    )


def test_english_rows_are_no_mix_for_english(tmp_path: Path) -> None:
    examples = pd.DataFrame({"language": ["en"] * 3, "held_out": [False] * 3})
    assert summary(tmp_path, language="en", sft_examples=examples)["sft"]["english_share"] == 0


TRANSLATED = rows(2, split=["sft", "rl"], instruction=["एक दुई", "तीन"], input="", output="चार", attempts=[1, 2])


def test_outcomes_are_counted_by_table() -> None:
    table = count_outcomes(
        instructions=TRANSLATED, rejected_instructions=rows(1, reason=["output: script"]), arc=rows(3)
    )
    assert table.to_numpy().tolist() == [
        ["instructions", 1, "", "", 1],
        ["instructions", 2, "", "", 1],
        ["arc", 0, "", "", 3],
        ["instructions", 0, "script", "output", 1],
    ]


def test_lengths_stand_beside_those_of_the_english_tables_that_exist() -> None:
    english = rows(3, instruction="One two three four", input="", output="Five")
    tables = {"en_source/instructions": lambda: english, "vi/instructions": lambda: 1 / 0}
    both = measure_lengths(TRANSLATED, tables).set_index(["part", "text", "unit"])
    assert both.loc[("all", "prompt", "tokens"), ["mean", "english_mean", "ratio"]].tolist() == [1.5, 4.0, 0.375]
    alone = measure_lengths(TRANSLATED, {}).set_index(["part", "text", "unit"])
    assert alone.loc[("all", "prompt", "tokens"), "mean"] == 1.5
    assert alone["english_mean"].isna().all()
