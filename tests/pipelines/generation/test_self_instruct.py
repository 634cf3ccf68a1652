"""Self-Instruct on a few seeds: every candidate is counted, and what is kept differs from all that came before."""

import logging
import random
import re
from typing import Any

import pandas as pd
import pytest
from rouge_score.rouge_scorer import RougeScorer

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.generation.nodes import collect_instructions
from okapi_kedro.pipelines.generation.self_instruct import GenerationParameters, generate_instructions
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.offline.grammar import draw_task

from ..teachers import ScriptedTeacher, offline_teacher, prompt

ROUGE = RougeScorer(["rougeL"], use_stemmer=False)
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def rows_of(source: str, count: int, seed: int) -> pd.DataFrame:
    rng = random.Random(seed)
    rows = [{"id": f"{source}-{n}", "source": source, **draw_task(rng).text("en")} for n in range(count)]
    return pd.DataFrame(rows, dtype="str")


SEEDS, ALPACA, HUMAN = rows_of("seed", 6, 1), rows_of("alpaca", 10, 2), rows_of("human", 4, 3)


def parameters(**changes: Any) -> GenerationParameters:
    settings = {
        "target": 25,
        "most_requests": 12,
        "requests_ahead": 4,
        "examples_per_request": 3,
        "kept_examples": 0,
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
        SEEDS, ALPACA, HUMAN, prompt("generation"), teacher, parameters(**changes), seed
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
    given = pd.concat([SEEDS, ALPACA, HUMAN])
    earlier = dict(zip(given["id"], given["instruction"], strict=True))
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


def test_a_repeated_row_of_any_source_is_a_near_duplicate_of_it() -> None:
    teacher = answering(task(ALPACA["instruction"][3]), task(SEEDS["instruction"][0]), task(HUMAN["instruction"][1]))
    kept, dropped, _ = generate(teacher, most_requests=1)
    assert len(kept) == 0
    assert set(dropped["reason"]) == {"near-duplicate"}
    assert dropped["nearest_id"].tolist() == ["alpaca-3", "seed-0", "human-1"]


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
    table = collect_instructions(SEEDS, ALPACA, ALPACA.iloc[:0], kept)
    schemas.AllInstructions.validate(table)
    assert table["id"].tolist() == [*SEEDS["id"], *ALPACA["id"], *kept["id"]]


def test_generated_instructions_come_with_the_nearest_earlier_one_by_rouge_score_itself(tmp_path) -> None:
    kept, _, _ = generate(offline_teacher(tmp_path))
    table = collect_instructions(SEEDS, ALPACA, HUMAN, kept)
    given = len(table) - len(kept)
    assert table["max_rouge_l"].head(given).isna().all()
    assert set(table["nearest_id"].head(given)) == {""}
    for place in range(given, len(table)):
        texts = table["instruction"].head(place)
        scores = [ROUGE.score(text, table["instruction"][place])["rougeL"].fmeasure for text in texts]
        assert table["max_rouge_l"][place] == pytest.approx(max(scores), abs=1e-12)
        nearest = scores[table["id"].tolist().index(table["nearest_id"][place])] if max(scores) else 0
        assert nearest == pytest.approx(max(scores), abs=1e-12)


def numbered_tasks(request: Request) -> str:
    """Two new tasks of which no word but the last is like those of another request."""
    number = request.sample
    return "\n\n".join(f"Task {4 + n}\n" + task(f"do{number} it{number} so{n} well{n}{number} now") for n in range(2))


def test_examples_come_from_what_answers_before_those_asked_ahead_have_brought() -> None:
    teacher = ScriptedTeacher(numbered_tasks)
    generate(teacher, kept_examples=2, requests_ahead=3, most_requests=8)
    for number, request in enumerate(teacher.asked):
        text = request.messages[-1]["content"]
        shown = [int(found) for found in re.findall(r"Instruction: do(\d+) ", text)]
        assert len(shown) == (2 if number > 3 else 0)
        assert all(earlier < number - 3 for earlier in shown)
        assert sum(f"Instruction: {seed}\n" in text for seed in SEEDS["instruction"]) == 3 - len(shown)


def test_requests_with_kept_examples_are_the_same_in_every_run(tmp_path) -> None:
    runs = [offline_teacher(tmp_path / name) for name in ("once", "again")]
    tables = [generate(teacher, kept_examples=1, target=60, most_requests=30) for teacher in runs]
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert len(tables[0][0]) == 60


def test_more_kept_examples_than_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="kept_examples"):
        parameters(kept_examples=4)


def test_too_few_seeds_are_named() -> None:
    with pytest.raises(UserError, match="2 usable tasks, where"):
        generate_instructions(SEEDS.head(2), ALPACA, HUMAN, prompt("generation"), answering(""), parameters(), seed=1)


def test_the_log_says_how_many_were_dropped_for_what(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    generate(answering(task("Name a river of Asia."), task("Name a river of Asia!"), "Nothing."), most_requests=1)
    told = "Generation: kept 1 of 3 candidates in 1 requests; dropped: near-duplicate (1), not in the form"
    assert told in caplog.text
