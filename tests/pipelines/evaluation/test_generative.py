"""Held-out instructions chosen, answered, and compared by judges of known taste."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.verdicts import win_rates
from okapi_kedro.pipelines.evaluation.generative import (
    GenerativeParameters,
    choose_held_out_prompts,
    compare_english_responses,
    compare_responses,
    lay_side_by_side,
    measure_chrf,
)
from okapi_kedro.teacher.messages import Request
from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.training.prompt import ENGLISH, prompt_of

from ..teachers import ScriptedTeacher, offline_teacher, prompt

TASKS = {f"row-{n}": draw_task(random.Random(n)) for n in range(40)}
Judge = Callable[[str, str], str]
"""Takes the two responses as they are shown and gives `first`, `second` or `equal`."""
RANKINGS = {"first": [[1], [2]], "second": [[2], [1]], "equal": [[1, 2]]}


def parameters(prompts: int = 40) -> GenerativeParameters:
    answers = {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 4, "batch_size": 2}
    judge = {"attempts": 2, "temperature": 0.0, "top_p": 1.0, "max_tokens": 500}
    return GenerativeParameters.model_validate({"prompts": prompts, "answers": answers, "judge": judge})


def translated(language: str = "ne") -> pd.DataFrame:
    rows = [
        {
            "id": id,
            "split": ("sft", "ranking", "rl")[n % 3],
            "held_out": n % 2 == 0,
            **task.text(language),
            "attempts": 1,
        }
        for n, (id, task) in enumerate(TASKS.items())
    ]
    return schemas.TranslatedInstructions.validate(pd.DataFrame(rows))


def chosen(language: str = "ne", most: int = 40, seed: int = 1) -> pd.DataFrame:
    table = choose_held_out_prompts(translated(language), ENGLISH, parameters(most), seed)
    return schemas.HeldOutPrompts.validate(table)


def responses(prompts: pd.DataFrame, write: Callable[[Any], str]) -> pd.DataFrame:
    table = pd.DataFrame({"id": prompts["id"], "response": [write(row) for row in prompts.itertuples()]})
    return schemas.HeldOutResponses.validate(table.assign(finish_reason="stop").astype("str"))


def scripted(judge: Judge) -> ScriptedTeacher:
    """Leaves an English row as it is, and judges the two responses that it is shown."""

    def answer(request: Request) -> str:
        if '"ranking"' not in request.messages[-1]["content"]:
            return request.messages[-1]["content"]
        shown = json.loads(request.messages[-2]["content"])
        assert set(shown) == {"instruction", "input", "response_1", "response_2"}
        return json.dumps({"ranking": RANKINGS[judge(shown["response_1"], shown["response_2"])]})

    return ScriptedTeacher(answer)


def compare(
    written: Mapping[str, Callable[[Any], str]], teacher: Any, language: str = "en"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts on what each model writes; English texts, for which a language may be claimed."""
    prompts = chosen("en" if isinstance(teacher, ScriptedTeacher) else language)
    tables = [responses(prompts, written[model]) for model in ("base", "sft", "rlhf")]
    if language == "en":
        kept, rejected = compare_english_responses(
            prompts, *tables, prompt("comparison"), teacher, parameters(), language, 1
        )
    else:
        kept, rejected = compare_responses(
            prompts, *tables, prompt("ranking_translation"), prompt("comparison"), teacher, parameters(), language, 1
        )
    assert len(schemas.Verdicts.validate(kept)) + len(schemas.RejectedComparisons.validate(rejected)) == 2 * len(
        prompts
    )
    return kept, rejected


def by_pair(verdicts: pd.DataFrame) -> dict[str, Counter[str]]:
    return {model: Counter(rows["verdict"]) for model, rows in verdicts.groupby("model")}


WRITTEN = {"base": lambda row: "poor", "sft": lambda row: "good", "rlhf": lambda row: "better"}
ORDER = ["poor", "good", "better"]


def by_taste(first: str, second: str) -> str:
    return "first" if ORDER.index(first) > ORDER.index(second) else "second"


def test_held_out_instructions_of_all_splits_are_chosen_by_seed_and_id() -> None:
    table = translated()
    held_out = set(table.loc[table["held_out"], "id"])
    ten = chosen(most=10)
    assert len(ten) == 10
    assert set(ten["id"]) < held_out
    assert set(table.set_index("id").loc[ten["id"], "split"]) == {"sft", "ranking", "rl"}
    assert set(ten["id"]) < set(chosen(most=12)["id"])
    assert set(ten["id"]) != set(chosen(most=10, seed=2)["id"])
    assert set(chosen(most=1000)["id"]) == held_out
    row = ten.iloc[0]
    assert row["prompt"] == prompt_of(row["instruction"], row["input"], ENGLISH)
    assert row["reference"] == TASKS[row["id"]].text("ne")["output"]


