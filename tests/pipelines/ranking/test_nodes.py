"""Rankings on toy responses: shuffled before, put back rightly after, and paired without ties."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.ranking.nodes import build_preferences, rank_english_responses, rank_responses
from okapi_kedro.pipelines.ranking.parameters import RankingParameters
from okapi_kedro.teacher.messages import Request
from okapi_kedro.teacher.offline.grammar import draw_task
from okapi_kedro.teacher.offline.phrasebook import translate
from okapi_kedro.teacher.offline.ranking import rank as rank_unshuffled
from okapi_kedro.training.prompt import ENGLISH, completion_of, prompt_of

from ..teachers import ScriptedTeacher, offline_teacher, prompt

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
TASKS = {f"row-{n}": draw_task(random.Random(n)) for n in range(60)}


def parameters(**changes: Any) -> RankingParameters:
    settings = {
        "prompts": None,
        "responses": 4,
        "sampling": {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 4, "batch_size": 2},
        "repeats_above": 0.9,
        "attempts": 2,
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 500,
        "judged_twice": 0.0,
        "pairs": "all",
    }
    return RankingParameters(**{**settings, **changes})


def translated_table(language: str) -> pd.DataFrame:
    rows = [
        {"id": id, "split": "ranking", "held_out": n % 5 == 0, **task.text(language), "attempts": 1}
        for n, (id, task) in enumerate(TASKS.items())
    ]
    return schemas.TranslatedInstructions.validate(pd.DataFrame(rows))


def responses_table(drawn: dict[str, list[str]]) -> pd.DataFrame:
    rows = [
        {"id": id, "k": k, "response": text, "finish_reason": "stop", "repeats": False}
        for id, texts in drawn.items()
        for k, text in enumerate(texts)
    ]
    return schemas.Responses.validate(pd.DataFrame(rows))


def drawn_responses(language: str) -> dict[str, list[str]]:
    """The right answer, that of another row, the right one with a word too many, and nothing; in no fixed order."""
    ids, drawn = list(TASKS), {}
    for n, id in enumerate(ids):
        right, other = (TASKS[each].text(language)["output"] for each in (id, ids[n - 1]))
        drawn[id] = [right, other, f"{right} {right}", ""]
        random.Random(n).shuffle(drawn[id])
    return drawn


def check(responses: pd.DataFrame, tables: Tables) -> Tables:
    ranked, rejected, quality = tables
    schemas.JudgeQuality.validate(quality)
    schemas.RankedResponses.validate(ranked)
    schemas.Rejected.validate(rejected)
    assert sorted([*ranked["id"].unique(), *rejected["id"]]) == sorted(responses["id"].unique())
    return tables


def rank(language: str, drawn: dict[str, list[str]], teacher: Any, seed: int = 1, **changes: Any) -> Tables:
    responses, translated = responses_table(drawn), translated_table(language)
    if language == "en":
        tables = rank_english_responses(
            responses, translated, prompt("ranking"), teacher, parameters(**changes), language, seed
        )
    else:
        tables = rank_responses(
            responses,
            translated,
            prompt("ranking_translation"),
            prompt("ranking"),
            teacher,
            parameters(**changes),
            language,
            seed,
        )
    return check(responses, tables)


def expected_ranks(id: str, texts: list[str]) -> dict[int, int]:
    """Ranks of English responses when nothing is shuffled."""
    row = {**TASKS[id].text("en"), **{f"response_{k}": text for k, text in enumerate(texts)}}
    return {k: place for place, group in enumerate(rank_unshuffled(row), start=1) for k in group}


@pytest.mark.parametrize("language", ["en", "ne", "de"])
def test_each_response_has_the_rank_that_it_has_without_shuffling(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A question that the teacher leaves untranslated on purpose is ranked by another rule.
    monkeypatch.setattr("okapi_kedro.teacher.offline.faults.TRANSLATION_RATE", 0.0)
    drawn = drawn_responses(language)
    ranked, rejected, _ = rank(language, drawn, offline_teacher(tmp_path))
    assert len(rejected) < 4
    for id, group in ranked.groupby("id"):
        english = group.sort_values("k")["english_response"].tolist()
        assert dict(zip(group["k"], group["rank"], strict=True)) == expected_ranks(id, english), id
        best = group.loc[group["rank"] == 1, "k"]
        assert {drawn[id][k] for k in best} == {TASKS[id].text(language)["output"]}


def test_the_english_of_a_response_stands_beside_that_response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okapi_kedro.teacher.offline.faults.TRANSLATION_RATE", 0.0)
    drawn, english = drawn_responses("ne"), drawn_responses("en")
    ranked, *_ = rank("ne", drawn, offline_teacher(tmp_path))
    known = [row for row in ranked.itertuples() if drawn[row.id][row.k] == TASKS[row.id].text("ne")["output"]]
    assert len(known) > 40
    assert all(row.english_response == english[row.id][row.k] for row in known)


def test_responses_are_shuffled_so_that_no_place_is_favoured(tmp_path: Path) -> None:
    ranked, *_ = rank("en", drawn_responses("en"), offline_teacher(tmp_path))
    shown = Counter(ranked.loc[ranked["k"] == 0, "shown_position"])
    assert set(shown) == {1, 2, 3, 4}
    # Four standard deviations of a quarter of sixty.
    assert all(abs(count - 15) < 13.5 for count in shown.values())
    for _, group in ranked.groupby("id"):
        assert sorted(group["shown_position"]) == [1, 2, 3, 4]


def test_the_shuffle_hangs_on_the_seed_and_the_row_alone(tmp_path: Path) -> None:
    drawn, teacher = drawn_responses("en"), offline_teacher(tmp_path)

    def places(drawn: dict[str, list[str]], seed: int) -> dict[Any, int]:
        ranked, *_ = rank("en", drawn, teacher, seed)
        return {(row.id, row.k): row.shown_position for row in ranked.itertuples()}

    all_rows, few_rows = places(drawn, 1), places({id: drawn[id] for id in list(TASKS)[30:40]}, 1)
    assert few_rows
    assert few_rows.items() <= all_rows.items()
    assert places(drawn, 2) != all_rows


def shown_to(request: Request) -> dict[str, str]:
    """The object that is ranked: in the assistant's English or, where there is none, in the first message."""
    message = next((each for each in request.messages if each["role"] == "assistant"), request.messages[0])
    return {name: text for name, text in json.loads(message["content"]).items() if name.startswith("response_")}


