"""Self-Instruct on a few seeds: every candidate is counted, and what is kept differs from all that came before."""

import random
from typing import Any

import pandas as pd
import pytest
from rouge_score.rouge_scorer import RougeScorer

from okapi_kedro import schemas
from okapi_kedro.pipelines.generation.nodes import collect_instructions
from okapi_kedro.pipelines.generation.self_instruct import GenerationParameters, generate_instructions
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.offline.grammar import draw_task

from ..teachers import ScriptedTeacher, offline_teacher, prompt

ROUGE = RougeScorer(["rougeL"], use_stemmer=False)
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def rows_of(source: str, count: int, seed: int) -> pd.DataFrame:
    rng = random.Random(seed)
    rows = [{"id": f"{source}-{n}", "source": source, **draw_task(rng).text("en")} for n in range(count)]
    return pd.DataFrame(rows, dtype="str")


SEEDS, ALPACA = rows_of("seed", 6, 1), rows_of("alpaca", 10, 2)


def parameters(**changes: Any) -> GenerationParameters:
    settings = {
        "alpaca_rows": None,
        "target": 25,
        "most_requests": 12,
        "requests_ahead": 4,
        "examples_per_request": 3,
        "tasks_per_request": 10,
        "threshold": 0.7,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 500,
        "filters": {
            "shortest": 1,
            "longest": 30,
            "unsuitable_words": ["image"],
            "unsuitable_openings": ["Write a program"],
        },
    }
    return GenerationParameters(**{**settings, **changes})


def generate(teacher: Any, seed: int = 1, **changes: Any) -> Tables:
    kept, dropped, requests = generate_instructions(
        SEEDS, ALPACA, prompt("generation"), teacher, parameters(**changes), seed
    )
    schemas.Instructions.validate(kept)
    schemas.RejectedCandidates.validate(dropped)
    assert requests["candidates"].sum() == len(kept) + len(dropped)
    assert requests["request"].tolist() == list(range(len(requests)))
    return kept, dropped, requests


def task(instruction: str, output: str = "Yes.") -> str:
    return f"Instruction: {instruction}\nInput: <none>\nOutput: {output}"


def answering(*tasks: str, finish_reason: str = "stop") -> ScriptedTeacher:
    text = "\n\n".join(f"Task {number}\n{each}" for number, each in enumerate(tasks, start=4))
    return ScriptedTeacher(lambda request: Completion(text, finish_reason, 1, 1))


def test_it_stops_at_the_target_and_counts_all_candidates_of_the_answers_it_used(tmp_path) -> None:
    kept, dropped, requests = generate(offline_teacher(tmp_path))
    assert len(kept) == 25
    assert len(requests) < 12
    assert set(kept["source"]) == {"generated"}
    beyond = dropped[dropped["reason"] == "beyond the target"]
    assert set(beyond["id"].str[:6]) <= {f"{len(requests) - 1:06d}"}


def test_it_stops_at_the_most_requests_when_the_target_is_out_of_reach(tmp_path) -> None:
    kept, _, requests = generate(offline_teacher(tmp_path), target=10_000, most_requests=5)
    assert len(requests) == 5
    assert 0 < len(kept) < 10_000


@pytest.mark.parametrize("most_requests", [0, 3])
def test_nothing_kept_is_a_table_with_all_columns(most_requests: int) -> None:
    sorry = ScriptedTeacher(lambda request: "I am sorry.")
    kept, dropped, requests = generate(sorry, most_requests=most_requests)
    assert (len(kept), len(dropped), len(requests)) == (0, most_requests, most_requests)
    assert set(dropped["reason"]) <= {"not in the form Instruction, Input, Output"}


def test_what_is_kept_is_no_near_duplicate_of_anything_before_it_by_rouge_score_itself(tmp_path) -> None:
    kept, dropped, _ = generate(offline_teacher(tmp_path), target=80, most_requests=40)
    earlier = dict(zip([*SEEDS["id"], *ALPACA["id"]], [*SEEDS["instruction"], *ALPACA["instruction"]], strict=True))
    for row in kept.itertuples():
        assert all(ROUGE.score(text, row.instruction)["rougeL"].fmeasure <= 0.7 for text in earlier.values())
        earlier[row.id] = row.instruction
    near = dropped[dropped["reason"] == "near-duplicate"]
    assert len(near) > 5
    for row in near.itertuples():
        instruction = row.raw.split("\n")[0].removeprefix("Instruction: ")
        assert ROUGE.score(earlier[row.nearest_id], instruction)["rougeL"].fmeasure == row.rouge_l > 0.7


