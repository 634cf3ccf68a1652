"""Asks the teacher for answers of a certain form, and asks again where the form was missed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Completion, Request

Q = TypeVar("Q")
T = TypeVar("T")

RETRY_TEMPERATURE = 0.5
"""At least this temperature draws the answer to a question that is asked again."""


class MalformedAnswer(ValueError):  # noqa: N818  (a property of an answer, not an error of ours)
    """An answer that is not in the form asked for; the message is a short reason."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What became of one question.

    Args:
        value: the parsed answer, or None when every attempt was malformed.
        reason: why the last attempt was malformed; empty when it was not.
        raw: the teacher's last text when it was malformed; empty when it was not.
        attempts: how often the question was asked.
    """

    value: T | None
    reason: str
    raw: str
    attempts: int


@dataclass(frozen=True)
class Requests(Iterable[Request], Generic[Q]):
    """The requests of some questions, each made when it is sent, so that a long job does not hold their texts.

    Args:
        make: the request of a question.
        questions: one for each request.
    """

    make: Callable[[Q], Request]
    questions: Sequence[Q]

    def __len__(self) -> int:
        return len(self.questions)

    def __getitem__(self, number: int) -> Request:
        return self.make(self.questions[number])

    def __iter__(self) -> Iterator[Request]:
        return map(self.make, self.questions)


def ask(
    teacher: Teacher,
    requests: Sequence[Request] | Requests[Q],
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
        asked = Requests(partial(_at_attempt, requests, attempt), malformed)
        with closing(teacher.stream(asked, stage, language)) as completions:
            for i, completion in zip(malformed, completions, strict=True):
                answers[i] = _parsed(parse, i, completion, attempt + 1)
        malformed = [i for i in malformed if answers[i].reason]
        if not malformed:
            break
    return [answers[i] for i in range(len(requests))]


def _at_attempt(requests: Sequence[Request] | Requests[Q], attempt: int, i: int) -> Request:
    """A request as it is sent at an attempt, the first of which is 0; a greedy answer would come out the same again."""
    request = requests[i]
    if not attempt:
        return request
    sampling = replace(request.sampling, temperature=max(request.sampling.temperature, RETRY_TEMPERATURE))
    return replace(request, sampling=sampling, sample=request.sample + attempt)


def _parsed(parse: Callable[[int, Completion], T], i: int, completion: Completion, attempts: int) -> Answer[T]:
    try:
        return Answer(parse(i, completion), "", "", attempts)
    except MalformedAnswer as error:
        return Answer(None, str(error) or "malformed", completion.text, attempts)
