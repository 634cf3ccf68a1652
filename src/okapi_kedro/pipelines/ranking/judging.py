"""How the teacher ranks the responses to a prompt, and what its answers may look like."""

import json
import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipelines.ranking.judge_quality import Judgement
from okapi_kedro.pipelines.ranking.parameters import JudgeSettings
from okapi_kedro.teacher.ask import Answer, MalformedAnswer, ask
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.json_answer import object_schema, read_json_object, text_fields_schema
from okapi_kedro.teacher.messages import Completion, Message, Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.text.language_detection import wrong_language
from okapi_kedro.text.placeholders import protect
from okapi_kedro.text.translation_checks import failed_check

Dialogue = tuple[Message, ...]
Name = TypeVar("Name", bound=Hashable)
RANKING_SCHEMA = object_schema({"ranking": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}})


@dataclass(frozen=True)
class Shown:
    """A prompt with its responses in the order in which the teacher sees them.

    Args:
        id: of the prompt.
        instruction, input: the prompt's texts.
        order: which response stands at each place, by its k.
        responses: the text at each place.
    """

    id: str
    instruction: str
    input: str
    order: tuple[int, ...]
    responses: tuple[str, ...]

    def fields(self) -> dict[str, str]:
        """The texts by the names under which they are sent."""
        numbered = {f"response_{place}": text for place, text in enumerate(self.responses, start=1)}
        return {"instruction": self.instruction, "input": self.input, **numbered}

    def with_texts(self, fields: dict[str, str]) -> "Shown":
        """The same with other texts, by the names of `fields`."""
        responses = tuple(fields[f"response_{place}"] for place in range(1, len(self.order) + 1))
        return Shown(self.id, fields["instruction"], fields["input"], self.order, responses)

    def reversed(self) -> "Shown":
        """The same with the last response first."""
        return self.only(self.order[::-1])

    def only(self, order: Sequence[int]) -> "Shown":
        """The same with these of its responses, by their k, in this order."""
        texts = dict(zip(self.order, self.responses, strict=True))
        return Shown(self.id, self.instruction, self.input, tuple(order), tuple(texts[k] for k in order))


@dataclass(frozen=True)
class Case:
    """What the judge is shown of a prompt.

    Args:
        english: the prompt and its responses in English, in the order shown.
        dialogue: ends with just that.
    """

    english: Shown
    dialogue: Dialogue


def show(responses: pd.DataFrame, translated: pd.DataFrame, seed: int) -> list[Shown]:
    """The prompts with their responses, shuffled so that no rank follows from a place."""
    rows = translated.set_index("id")
    shown = []
    for id, group in responses.groupby("id", sort=False):
        drawn = list(zip(group["k"].tolist(), group["response"].tolist(), strict=True))
        random.Random(f"{seed} {id}").shuffle(drawn)
        order, texts = zip(*drawn, strict=True)
        shown.append(Shown(str(id), rows.at[id, "instruction"], rows.at[id, "input"], order, texts))
    return shown


def as_json(shown: Shown) -> str:
    """What the teacher is sent of a prompt."""
    return json.dumps(shown.fields(), ensure_ascii=False, indent=1)


def as_answer(judgement: Judgement) -> str:
    """A judgement in the form in which the teacher gives it."""
    ranks = [judgement.ranks[k] for k in judgement.order]
    groups = [[place for place, its in enumerate(ranks, start=1) if its == rank] for rank in sorted(set(ranks))]
    return json.dumps({"ranking": groups})


def first_turn(shown: Shown, translation_prompt: str, language: str) -> Dialogue:
    """What asks for the English of a prompt and its responses."""
    return render(translation_prompt, source=LANGUAGES[language].name, target="English", row=as_json(shown))


def both_turns(shown: Shown, english: Shown, translation_prompt: str, language: str) -> Dialogue:
    """The first turn with its answer, after which the question for a ranking comes."""
    return (*first_turn(shown, translation_prompt, language), {"role": "assistant", "content": as_json(english)})


def english_turn(_: Shown, english: Shown) -> Dialogue:
    """What stands before the question where the responses are English already."""
    return ({"role": "user", "content": as_json(english)},)


def put_into_english(
    shown: Sequence[Shown],
    translation_prompt: str,
    teacher: Teacher,
    settings: JudgeSettings,
    stage: str,
    language: str,
) -> list[Answer[Shown]]:
    """The first turn: the teacher's English of each prompt and its responses.

    Args:
        shown: prompts in the language.
        translation_prompt: asks for the English of one.
        teacher: who is asked.
        settings: how it is asked.
        stage: of the pipeline, in whose name the answers are stored.
        language: code of the language.
    """
    requests = [
        Request(
            first_turn(row, translation_prompt, language), _sampling(settings), schema=text_fields_schema(row.fields())
        )
        for row in shown
    ]
    return ask(teacher, requests, _english_reader(shown), settings.attempts, stage, language)


def judge(
    cases: Mapping[Name, Case],
    question: Dialogue,
    teacher: Teacher,
    settings: JudgeSettings,
    stage: str,
    language: str,
) -> dict[Name, Answer[Judgement]]:
    """The second turn: the teacher's ranking of each case, by the cases' names.

    Args:
        cases: what is ranked, by whatever tells the cases apart.
        question: asks for the ranking.
        teacher: who is asked.
        settings: how it is asked.
        stage: of the pipeline, in whose name the answers are stored.
        language: code of the language.
    """
    requests = [
        Request((*case.dialogue, *question), _sampling(settings), schema=RANKING_SCHEMA) for case in cases.values()
    ]
    orders = [case.english.order for case in cases.values()]
    answers = ask(teacher, requests, _ranking_reader(orders), settings.attempts, stage, language)
    return dict(zip(cases, answers, strict=True))


def _sampling(settings: JudgeSettings) -> Sampling:
    return Sampling(settings.temperature, settings.top_p, settings.max_tokens)


def _english_reader(shown: Sequence[Shown]) -> Callable[[int, Completion], Shown]:
    def read(number: int, completion: Completion) -> Shown:
        answer, row = read_json_object(completion.text), shown[number]
        if set(answer) != set(row.fields()) or not all(isinstance(text, str) for text in answer.values()):
            raise MalformedAnswer("other keys than the row's")
        english = row.with_texts({name: str(text) for name, text in answer.items()})
        # A question that changed would be ranked by another answer; responses may be gibberish and are left alone.
        for name in ("instruction", "input"):
            if failed := _changed(getattr(row, name), getattr(english, name)):
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


def _ranking_reader(orders: Sequence[tuple[int, ...]]) -> Callable[[int, Completion], Judgement]:
    def read(number: int, completion: Completion) -> Judgement:
        order = orders[number]
        groups = read_json_object(completion.text).get("ranking")
        if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
            raise MalformedAnswer("no list of groups under 'ranking'")
        places = [place for group in groups for place in group]
        if sorted(map(str, places)) != sorted(map(str, range(1, len(order) + 1))):
            raise MalformedAnswer(f"not each of the responses 1 to {len(order)} once")
        ranks = {order[int(place) - 1]: rank for rank, group in enumerate(groups, start=1) for place in group}
        return Judgement(order, ranks)

    return read