def test_without_held_out_rows_or_with_none_wanted_there_is_nothing_to_compare() -> None:
    assert len(chosen(most=0)) == 0
    none = schemas.HeldOutPrompts.validate(
        choose_held_out_prompts(translated().assign(held_out=False), ENGLISH, parameters(), 1)
    )
    empty = responses(none, str)
    teacher = scripted(by_taste)
    tables = compare_english_responses(none, empty, empty, empty, prompt("comparison"), teacher, parameters(), "en", 1)
    assert [len(table) for table in tables] == [0, 0]
    assert len(schemas.WinRates.validate(win_rates(tables[0]))) == 0
    assert schemas.Chrf.validate(measure_chrf(none, empty, empty, empty))["n"].tolist() == [0, 0, 0]
    assert len(schemas.SideBySide.validate(lay_side_by_side(none, empty, empty, empty, tables[0]))) == 0
    assert teacher.asked == []


@pytest.mark.parametrize("language", ["en", "ne"])
def test_the_better_response_wins_wherever_it_is_shown(language: str) -> None:
    verdicts, rejected = compare(WRITTEN, scripted(by_taste), language)
    assert by_pair(verdicts) == {"sft": Counter(win=20), "rlhf": Counter(win=20)}
    assert len(rejected) == 0
    assert not verdicts["identical"].any()


def test_the_worse_model_loses() -> None:
    turned = {"base": WRITTEN["rlhf"], "sft": WRITTEN["sft"], "rlhf": WRITTEN["base"]}
    verdicts, _ = compare(turned, scripted(by_taste))
    assert by_pair(verdicts) == {"sft": Counter(loss=20), "rlhf": Counter(loss=20)}


def test_a_judge_that_likes_a_place_decides_nothing_and_is_found_out() -> None:
    for place, first_preferred in (("first", 1.0), ("second", 0.0)):
        verdicts, _ = compare(WRITTEN, scripted(lambda *_, place=place: place))
        assert by_pair(verdicts) == {"sft": Counter(tie=20), "rlhf": Counter(tie=20)}
        rates = win_rates(verdicts)
        assert rates["win_rate"].tolist() == [0.5, 0.5]
        assert rates["changed"].tolist() == [1.0, 1.0]
        assert rates["first_preferred"].tolist() == [first_preferred] * 2


def test_three_responses_are_translated_once_and_two_are_shown_in_both_orders() -> None:
    teacher = scripted(by_taste)
    compare(WRITTEN, teacher, "ne")
    turns = Counter(len(request.messages) for request in teacher.asked)
    assert turns == {2: 20, 4: 80}
    orders = Counter(
        (shown["response_1"], shown["response_2"])
        for request in teacher.asked
        if len(request.messages) == 4
        for shown in [json.loads(request.messages[-2]["content"])]
    )
    assert set(orders.values()) == {20}
    assert set(orders) == {("good", "poor"), ("poor", "good"), ("better", "good"), ("good", "better")}


def test_equal_responses_are_a_tie_that_nobody_is_asked_about() -> None:
    teacher = scripted(by_taste)
    verdicts, _ = compare({**WRITTEN, "rlhf": WRITTEN["sft"]}, teacher, "ne")
    assert by_pair(verdicts) == {"sft": Counter(win=20), "rlhf": Counter(tie=20)}
    assert verdicts.groupby("model")["identical"].mean().to_dict() == {"sft": 0.0, "rlhf": 1.0}
    assert len(teacher.asked) == 20 + 40
    nobody = scripted(by_taste)
    compare(dict.fromkeys(WRITTEN, WRITTEN["sft"]), nobody, "ne")
    assert nobody.asked == []


def test_a_verdict_that_is_none_is_kept_aside_with_what_was_written() -> None:
    usual = scripted(by_taste)

    def answer(request: Request) -> str:
        text = usual.answer(request)
        return "Both are fine." if "better" in str(request.messages[-2]) and text.endswith("[[2], [1]]}") else text

    teacher = ScriptedTeacher(answer)
    verdicts, rejected = compare(WRITTEN, teacher)
    assert by_pair(verdicts) == {"sft": Counter(win=20)}
    assert set(rejected["model"]) == {"rlhf"}
    assert set(rejected["reason"]) == {"no JSON object"}
    assert set(rejected["raw"]) == {"Both are fine."}
    assert Counter(request.sample for request in teacher.asked) == {0: 80, 1: 20}


