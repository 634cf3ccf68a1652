"""Translates the fields of rows: what may not change leaves them before, and every answer is checked."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, pairwise

from pydantic import BaseModel, ConfigDict, Field

from okapi_kedro.languages import Language
from okapi_kedro.teacher.ask import Answer, MalformedAnswer, Requests, ask
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.json_answer import read_json_object, text_fields_schema
from okapi_kedro.teacher.messages import Completion, Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.text.language_detection import wrong_language
from okapi_kedro.text.long_rows import Row, cut_row, join_parts
from okapi_kedro.text.placeholders import (
    DamagedPiecesError,
    protect_row,
    restore_row,
    to_translate,
    with_marks_as_sent,
)
from okapi_kedro.text.protected_spans import Kind
from okapi_kedro.text.translation_checks import failed_check, left_in_english

Fields = dict[str, str]


class TranslationParameters(BaseModel):
    """How rows are translated.

    Args:
        attempts: how often a row is asked for until it passes the checks; then it is rejected.
        temperature, top_p, max_tokens: of the teacher.
        protected: kinds of pieces that are not translated.
        most_characters: of one request; a longer row is asked for in parts.
        notes: of the language, such as its script or form of address; part of the prompt.
    """

    model_config = ConfigDict(extra="forbid")

    attempts: int
    temperature: float
    top_p: float
    max_tokens: int
    protected: frozenset[Kind]
    most_characters: int = Field(ge=100)
    notes: str


def translate_rows(
    rows: Sequence[Fields], prompt: str, teacher: Teacher, parameters: TranslationParameters, target: Language
) -> list[Answer[Fields]]:
    """The translation of each row's fields, or why there is none.

    A row is one request, or several when it is long; one without a word to translate is kept as it is, unasked.
    """
    cut = [cut_row(protect_row(row, parameters.protected), parameters.most_characters) for row in rows]
    parts = _translate_parts([part for row in cut for part in row], prompt, teacher, parameters, target)
    ends = accumulate(map(len, cut), initial=0)
    return [_joined(parts[start:end]) for start, end in pairwise(ends)]


def _translate_parts(
    parts: Sequence[Row], prompt: str, teacher: Teacher, parameters: TranslationParameters, target: Language
) -> list[Answer[Fields]]:
    asked = [part for part in parts if to_translate(part)]
    sampling = Sampling(parameters.temperature, parameters.top_p, parameters.max_tokens)
    requests = Requests(lambda part: _request(part, prompt, sampling, parameters.notes, target), asked)
    reader = _reader(asked, target)
    answers = iter(ask(teacher, requests, reader, parameters.attempts, stage="translation", language=target.code))
    return [next(answers) if to_translate(part) else Answer(restore_row(part, {}), "", "", 0) for part in parts]


def _request(part: Row, prompt: str, sampling: Sampling, notes: str, target: Language) -> Request:
    sent = to_translate(part)
    row = json.dumps(sent, ensure_ascii=False, indent=1)
    messages = render(prompt, source="English", target=target.name, notes=notes, row=row)
    return Request(messages, sampling, schema=_schema(tuple(sent)))


_schema = cache(text_fields_schema)
"""One for all requests that ask for the same fields."""


def _reader(parts: Sequence[Row], target: Language) -> Callable[[int, Completion], Fields]:
    """Reads the answer to a part's request, or raises with the check that it fails."""

    def read(number: int, completion: Completion) -> Fields:
        part = parts[number]
        sent = to_translate(part)
        answer = read_json_object(completion.text)
        if set(answer) != set(sent) or not all(isinstance(text, str) for text in answer.values()):
            raise MalformedAnswer("other keys than the row's")
        translated = {name: _within_blanks_of(source, str(answer[name])) for name, source in sent.items()}
        try:
            fields = restore_row(part, translated)
        except DamagedPiecesError as damage:
            raise MalformedAnswer(str(damage)) from None
        for name, source in sent.items():
            text = with_marks_as_sent(part[name], translated[name])
            if reason := failed_check(source, text, target) or wrong_language(text, target, source):
                raise MalformedAnswer(f"{name}: {reason}")
        first = next(iter(part))
        if first in sent and left_in_english(sent[first], translated[first], target):
            raise MalformedAnswer(f"{first}: in English")
        return fields

    return read


def _within_blanks_of(source: str, translated: str) -> str:
    """The translation between the blanks that the source begins and ends with, which nobody means to change."""
    begin = source[: len(source) - len(source.lstrip())]
    return begin + translated.strip() + source[len(source.rstrip()) :]


def _joined(answers: Sequence[Answer[Fields]]) -> Answer[Fields]:
    """The answer to a row from those to its parts, of which the first without a value stands for all."""
    translated = []
    for answer in answers:
        if answer.value is None:
            return answer
        translated.append(answer.value)
    return Answer(join_parts(translated), "", "", max(answer.attempts for answer in answers))
