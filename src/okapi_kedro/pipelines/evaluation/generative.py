"""Base, SFT and RLHF model answer the same held-out instructions, and the teacher compares what they write."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.chrf import chrf
from okapi_kedro.evaluation.verdicts import TIE, Verdict, agreed
from okapi_kedro.pipelines.ranking.judge_quality import Judgement
from okapi_kedro.pipelines.ranking.judging import (
    Case,
    Dialogue,
    Shown,
    both_turns,
    english_turn,
    judge,
    put_into_english,
    show,
)
from okapi_kedro.pipelines.ranking.parameters import JudgeSettings
from okapi_kedro.teacher.ask import Answer
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.prompts import render
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import PromptTemplate, prompt_of
from okapi_kedro.training.sampling import SamplingSettings, respond

STAGE = "evaluation"
"""In its name the teacher's answers are stored."""
MODELS = ("base", "sft", "rlhf")
COMPARISONS = (("sft", "base"), ("rlhf", "sft"))
"""Each model with its rival: the one that it was made from."""

Tables = tuple[pd.DataFrame, pd.DataFrame]
Responses = Mapping[str, Mapping[str, str]]
"""Texts by prompt and model."""


class GenerativeParameters(BaseModel):
    """What is answered and compared.

    Args:
        prompts: so many held-out instructions at most, drawn by the seed.
        answers: how they are answered.
        judge: how the teacher is asked for the English and for the verdicts.
    """

    model_config = ConfigDict(extra="forbid")

    prompts: NonNegativeInt
    answers: SamplingSettings
    judge: JudgeSettings


@dataclass(frozen=True)
class Question:
    """Which of two models' responses to a prompt is better, asked in one of the two orders.

    Args:
        id: of the prompt.
        model, rival: whose responses they are.
        model_first: whether the model's response is shown first.
    """

    id: str
    model: str
    rival: str
    model_first: bool

    def order(self) -> tuple[int, int]:
        """The two responses as they are shown, by their models' places in MODELS."""
        first, second = (self.model, self.rival) if self.model_first else (self.rival, self.model)
        return MODELS.index(first), MODELS.index(second)

    def verdict(self, judgement: Judgement) -> Verdict:
        """What a judgement says of the model."""
        own, others = (judgement.ranks[MODELS.index(name)] for name in (self.model, self.rival))
        return "tie" if own == others else "win" if own < others else "loss"


Judging = Callable[[Mapping[Question, Case]], dict[Question, Answer[Judgement]]]


def choose_held_out_prompts(
    translated: pd.DataFrame, template: PromptTemplate, parameters: GenerativeParameters, seed: int
) -> pd.DataFrame:
    """Held-out instructions of all splits with their references; the seed and a row's id decide which."""
    held_out = translated[translated["held_out"]]
    places = held_out["id"].map(lambda id: sha256(f"{seed} {id} compared".encode()).hexdigest())
    rows = held_out[places.rank(method="first") <= parameters.prompts]
    prompts = [prompt_of(row.instruction, row.input, template) for row in rows.itertuples()]
    table = rows[["id", "instruction", "input"]].assign(prompt=prompts, reference=rows["output"])
    return table.astype("str").reset_index(drop=True)


def answer_held_out_prompts(
    model: ModelReference, prompts: pd.DataFrame, parameters: GenerativeParameters, seed: int
) -> pd.DataFrame:
    """One model's response to every prompt."""
    description = f"{Path(model.name).name} on held-out instructions"
    drawn = respond(
        model, prompts["prompt"].tolist(), parameters.answers, seed, description, names=prompts["id"].tolist()
    )
    columns = {"response": [each.text for each in drawn], "finish_reason": [each.finish_reason for each in drawn]}
    return prompts[["id"]].assign(**columns).astype("str")


def measure_chrf(prompts: pd.DataFrame, base: pd.DataFrame, sft: pd.DataFrame, rlhf: pd.DataFrame) -> pd.DataFrame:
    """Mean chrF of each model's responses with the references, over the prompts that have one."""
    referenced = prompts[prompts["reference"].str.strip() != ""].set_index("id")["reference"]
    rows = []
    for model, responses in zip(MODELS, (base, sft, rlhf), strict=True):
        texts = responses.set_index("id")["response"].reindex(referenced.index)
        scores = pd.Series(
            [chrf(text, [right]) for text, right in zip(texts, referenced, strict=True)], dtype="float64"
        )
        rows.append({"model": model, "chrf": scores.mean(), "chrf_stderr": scores.sem(), "n": len(scores)})
    return pd.DataFrame(rows).astype({"model": "str"})


def compare_responses(
    prompts: pd.DataFrame,
    base: pd.DataFrame,
    sft: pd.DataFrame,
    rlhf: pd.DataFrame,
    translation_prompt: str,
    comparison_prompt: str,
    teacher: Teacher,
    parameters: GenerativeParameters,
    language: str,
    seed: int,
) -> Tables:
    """Verdicts on SFT against base and RLHF against SFT, each in both orders, on the teacher's English of all three.

    Equal responses are a tie that nobody is asked about; verdicts that contradict each other are one too.

    Returns:
        One row per prompt and comparison, see `win_rates`, and the comparisons without a usable verdict.
    """
    responses = _by_prompt(prompts, base, sft, rlhf)
    shown = _shown(responses, prompts, seed)
    english = put_into_english(shown, translation_prompt, teacher, parameters.judge, STAGE, language)
    dialogue = partial(both_turns, translation_prompt=translation_prompt, language=language)
    judging = _judging(comparison_prompt, teacher, parameters, language)
    return _compare(responses, dict(zip(shown, english, strict=True)), dialogue, judging)