def test_each_candidate_is_dropped_for_its_own_fault_and_keeps_its_place() -> None:
    teacher = answering(
        task("Name a river of Asia."),
        task("Name a river of Asia!"),
        task("Describe this image please."),
        "I have no idea.",
        task("Say something long about boats.", ""),
        task("Compare gold with silver briefly."),
        task("Explain why it rai"),
        finish_reason="length",
    )
    kept, dropped, _ = generate(teacher, most_requests=1)
    assert kept["instruction"].tolist() == ["Name a river of Asia.", "Compare gold with silver briefly."]
    assert dict(zip(dropped["id"], dropped["reason"], strict=True)) == {
        "000000-01": "near-duplicate",
        "000000-02": "unsuitable word",
        "000000-03": "not in the form Instruction, Input, Output",
        "000000-04": "empty instruction or output",
        "000000-06": "cut short",
    }
    assert dropped["rouge_l"].tolist()[0] == 1.0
    assert dropped["nearest_id"].tolist()[0] == kept["id"].tolist()[0]
    assert dropped["rouge_l"].isna().tolist()[1:] == [True] * 4


def test_a_repeated_seed_or_alpaca_row_is_a_near_duplicate_of_it() -> None:
    teacher = answering(task(ALPACA["instruction"][3]), task(SEEDS["instruction"][0]))
    kept, dropped, _ = generate(teacher, most_requests=1)
    assert len(kept) == 0
    assert set(dropped["reason"]) == {"near-duplicate"}
    assert dropped["nearest_id"].tolist() == ["alpaca-3", "seed-0"]


def test_candidates_after_the_target_are_counted_as_beyond_it() -> None:
    teacher = answering(task("Name a river of Asia."), task("Explain tides."), task("Describe this image please."))
    kept, dropped, requests = generate(teacher, target=1)
    assert (len(kept), len(requests)) == (1, 1)
    assert dropped["reason"].tolist() == ["beyond the target"] * 2
    assert len(teacher.asked) == 1


def test_an_id_comes_from_the_content_alone() -> None:
    first, second = task("Name a river of Asia."), task("Explain tides briefly.")
    ids = [set(generate(answering(*tasks), most_requests=1)[0]["id"]) for tasks in ((first, second), (second, first))]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_the_same_seed_generates_the_same_without_asking_again_and_another_seed_something_else(tmp_path) -> None:
    teacher = offline_teacher(tmp_path)
    first = generate(teacher)
    answers = len(teacher.store)
    for one, other in zip(first, generate(teacher), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert len(teacher.store) == answers
    assert set(generate(teacher, seed=2)[0]["id"]) != set(first[0]["id"])


def test_a_request_shows_different_seeds_as_numbered_examples_and_never_the_same_request_twice() -> None:
    teacher = answering("")
    generate(teacher, most_requests=8)
    shown = [request.messages[-1]["content"] for request in teacher.asked]
    assert len({request.sample for request in teacher.asked}) == len(set(shown)) == 8
    for text in shown:
        assert "until there are 10 in all" in text
        assert sum(f"Instruction: {instruction}\n" in text for instruction in SEEDS["instruction"]) == 3
        assert text.endswith("\nTask 4")


def test_the_given_tables_stay_as_they_are_and_all_sources_end_in_one_table(tmp_path) -> None:
    before = SEEDS.copy(), ALPACA.copy()
    kept, _, _ = generate(offline_teacher(tmp_path))
    pd.testing.assert_frame_equal(before[0], SEEDS)
    pd.testing.assert_frame_equal(before[1], ALPACA)
    table = collect_instructions(SEEDS, ALPACA, kept)
    schemas.Instructions.validate(table)
    assert table["id"].tolist() == [*SEEDS["id"], *ALPACA["id"], *kept["id"]]
