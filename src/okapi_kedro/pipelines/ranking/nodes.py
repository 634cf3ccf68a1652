"""Responses of the SFT model, ranked by the teacher (Okapi, section 2.3)."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.ask import Answer, MalformedAnswer, ask
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.json_answer import object_schema, read_json_object, text_fields_schema
from okapi_kedro.teacher.messages import Completion, Message, Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.text.language_detection import wrong_language
from okapi_kedro.text.placeholders import protect
from okapi_kedro.text.translation_checks import failed_check
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import completion_of, prompt_of
from okapi_kedro.training.sampling import SamplingSettings, respond

Dialogue = tuple[Message, ...]
Ranks = dict[int, int]
RANKING_SCHEMA = object_schema({"ranking": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}})


class RankingParameters(BaseModel):
    """How responses are drawn, ranked and paired.

    Args:
        prompts: at most so many prompts are ranked; None ranks all of the split.
        responses: responses drawn for each prompt.
        sampling: how they are drawn.
        attempts: how often an answer in the wrong form is asked for again.
        temperature, top_p, max_tokens: of the teacher.
        pairs: `all` pairs of different rank, or the `adjacent` ones only.
    """

    model_config = ConfigDict(extra="forbid")

    prompts: int | None
    responses: int
    sampling: SamplingSettings
    attempts: int
    temperature: float
    top_p: float
    max_tokens: int
    pairs: Literal["all", "adjacent"]


def sample_responses(
    model: ModelReference, translated: pd.DataFrame, parameters: RankingParameters, seed: int
) -> pd.DataFrame:
    """Several responses of the SFT model to every prompt of the ranking split."""
    rows = translated[translated["split"] == "ranking"].head(parameters.prompts)
    prompts = [prompt_of(row.instruction, row.input) for row in rows.itertuples()]
    drawn = [
        respond(model, prompts, parameters.sampling, seed + k, f"response {k + 1} of {parameters.responses}")
        for k in range(parameters.responses)
    ]
    return pd.DataFrame(
        [
            {"id": id, "k": k, "response": responses[i].text, "finish_reason": responses[i].finish_reason}
            for i, id in enumerate(rows["id"])
            for k, responses in enumerate(drawn)
        ],
        columns=["id", "k", "response", "finish_reason"],
    ).astype({"id": "str", "response": "str", "finish_reason": "str", "k": "int64"})


def rank_responses(
    responses: pd.DataFrame,
    translated: pd.DataFrame,
    translation_prompt: str,
    ranking_prompt: str,
    teacher: Teacher,
    parameters: RankingParameters,
    language: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks the responses to each prompt in two turns: the teacher puts them into English, then ranks its English.

    Returns:
        One row per response with its rank (1 is best, equal ranks are ties) and the English that was ranked; and the
        prompts without a usable ranking.
    """
    shown = _shown(responses, translated, seed)
    sampling = Sampling(parameters.temperature, parameters.top_p, parameters.max_tokens)
    name = LANGUAGES[language].name
    turn_one = [render(translation_prompt, source=name, target="English", row=_json(row.fields())) for row in shown]
    requests = [
        Request(messages, sampling, schema=text_fields_schema(row.fields()))
        for messages, row in zip(turn_one, shown, strict=True)
    ]
    english = ask(teacher, requests, _english_reader(shown), parameters.attempts, stage="ranking", language=language)
    dialogues = [
        (*messages, {"role": "assistant", "content": _json(answer.value)}) if answer.value else ()
        for messages, answer in zip(turn_one, english, strict=True)
    ]
    return _rank(shown, english, dialogues, ranking_prompt, teacher, parameters, language)


