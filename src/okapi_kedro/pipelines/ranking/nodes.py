"""Responses of the SFT model, ranked by the teacher (Okapi, section 2.3)."""

import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from okapi_kedro.pipelines.ranking.judge_quality import (
    Judgement,
    agreement,
    contradicts,
    judge_quality,
    pairs_alike,
)
from okapi_kedro.pipelines.ranking.judging import (
    Case,
    Dialogue,
    Shown,
    as_answer,
    both_turns,
    english_turn,
    judge,
    put_into_english,
    show,
)
from okapi_kedro.pipelines.ranking.parameters import RankingParameters
from okapi_kedro.pipelines.ranking.preference_pairs import Ranked, preference_pairs
from okapi_kedro.pipelines.ranking.repeated_responses import repeats
from okapi_kedro.teacher.ask import Answer
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.prompts import render
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import PromptTemplate, completion_of, prompt_of
from okapi_kedro.training.response_parts import draw_in_parts

logger = logging.getLogger(__name__)

STAGE = "ranking"
"""In its name the teacher's answers are stored."""

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
Judging = Callable[[Mapping[str, Case]], dict[str, Answer[Judgement]]]


def sample_responses(
    model: ModelReference,
    translated: pd.DataFrame,
    template: PromptTemplate,
    parts: Path,
    parameters: RankingParameters,
    seed: int,
) -> pd.DataFrame:
    """Several responses of the SFT model to every prompt of the ranking split; those drawn before a kill are kept."""
    rows = translated[translated["split"] == "ranking"].head(parameters.prompts)
    asked = [
        (row.id, k, prompt_of(row.instruction, row.input, template))
        for row in rows.itertuples()
        for k in range(parameters.responses)
    ]
    names = [f"{id} {k}" for id, k, _ in asked]
    drawn = draw_in_parts(model, [prompt for *_, prompt in asked], names, parameters.sampling, seed, parts)
    table = pd.DataFrame(
        [
            {"id": id, "k": k, "response": response.text, "finish_reason": response.finish_reason}
            for (id, k, _), response in zip(asked, drawn, strict=True)
        ],
        columns=["id", "k", "response", "finish_reason"],
    ).astype({"id": "str", "k": "int64", "response": "str", "finish_reason": "str"})
    groups = table.groupby("id", sort=False)["response"]
    repeated = [flag for _, texts in groups for flag in repeats(texts.tolist(), parameters.repeats_above)]
    logger.info("%d of %d responses repeat an earlier one to their prompt", sum(repeated), len(table))
    return table.assign(repeats=pd.Series(repeated, index=table.index, dtype="bool"))


def rank_responses(
    responses: pd.DataFrame,
    translated: pd.DataFrame,
    translation_prompt: str,
    ranking_prompt: str,
    teacher: Teacher,
    parameters: RankingParameters,
    language: str,
    seed: int,
) -> Tables:
    """Ranks the responses to each prompt in two turns: the teacher puts them into English, then ranks its English.

    Returns:
        One row per response with its ranks (1 is best, equal ranks are ties) and the English that was ranked; the
        prompts without a usable ranking; and the figures of the judge.
    """
    shown = show(responses, translated, seed)
    english = put_into_english(shown, translation_prompt, teacher, parameters, STAGE, language)
    dialogue = partial(both_turns, translation_prompt=translation_prompt, language=language)
    judging = _judging(ranking_prompt, teacher, parameters, language)
    return _rank(shown, english, dialogue, judging, parameters.judged_twice, seed)


def rank_english_responses(
    responses: pd.DataFrame,
    translated: pd.DataFrame,
    ranking_prompt: str,
    teacher: Teacher,
    parameters: RankingParameters,
    language: str,
    seed: int,
) -> Tables:
    """Ranks English responses, which need no first turn."""
    shown = show(responses, translated, seed)
    english = [Answer(row, "", "", 1) for row in shown]
    judging = _judging(ranking_prompt, teacher, parameters, language)
    return _rank(shown, english, english_turn, judging, parameters.judged_twice, seed)


def _judging(ranking_prompt: str, teacher: Teacher, parameters: RankingParameters, language: str) -> Judging:
    question = render(ranking_prompt, count=str(parameters.responses))
    return partial(judge, question=question, teacher=teacher, settings=parameters, stage=STAGE, language=language)