def judging(order: Callable[[dict[str, str]], list[list[Any]]]) -> ScriptedTeacher:
    """Copies the responses in the first turn, then ranks what it was shown."""

    def answer(request: Request) -> str:
        if '"ranking"' in request.messages[-1]["content"]:
            return json.dumps({"ranking": order(shown_to(request))})
        row = json.loads(request.messages[-1]["content"])
        return json.dumps({name: translate(text, "ne", "en") or text for name, text in row.items()})

    return ScriptedTeacher(answer)


def by_length(shown: dict[str, str]) -> list[list[int]]:
    """Longer is better, equally long is equally good."""
    lengths = sorted({len(text) for text in shown.values()}, reverse=True)
    return [[int(k.removeprefix("response_")) for k, t in shown.items() if len(t) == length] for length in lengths]


FOUR = {id: ["aaaa", "bb", "ccc", "dd"] for id in list(TASKS)[:20]}


@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_judge_that_likes_length_ranks_by_length_whatever_the_order_shown(language: str) -> None:
    ranked, rejected, _ = rank(language, FOUR, judging(by_length))
    assert len(rejected) == 0
    for _, group in ranked.groupby("id"):
        assert dict(zip(group["k"], group["rank"], strict=True)) == {0: 1, 2: 2, 1: 3, 3: 3}
        assert dict(zip(group["k"], group["english_response"], strict=True)) == dict(enumerate(FOUR["row-0"]))


def test_a_judge_that_likes_the_first_place_is_seen_in_the_places_and_not_in_the_responses() -> None:
    ranked, *_ = rank("en", FOUR, judging(lambda shown: [[1], [2], [3], [4]]))
    assert (ranked["rank"] == ranked["shown_position"]).all()
    assert len(set(ranked.loc[ranked["rank"] == 1, "k"])) > 1