def rank_english_responses(
    responses: pd.DataFrame,
    translated: pd.DataFrame,
    ranking_prompt: str,
    teacher: Teacher,
    parameters: RankingParameters,
    language: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks English responses, which need no first turn."""
    shown = _shown(responses, translated, seed)
    english = [Answer(row.fields(), "", "", 1) for row in shown]
    dialogues: list[Dialogue] = [({"role": "user", "content": _json(row.fields())},) for row in shown]
    return _rank(shown, english, dialogues, ranking_prompt, teacher, parameters, language)


class _Shown(BaseModel):
    """One prompt with its responses in the order in which the teacher sees them."""

    id: str
    instruction: str
    input: str
    responses: list[tuple[int, str]]

    def fields(self) -> dict[str, str]:
        numbered = {f"response_{place}": text for place, (_, text) in enumerate(self.responses, start=1)}
        return {"instruction": self.instruction, "input": self.input, **numbered}


def _shown(responses: pd.DataFrame, translated: pd.DataFrame, seed: int) -> list[_Shown]:
    """The prompts with their responses, shuffled so that no rank follows from a place."""
    rows = translated.set_index("id")
    shown = []
    for id, group in responses.groupby("id", sort=False):
        drawn = list(zip(group["k"].tolist(), group["response"].tolist(), strict=True))
        random.Random(f"{seed} {id}").shuffle(drawn)
        shown.append(_Shown(id=id, instruction=rows.at[id, "instruction"], input=rows.at[id, "input"], responses=drawn))
    return shown


def _rank(
    shown: Sequence[_Shown],
    english: Sequence[Answer[dict[str, str]]],
    dialogues: Sequence[Dialogue],
    ranking_prompt: str,
    teacher: Teacher,
    parameters: RankingParameters,
    language: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The second turn, for the prompts whose first turn has a usable answer."""
    sampling = Sampling(parameters.temperature, parameters.top_p, parameters.max_tokens)
    question = render(ranking_prompt, count=str(parameters.responses))
    usable = [i for i, answer in enumerate(english) if answer.value is not None]
    requests = [Request((*dialogues[i], *question), sampling, schema=RANKING_SCHEMA) for i in usable]
    readers = _ranking_reader(parameters.responses)
    answers = ask(teacher, requests, readers, parameters.attempts, stage="ranking", language=language)
    ranked: dict[int, Answer[Any]] = dict(zip(usable, answers, strict=True))
    outcomes = [ranked.get(i, english[i]) for i in range(len(shown))]
    table = [
        row
        for i, answer in ranked.items()
        if answer.value is not None
        for row in _ranked_rows(shown[i], english[i].value or {}, answer.value)
    ]
    rejected = [
        {"id": row.id, "reason": answer.reason, "raw": answer.raw}
        for row, answer in zip(shown, outcomes, strict=True)
        if answer.value is None
    ]
    columns = ["id", "k", "rank", "english_response", "shown_position"]
    return (
        pd.DataFrame(table, columns=columns).astype(
            {"id": "str", "k": "int64", "rank": "int64", "english_response": "str", "shown_position": "int64"}
        ),
        pd.DataFrame(rejected, columns=["id", "reason", "raw"], dtype="str"),
    )


def _ranked_rows(row: _Shown, english: dict[str, str], ranks: Ranks) -> list[dict[str, object]]:
    return [
        {
            "id": row.id,
            "k": k,
            "rank": ranks[place],
            "english_response": english[f"response_{place}"],
            "shown_position": place,
        }
        for place, (k, _) in enumerate(row.responses, start=1)
    ]


def _english_reader(shown: Sequence[_Shown]) -> Callable[[int, Completion], dict[str, str]]:
    def read(number: int, completion: Completion) -> dict[str, str]:
        answer, row = read_json_object(completion.text), shown[number]
        if set(answer) != set(row.fields()) or not all(isinstance(text, str) for text in answer.values()):
            raise MalformedAnswer("other keys than the row's")
        english = {name: str(text) for name, text in answer.items()}
        # A question that changed would be ranked by another answer; responses may be gibberish and are left alone.
        for name, text in (("instruction", row.instruction), ("input", row.input)):
            if failed := _changed(text, english[name]):
                raise MalformedAnswer(f"{name}: {failed}")
        return english

    return read


def _changed(text: str, english: str) -> str | None:
    """What a text lost or gained on its way into English; None when it may be the same."""
    before, after = protect(text), protect(english)
    if Counter(piece.text for piece in before.pieces) != Counter(piece.text for piece in after.pieces):
        return "code changed"
    failed = failed_check(before.masked, after.masked, LANGUAGES["en"])
    return failed or wrong_language(after.masked, LANGUAGES["en"])


def _ranking_reader(responses: int) -> Callable[[int, Completion], Ranks]:
    def read(_: int, completion: Completion) -> Ranks:
        groups = read_json_object(completion.text).get("ranking")
        if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
            raise MalformedAnswer("no list of groups under 'ranking'")
        numbers = [number for group in groups for number in group]
        if sorted(map(str, numbers)) != sorted(map(str, range(1, responses + 1))):
            raise MalformedAnswer(f"not each of the responses 1 to {responses} once")
        return {int(number): rank for rank, group in enumerate(groups, start=1) for number in group}

    return read


def _json(fields: dict[str, str]) -> str:
    return json.dumps(fields, ensure_ascii=False, indent=1)


def build_preferences(
    ranked: pd.DataFrame, responses: pd.DataFrame, translated: pd.DataFrame, parameters: RankingParameters
) -> pd.DataFrame:
    """Pairs of a better and a worse response to the same prompt; ties and equal texts make no pair."""
    rows = ranked.merge(responses, on=["id", "k"], validate="one_to_one")
    prompts = translated.set_index("id")
    pairs = []
    for id, group in rows.groupby("id", sort=False):
        prompt = prompts.loc[id]
        for number, (better, worse) in enumerate(_pairs(group, parameters.pairs)):
            pairs.append(
                {
                    "id": id,
                    "pair": number,
                    "prompt": prompt_of(prompt["instruction"], prompt["input"]),
                    "chosen": completion_of(better),
                    "rejected": completion_of(worse),
                    "held_out": prompt["held_out"],
                }
            )
    columns = ["id", "pair", "prompt", "chosen", "rejected", "held_out"]
    text = dict.fromkeys(("id", "prompt", "chosen", "rejected"), "str")
    return pd.DataFrame(pairs, columns=columns).astype({**text, "pair": "int64", "held_out": "bool"})


def _pairs(group: pd.DataFrame, kind: str) -> list[tuple[str, str]]:
    """Better and worse texts, from the responses to one prompt; a text that was drawn twice has its best rank."""
    ranks: dict[str, int] = {}
    for rank, text in sorted(zip(group["rank"], group["response"], strict=True)):
        ranks.setdefault(text, rank)
    chosen = combinations(ranks.items(), 2) if kind == "all" else pairwise(ranks.items())
    return [(better, worse) for (better, first), (worse, second) in chosen if first < second]