def test_a_prompt_without_english_loses_both_comparisons_but_those_of_equal_responses() -> None:
    usual = scripted(by_taste)

    def answer(request: Request) -> str:
        return usual.answer(request) if '"ranking"' in request.messages[-1]["content"] else "I cannot translate this."

    for rlhf, kept in (("rlhf", 0), ("sft", 20)):
        verdicts, rejected = compare({**WRITTEN, "rlhf": WRITTEN[rlhf]}, ScriptedTeacher(answer), "ne")
        assert len(verdicts) == kept
        assert len(rejected) == 40 - kept
        assert set(rejected["reason"]) == {"no JSON object"}


def test_the_embedded_judge_prefers_right_answers_to_wrong_ones_in_the_language(tmp_path: Path) -> None:
    written = {
        "base": lambda row: "",
        "sft": lambda row: TASKS[row.id].text("ne")["output"] + " राम्रो",
        "rlhf": lambda row: TASKS[row.id].text("ne")["output"],
    }
    teacher = offline_teacher(tmp_path)
    verdicts, rejected = compare(written, teacher, "ne")
    assert len(rejected) < 8
    rates = win_rates(verdicts).set_index("model")
    assert rates.loc["sft", "losses"] == 0
    assert rates.loc["rlhf", "wins"] > 15
    assert rates.loc["rlhf", "losses"] == 0
    [spent] = teacher.store.spending()
    assert (spent.stage, spent.language) == ("evaluation", "ne")
    # All of it is in the store: the same again asks nothing new.
    again, _ = compare(written, offline_teacher(tmp_path), "ne")
    pd.testing.assert_frame_equal(again, verdicts)
    assert offline_teacher(tmp_path).store.spending() == [spent]


def test_responses_to_other_prompts_are_refused_in_one_line() -> None:
    prompts = chosen("en")
    tables = [responses(prompts, WRITTEN[model]) for model in ("base", "sft", "rlhf")]
    with pytest.raises(UserError, match=r"sft_responses do not answer the 20 held-out prompts .* answer them first"):
        compare_english_responses(
            prompts,
            tables[0],
            tables[1].head(3),
            tables[2],
            prompt("comparison"),
            scripted(by_taste),
            parameters(),
            "en",
            1,
        )


def test_chrf_is_the_mean_over_the_prompts_that_have_a_reference() -> None:
    prompts = chosen("en").head(4).assign(reference=["abcdefgh", "abcdefgh", " ", "abcdefgh"])
    right, wrong = responses(prompts, lambda row: "abcdefgh"), responses(prompts, lambda row: "xyz")
    half = right.assign(response=["abcdefgh", "xyz", "abcdefgh", "abcdefgh"])
    table = schemas.Chrf.validate(measure_chrf(prompts, wrong, half, right)).set_index("model")
    assert table["chrf"].tolist() == pytest.approx([0, 200 / 3, 100])
    assert table["n"].tolist() == [3, 3, 3]
    assert table["chrf_stderr"].tolist() == pytest.approx([0, 100 / 3, 0])


def test_chrf_of_prompts_without_references_is_nothing() -> None:
    prompts = chosen("en").assign(reference="")
    table = schemas.Chrf.validate(measure_chrf(prompts, *[responses(prompts, WRITTEN["sft"])] * 3))
    assert table["n"].tolist() == [0, 0, 0]
    assert all(map(math.isnan, table["chrf"]))


def test_prompts_responses_and_verdicts_stand_side_by_side() -> None:
    verdicts, _ = compare(WRITTEN, scripted(by_taste))
    prompts = chosen("en")
    tables = [responses(prompts, WRITTEN[model]) for model in ("base", "sft", "rlhf")]
    table = schemas.SideBySide.validate(lay_side_by_side(prompts, *tables, verdicts.iloc[1:]))
    assert table["id"].tolist() == prompts["id"].tolist()
    assert set(map(tuple, table[["base", "sft", "rlhf"]].to_numpy())) == {("poor", "good", "better")}
    assert table["sft_against_base"].tolist() == ["", *["win"] * 19]
    assert table["rlhf_against_sft"].tolist() == ["win"] * 20