@pytest.mark.parametrize(
    ("ranking", "reason"),
    [
        ([[1], [2], [3]], "not each of the responses 1 to 4 once"),
        ([[1, 2, 3]], "not each of the responses 1 to 4 once"),
        ([[1], [2], [3], [4], [5]], "not each of the responses 1 to 4 once"),
        ([[1], [2], [2], [3], [4]], "not each of the responses 1 to 4 once"),
        ([[0], [1], [2], [3]], "not each of the responses 1 to 4 once"),
        ([[True], [2], [3], [4]], "not each of the responses 1 to 4 once"),
        ([[[1]], [2], [3], [4]], "not each of the responses 1 to 4 once"),
        ([[1.5], [2], [3], [4]], "not each of the responses 1 to 4 once"),
        ([["response_1"], [2], [3], [4]], "not each of the responses 1 to 4 once"),
        ([], "not each of the responses 1 to 4 once"),
        ([1, 2, 3, 4], "no list of groups under 'ranking'"),
        ("1 > 2 > 3 > 4", "no list of groups under 'ranking'"),
        (None, "no list of groups under 'ranking'"),
        ({"1": 1}, "no list of groups under 'ranking'"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_ranking_that_misses_or_invents_a_response_rejects_the_prompt(
    language: str, ranking: Any, reason: str
) -> None:
    teacher = judging(lambda shown: ranking)
    ranked, rejected, _ = rank(language, {"row-0": FOUR["row-0"]}, teacher)
    assert len(ranked) == 0
    assert rejected.to_dict("records") == [
        {"id": "row-0", "reason": reason, "raw": json.dumps({"ranking": ranking})},
    ]
    assert sum('"ranking"' in request.messages[-1]["content"] for request in teacher.asked) == 2


@pytest.mark.parametrize("ranking", [[["2"], [1, "3"], [4]], [[2], [1, 3], [4], []]])
def test_numbers_as_text_and_an_empty_group_at_the_end_are_understood(ranking: Any) -> None:
    ranked, *_ = rank("en", {"row-0": FOUR["row-0"]}, judging(lambda shown: ranking))
    assert dict(zip(ranked["shown_position"], ranked["rank"], strict=True)) == {1: 2, 2: 1, 3: 2, 4: 3}


@pytest.mark.parametrize(
    ("first_turn", "reason"), [("I cannot.", "no JSON object"), ('{"instruction": "x"}', "other keys than the row's")]
)
def test_a_prompt_whose_first_turn_fails_is_rejected_and_the_others_are_ranked(first_turn: str, reason: str) -> None:
    good = judging(by_length)
    failing = TASKS["row-3"].text("ne")["instruction"]

    def answer(request: Request) -> str:
        content = request.messages[-1]["content"]
        if content.startswith("{") and json.loads(content)["instruction"] == failing:
            return first_turn
        return str(good.answer(request))

    ranked, rejected, _ = rank("ne", FOUR, ScriptedTeacher(answer))
    assert rejected.to_dict("records") == [{"id": "row-3", "reason": reason, "raw": first_turn}]
    assert ranked["id"].nunique() == 19
    for _, group in ranked.groupby("id"):
        assert dict(zip(group["k"], group["rank"], strict=True)) == {0: 1, 2: 2, 1: 3, 3: 3}


@pytest.mark.parametrize(
    ("source", "english", "reason"),
    [
        ("`f(x)` ले २ र ३ बाट के दिन्छ?", "What does `f(x)` give for 2 and 4?", "instruction: numbers changed"),
        ("`f(x)` ले २ र ३ बाट के दिन्छ?", "What does f(x) give for 2 and 3?", "instruction: code changed"),
        ("`f(x)` ले २ र ३ बाट के दिन्छ?", "", "instruction: code changed"),
        ("`f(x)` ले २ र ३ बाट के दिन्छ?", "`f(x)` ले 2 र 3 बाट के दिन्छ?", "instruction: in the wrong script"),
    ],
)
def test_a_question_that_changed_on_the_way_into_english_is_not_ranked(source: str, english: str, reason: str) -> None:
    translated = translated_table("ne").head(1).assign(instruction=source, input="")
    responses = responses_table({"row-0": ["aaaa", "bb", "ccc", "99 `g`"]})

    def answer(request: Request) -> str:
        return json.dumps({**json.loads(request.messages[-1]["content"]), "instruction": english})

    arguments = (prompt("ranking_translation"), prompt("ranking"), ScriptedTeacher(answer), parameters(), "ne", 1)
    ranked, rejected, _ = check(responses, rank_responses(responses, translated, *arguments))
    assert len(ranked) == 0
    assert rejected["reason"].tolist() == [reason]


TWICE = {"judged_twice": 1.0}


def figures(quality: pd.DataFrame) -> dict[tuple[str, int], tuple[float, int]]:
    return {(row.figure, row.position): (row.value, row.n) for row in quality.itertuples()}


@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_judge_that_always_prefers_the_first_shown_is_found_out_and_its_rankings_are_rejected(language: str) -> None:
    ranked, rejected, quality = rank(language, FOUR, judging(lambda shown: [[1], [2], [3], [4]]), **TWICE)
    assert len(ranked) == 0
    reason = "contradicts itself: shown in two orders, 0 of 6 pairs are ranked alike"
    raw = '{"ranking": [[1], [2], [3], [4]]}'
    assert set(rejected.itertuples(index=False, name=None)) == {(id, reason, f"{raw}\n{raw}") for id in FOUR}
    found = figures(quality)
    assert found["agreement", 0] == (0, 20)
    assert found["tau_b", 0] == (-1, 20)
    assert found["contradictions", 0] == (1, 20)
    assert found["earlier_preferred", 0] == (1, 120)
    assert [found["best", place] for place in (1, 2, 3, 4)] == [(1, 20), (0, 20), (0, 20), (0, 20)]
    assert found["best_p_value", 0][0] < 1e-9


@pytest.mark.parametrize("language", ["en", "ne"])
def test_a_judge_that_likes_length_agrees_with_itself_in_both_orders(language: str) -> None:
    ranked, rejected, quality = rank(language, FOUR, judging(by_length), **TWICE)
    assert len(rejected) == 0
    assert (ranked["rank"] == ranked["second_rank"]).all()
    assert (ranked["agreement"] == 1).all()
    found = figures(quality)
    assert found["agreement", 0] == found["tau_b", 0] == (1, 20)
    assert found["contradictions", 0] == (0, 20)
    assert ("earlier_preferred", 0) not in found


def test_a_judge_that_ranks_by_chance_agrees_on_half_of_the_pairs() -> None:
    """Of two random orders of four, 9 in 24 agree on fewer than 3 of 6 pairs; bounds are four standard deviations."""

    def by_chance(shown: dict[str, str]) -> list[list[int]]:
        order = [1, 2, 3, 4]
        random.Random(json.dumps(shown)).shuffle(order)
        return [[place] for place in order]

    four = {id: [f"{id} {k}" for k in range(4)] for id in TASKS}
    ranked, rejected, quality = rank("en", four, judging(by_chance), **TWICE)
    found = figures(quality)
    assert found["agreement", 0] == (pytest.approx(0.5, abs=0.127), 60)
    assert found["contradictions", 0] == (pytest.approx(9 / 24, abs=0.25), 60)
    assert found["earlier_preferred", 0][0] == pytest.approx(0.5, abs=0.15)
    assert len(rejected) == round(found["contradictions", 0][0] * 60)
    assert (ranked["agreement"] >= 0.5).all()


def test_a_pair_that_two_orders_rank_differently_makes_no_preference() -> None:
    """Longer is better; of the two shortest, the one shown first: one of six pairs turns with the order."""

    def longest_first(shown: dict[str, str]) -> list[list[int]]:
        places = sorted(shown, key=lambda name: len(shown[name]), reverse=True)
        return [[int(name.removeprefix("response_"))] for name in places]

    ranked, rejected, _ = rank("en", FOUR, judging(longest_first), **TWICE)
    assert len(rejected) == 0
    assert ranked["agreement"].tolist() == [pytest.approx(5 / 6)] * 80
    table = build_preferences(ranked, responses_table(FOUR), translated_table("en"), ENGLISH, parameters())
    for _, group in table.groupby("id"):
        pairs = set(zip(group["chosen"].str.strip(), group["rejected"].str.strip(), strict=True))
        assert pairs == {("aaaa", "bb"), ("aaaa", "ccc"), ("aaaa", "dd"), ("ccc", "bb"), ("ccc", "dd")}


def test_the_second_order_is_the_reverse_and_asks_for_no_new_english() -> None:
    teacher = judging(by_length)
    rank("ne", {"row-0": FOUR["row-0"]}, teacher, **TWICE)
    english, first, second = teacher.asked
    assert '"ranking"' not in english.messages[-1]["content"]
    assert list(shown_to(second).values()) == list(shown_to(first).values())[::-1]
    for request in (first, second):
        source = json.loads(request.messages[-3]["content"])
        assert {name: text for name, text in source.items() if name.startswith("response_")} == shown_to(request)
        assert [message["role"] for message in request.messages[-3:]] == ["user", "assistant", "user"]


def test_judging_twice_leaves_the_first_requests_as_they_are() -> None:
    once, twice = judging(by_length), judging(by_length)
    rank("ne", FOUR, once)
    ranked, *_ = rank("ne", FOUR, twice, judged_twice=0.5)
    assert twice.asked[: len(once.asked)] == once.asked
    assert len(twice.asked) - len(once.asked) == ranked.loc[ranked["second_rank"] > 0, "id"].nunique()


def test_which_prompts_are_judged_twice_hangs_on_seed_and_id_alone() -> None:
    def chosen(drawn: dict[str, list[str]], seed: int, share: float) -> set[str]:
        ranked, *_ = rank("en", drawn, judging(by_length), seed, judged_twice=share)
        assert (ranked["agreement"].isna() == (ranked["second_rank"] == 0)).all()
        return set(ranked.loc[ranked["second_rank"] > 0, "id"])

    sixty = dict.fromkeys(TASKS, FOUR["row-0"])
    half = chosen(sixty, 1, 0.5)
    assert 15 < len(half) < 45
    assert chosen({id: sixty[id] for id in list(sixty)[:30]}, 1, 0.5) == half & set(list(sixty)[:30])
    assert chosen(sixty, 1, 0.2) < half
    assert chosen(sixty, 2, 0.5) != half
    assert chosen(sixty, 1, 0.0) == set()
    assert chosen(sixty, 1, 1.0) == set(sixty)


def test_a_second_judgement_in_the_wrong_form_leaves_the_first_one_standing() -> None:
    answers = iter(['{"ranking": [[1], [2], [3], [4]]}', "no", "no"])
    teacher = ScriptedTeacher(lambda request: next(answers))
    ranked, rejected, quality = rank("en", {"row-0": FOUR["row-0"]}, teacher, **TWICE)
    assert len(rejected) == 0
    assert set(ranked["second_rank"]) == {0}
    assert ("agreement", 0) not in figures(quality)


def test_the_two_turns_are_one_dialogue_from_the_language_into_english() -> None:
    teacher = judging(by_length)
    rank("ne", {"row-0": FOUR["row-0"]}, teacher)
    first, second = teacher.asked
    assert "from Nepali into English" in first.messages[0]["content"]
    assert second.messages[: len(first.messages)] == first.messages
    assert [message["role"] for message in second.messages[len(first.messages) :]] == ["assistant", "user"]
    assert list(json.loads(first.messages[-1]["content"])) == [
        "instruction",
        "input",
        "response_1",
        "response_2",
        "response_3",
        "response_4",
    ]


def preferences(
    ranks: list[int], texts: list[str], pairs: str = "all", second: list[int] | None = None
) -> list[tuple[str, str]]:
    """Chosen and rejected responses to one prompt with these ranks."""
    ranked = pd.DataFrame(
        {"id": "row-0", "k": range(len(ranks)), "rank": ranks, "english_response": "x", "shown_position": 1}
    ).assign(second_rank=second or 0, agreement=math.nan)
    table = build_preferences(
        schemas.RankedResponses.validate(ranked),
        responses_table({"row-0": texts}),
        translated_table("ne"),
        ENGLISH,
        parameters(pairs=pairs),
    )
    schemas.Preferences.validate(table)
    task = TASKS["row-0"].text("ne")
    assert set(table["prompt"]) <= {prompt_of(task["instruction"], task["input"], ENGLISH)}
    assert table["pair"].tolist() == list(range(len(table)))
    return [(row.chosen.removeprefix(" "), row.rejected.removeprefix(" ")) for row in table.itertuples()]


@pytest.mark.parametrize(
    ("ranks", "texts", "pairs"),
    [
        ([1, 2, 3, 4], list("abcd"), ["ab", "ac", "ad", "bc", "bd", "cd"]),
        ([4, 3, 2, 1], list("abcd"), ["dc", "db", "da", "cb", "ca", "ba"]),
        ([1, 1, 2, 2], list("abcd"), ["ac", "ad", "bc", "bd"]),
        ([1, 1, 1, 1], list("abcd"), []),
        ([1, 2, 2, 3], list("abbc"), ["ab", "ac", "bc"]),
        ([1, 2, 3, 4], list("aaaa"), []),
        ([1, 2, 3], list("aab"), ["ab"]),
        ([1, 2, 3], list("aba"), ["ab"]),
        ([1, 2, 3], ["a", "", "b"], [("a", ""), ("a", "b"), ("", "b")]),
    ],
)
def test_every_two_texts_of_different_rank_are_a_pair_once(
    ranks: list[int], texts: list[str], pairs: list[Any]
) -> None:
    assert preferences(ranks, texts) == [tuple(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("ranks", "texts", "pairs"),
    [
        ([1, 2, 3, 4], list("abcd"), ["ab", "bc", "cd"]),
        ([2, 1, 4, 3], list("abcd"), ["ba", "ad", "dc"]),
        ([1, 1, 1, 1], list("abcd"), []),
        ([1, 2, 3, 4], list("abba"), ["ab"]),
    ],
)
def test_adjacent_pairs_are_those_of_neighbours_in_rank(ranks: list[int], texts: list[str], pairs: list[str]) -> None:
    assert preferences(ranks, texts, "adjacent") == [tuple(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("ranks", "texts", "pairs"),
    [
        ([1, 2, 3, 4], list("abcd"), ["ab", "ac", "ad"]),
        ([4, 2, 1, 3], list("abcd"), ["cb", "cd", "ca"]),
        ([1, 1, 2, 3], list("abcd"), ["ac", "ad", "bc", "bd"]),
        ([1, 2, 2, 2], list("abcd"), ["ab", "ac", "ad"]),
        ([1, 1, 1, 1], list("abcd"), []),
        ([1, 1, 2, 3], list("aabb"), ["ab"]),
    ],
)
def test_the_best_is_paired_with_each_of_the_rest(ranks: list[int], texts: list[str], pairs: list[str]) -> None:
    assert preferences(ranks, texts, "best_vs_rest") == [tuple(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("kind", "second", "pairs"),
    [
        ("all", [1, 2, 3, 4], ["ab", "ac", "ad", "bc", "bd", "cd"]),
        ("all", [1, 2, 4, 3], ["ab", "ac", "ad", "bc", "bd"]),
        ("all", [1, 2, 3, 3], ["ab", "ac", "ad", "bc", "bd"]),
        ("all", [4, 3, 2, 1], []),
        ("adjacent", [1, 3, 2, 4], ["ab", "cd"]),
        ("best_vs_rest", [2, 1, 3, 4], ["ac", "ad"]),
    ],
)
def test_only_pairs_that_both_judgements_order_alike_are_kept(kind: str, second: list[int], pairs: list[str]) -> None:
    assert preferences([1, 2, 3, 4], list("abcd"), kind, second) == [tuple(pair) for pair in pairs]


def test_a_text_that_was_drawn_twice_has_its_best_rank_in_each_judgement() -> None:
    assert preferences([1, 2, 3], list("aab"), second=[3, 1, 2]) == [("a", "b")]
    assert preferences([1, 3, 2], list("aab"), second=[3, 2, 1]) == []


def test_a_pair_is_held_out_with_its_prompt_and_written_as_it_follows_it(tmp_path: Path) -> None:
    drawn = drawn_responses("ne")
    responses, translated = responses_table(drawn), translated_table("ne")
    ranked, *_ = rank("ne", drawn, offline_teacher(tmp_path))
    # The order of the rows must not matter.
    table = build_preferences(ranked.sample(frac=1, random_state=1), responses, translated, ENGLISH, parameters())
    schemas.Preferences.validate(table)
    held_out = translated.set_index("id")["held_out"]
    best = {id: completion_of(task.text("ne")["output"]) for id, task in TASKS.items()}
    assert set(table["id"]) <= set(ranked["id"])
    for row in table.itertuples():
        assert row.held_out == held_out[row.id]
        assert row.rejected != best[row.id]
    assert all((group["chosen"] == best[id]).any() for id, group in table.groupby("id"))


def test_no_ranking_at_all_is_empty_tables_that_fit_their_schemas() -> None:
    drawn = {"row-0": FOUR["row-0"]}
    ranked, _, quality = rank("en", drawn, ScriptedTeacher(lambda request: "no"))
    assert len(quality) == 0
    table = build_preferences(ranked, responses_table(drawn), translated_table("en"), ENGLISH, parameters())
    assert len(schemas.Preferences.validate(table)) == 0