def compare_english_responses(
    prompts: pd.DataFrame,
    base: pd.DataFrame,
    sft: pd.DataFrame,
    rlhf: pd.DataFrame,
    comparison_prompt: str,
    teacher: Teacher,
    parameters: GenerativeParameters,
    language: str,
    seed: int,
) -> Tables:
    """The same for English responses, which are judged as they are."""
    responses = _by_prompt(prompts, base, sft, rlhf)
    english = {row: Answer(row, "", "", 1) for row in _shown(responses, prompts, seed)}
    judging = _judging(comparison_prompt, teacher, parameters, language)
    return _compare(responses, english, english_turn, judging)


def lay_side_by_side(
    prompts: pd.DataFrame, base: pd.DataFrame, sft: pd.DataFrame, rlhf: pd.DataFrame, verdicts: pd.DataFrame
) -> pd.DataFrame:
    """All that is known of each prompt in one row, to read; a comparison without a usable verdict is empty."""
    table = prompts.drop(columns="prompt")
    for model, responses in zip(MODELS, (base, sft, rlhf), strict=True):
        table[model] = table["id"].map(responses.set_index("id")["response"])
    for model, rival in COMPARISONS:
        own = verdicts[(verdicts["model"] == model) & (verdicts["rival"] == rival)]
        table[f"{model}_against_{rival}"] = table["id"].map(own.set_index("id")["verdict"]).fillna("")
    return table.astype("str")


def _judging(comparison_prompt: str, teacher: Teacher, parameters: GenerativeParameters, language: str) -> Judging:
    question = render(comparison_prompt)
    return partial(judge, question=question, teacher=teacher, settings=parameters.judge, stage=STAGE, language=language)


def _by_prompt(prompts: pd.DataFrame, *tables: pd.DataFrame) -> Responses:
    """The texts of the three models.

    Raises:
        UserError: when a table answers other prompts, which a run on other parameters has left behind.
    """
    texts = {model: table.set_index("id")["response"] for model, table in zip(MODELS, tables, strict=True)}
    for model, responses in texts.items():
        if set(responses.index) != set(prompts["id"]):
            raise UserError(
                f"{model}_responses do not answer the {len(prompts)} held-out prompts of these parameters; "
                "answer them first: kedro run --pipeline=evaluation --tags=generative"
            )
    return {id: {model: responses[id] for model, responses in texts.items()} for id in prompts["id"]}


def _shown(responses: Responses, prompts: pd.DataFrame, seed: int) -> list[Shown]:
    """The prompts about which there is a question, with all responses in an order that the seed shuffles."""
    rows = [
        (id, k, text)
        for id, texts in responses.items()
        if any(_questions(id, texts))
        for k, text in enumerate(texts.values())
    ]
    return show(pd.DataFrame(rows, columns=["id", "k", "response"]), prompts, seed)


def _questions(id: str, texts: Mapping[str, str]) -> Iterator[Question]:
    """What the judge is asked about the responses to a prompt; equal ones need no judge."""
    for model, rival in COMPARISONS:
        if texts[model] != texts[rival]:
            yield from (Question(id, model, rival, model_first) for model_first in (True, False))


def _compare(
    responses: Responses,
    english: Mapping[Shown, Answer[Shown]],
    dialogue: Callable[[Shown, Shown], Dialogue],
    judging: Judging,
) -> Tables:
    """The verdicts, and the comparisons without one.

    Args:
        responses: by prompt and model.
        english: of the prompts about which there is a question.
        dialogue: what goes before the question, from responses and their English.
        judging: asks the questions.
    """
    answers = _answers(responses, english, dialogue, judging)
    verdicts: list[dict[str, object]] = []
    rejected: list[dict[str, object]] = []
    for id in responses:
        for model, rival in COMPARISONS:
            both = [Question(id, model, rival, model_first) for model_first in (True, False)]
            asked = {question: answers[question] for question in both if question in answers}
            key = {"id": id, "model": model, "rival": rival}
            if failed := next((answer for answer in asked.values() if answer.value is None), None):
                rejected.append({**key, "reason": failed.reason, "raw": failed.raw})
            else:
                verdicts.append({**key, **_verdict(asked)})
    return (
        pd.DataFrame(verdicts, columns=list(_VERDICTS)).astype(_VERDICTS),
        pd.DataFrame(rejected, columns=["id", "model", "rival", "reason", "raw"], dtype="str"),
    )


_VERDICTS = {
    **dict.fromkeys(("id", "model", "rival", "verdict"), "str"),
    "identical": "bool",
    **dict.fromkeys(("shown_first", "shown_second"), "str"),
}


def _answers(
    responses: Responses,
    english: Mapping[Shown, Answer[Shown]],
    dialogue: Callable[[Shown, Shown], Dialogue],
    judging: Judging,
) -> dict[Question, Answer[Judgement]]:
    """What the judge says to every question; where there is no English, what became of that."""
    cases: dict[Question, Case] = {}
    unasked: dict[Question, Answer[Judgement]] = {}
    for row, text in english.items():
        for question in _questions(row.id, responses[row.id]):
            if text.value is None:
                unasked[question] = Answer(None, text.reason, text.raw, text.attempts)
            else:
                pair = text.value.only(question.order())
                cases[question] = Case(pair, dialogue(row.only(question.order()), pair))
    return unasked | judging(cases)


def _verdict(answers: Mapping[Question, Answer[Judgement]]) -> dict[str, object]:
    """What both orders come to; where nobody was asked, the responses are equal."""
    said = [question.verdict(answer.value) for question, answer in answers.items() if answer.value is not None]
    first, second = said if said else (TIE, TIE)
    return {"verdict": agreed(first, second), "identical": not said, "shown_first": first, "shown_second": second}