def _rank(
    shown: Sequence[Shown],
    english: Sequence[Answer[Shown]],
    dialogue: Callable[[Shown, Shown], Dialogue],
    judging: Judging,
    judged_twice: float,
    seed: int,
) -> Tables:
    """Rankings of the prompts whose English is usable, of some in two orders.

    Args:
        shown: the prompts as they were put into English.
        english: what came of that.
        dialogue: what goes before the question for a ranking, from a prompt and its English.
        judging: asks for rankings.
        judged_twice: share of the prompts that are ranked in the reverse order too.
        seed: chooses them.
    """
    asked = list(zip(shown, english, strict=True))
    cases = {row.id: Case(text.value, dialogue(row, text.value)) for row, text in asked if text.value is not None}
    first = judging(cases)
    chosen = [row for row in shown if _is_usable(first, row.id) and _is_chosen(row.id, judged_twice, seed)]
    turned = {row.id: (row.reversed(), cases[row.id].english.reversed()) for row in chosen}
    second = judging({id: Case(text, dialogue(row, text)) for id, (row, text) in turned.items()})

    once = {id: answer.value for id, answer in first.items() if answer.value is not None}
    twice = {id: (once[id], answer.value) for id, answer in second.items() if answer.value is not None}
    torn = {id: pair for id, pair in twice.items() if contradicts(pair[0].ranks, pair[1].ranks)}
    ranked = [
        row
        for id, judgement in once.items()
        if id not in torn
        for row in _ranked_rows(id, cases[id].english, judgement, twice[id][1] if id in twice else None)
    ]
    rejected = [
        *((row.id, text.reason, text.raw) for row, text in asked if text.value is None),
        *((id, answer.reason, answer.raw) for id, answer in first.items() if answer.value is None),
        *((id, _contradiction(*pair), "\n".join(map(as_answer, pair))) for id, pair in torn.items()),
    ]
    return (
        pd.DataFrame(ranked, columns=list(_RANKED)).astype(_RANKED),
        pd.DataFrame(rejected, columns=["id", "reason", "raw"], dtype="str"),
        judge_quality(list(once.values()), list(twice.values())),
    )


_RANKED = {
    "id": "str",
    "k": "int64",
    "rank": "int64",
    "english_response": "str",
    "shown_position": "int64",
    "second_rank": "int64",
    "agreement": "float64",
}


def _is_usable(answers: Mapping[str, Answer[Judgement]], id: str) -> bool:
    return id in answers and answers[id].value is not None


def _is_chosen(id: str, share: float, seed: int) -> bool:
    """Whether a prompt is among those that are judged twice; that hangs on its id alone."""
    return random.Random(f"{seed} {id} twice").random() < share


def _ranked_rows(id: str, english: Shown, first: Judgement, second: Judgement | None) -> list[dict[str, object]]:
    return [
        {
            "id": id,
            "k": k,
            "rank": first.ranks[k],
            "english_response": text,
            "shown_position": place,
            "second_rank": second.ranks[k] if second else 0,
            "agreement": agreement(first.ranks, second.ranks) if second else math.nan,
        }
        for place, (k, text) in enumerate(zip(english.order, english.responses, strict=True), start=1)
    ]


def _contradiction(first: Judgement, second: Judgement) -> str:
    alike, pairs = pairs_alike(first.ranks, second.ranks)
    return f"contradicts itself: shown in two orders, {alike} of {pairs} pairs are ranked alike"


def build_preferences(
    ranked: pd.DataFrame,
    responses: pd.DataFrame,
    translated: pd.DataFrame,
    template: PromptTemplate,
    parameters: RankingParameters,
) -> pd.DataFrame:
    """Pairs of a better and a worse response to the same prompt.

    Ties, equal texts and pairs that a second judgement orders otherwise make no pair.
    """
    rows = ranked.merge(responses, on=["id", "k"], validate="one_to_one")
    prompts = translated.set_index("id")
    pairs = []
    for id, group in rows.groupby("id", sort=False):
        prompt = prompts.loc[id]
        for number, (better, worse) in enumerate(preference_pairs(_judged(group), parameters.pairs)):
            pairs.append(
                {
                    "id": id,
                    "pair": number,
                    "prompt": prompt_of(prompt["instruction"], prompt["input"], template),
                    "chosen": completion_of(better),
                    "rejected": completion_of(worse),
                    "held_out": prompt["held_out"],
                }
            )
    columns = ["id", "pair", "prompt", "chosen", "rejected", "held_out"]
    text = dict.fromkeys(("id", "prompt", "chosen", "rejected"), "str")
    return pd.DataFrame(pairs, columns=columns).astype({**text, "pair": "int64", "held_out": "bool"})


def _judged(group: pd.DataFrame) -> list[Ranked]:
    """The responses to one prompt with their ranks in one or two judgements."""
    return [
        Ranked(row.response, (row.rank, row.second_rank) if row.second_rank else (row.rank,))
        for row in group.itertuples()
    ]
