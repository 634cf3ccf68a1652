"""Asks the teacher for answers of a certain form, and asks again where the form was missed."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Completion, Request

T = TypeVar("T")

RETRY_TEMPERATURE = 0.5
"""At least this temperature draws the answer to a question that is asked again."""


class MalformedAnswer(ValueError):  # noqa: N818  (a property of an answer, not an error of ours)
    """An answer that is not in the form asked for; the message is a short reason."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What became of one question.

    Args:
        value: the parsed answer, or None when every attempt was malformed.
        reason: why the last attempt was malformed; empty when it was not.
        raw: the teacher's last text, as it came.
        attempts: how often the question was asked.
    """

    value: T | None
    reason: str
    raw: str
    attempts: int


def ask(
    teacher: Teacher,
    requests: Sequence[Request],
    parse: Callable[[int, Completion], T],
    attempts: int,
    stage: str,
    language: str,
) -> list[Answer[T]]:
    """The parsed answers, in the order of the requests; malformed ones are asked again, drawn anew.

    Args:
        teacher: who is asked.
        requests: the questions.
        parse: makes the value from a question's position and its completion, or raises MalformedAnswer.
        attempts: how often a question is asked at most, at least 1.
        stage: names the answers' shard in the completion store, with the language.
        language: code of the language.
    """
    answers: dict[int, Answer[T]] = {}
    malformed = list(range(len(requests)))
    for attempt in range(attempts):
        asked = [_again(requests[i], attempt) for i in malformed]
        with closing(teacher.stream(asked, stage, language)) as completions:
            for i, completion in zip(malformed, completions, strict=True):
                answers[i] = _parsed(parse, i, completion, attempt + 1)
        malformed = [i for i in malformed if answers[i].reason]
        if not malformed:
            break
    return [answers[i] for i in range(len(requests))]


def _again(request: Request, attempt: int) -> Request:
    """A request as it is sent at an attempt, the first of which is 0; a greedy answer would come out the same again."""
    if not attempt:
        return request
    sampling = replace(request.sampling, temperature=max(request.sampling.temperature, RETRY_TEMPERATURE))
    return replace(request, sampling=sampling, sample=request.sample + attempt)


def _parsed(parse: Callable[[int, Completion], T], i: int, completion: Completion, attempts: int) -> Answer[T]:
    try:
        return Answer(parse(i, completion), "", completion.text, attempts)
    except MalformedAnswer as error:
        return Answer(None, str(error) or "malformed", completion.text, attempts)
