"""Ranks responses to the grammar's tasks by its right answers, and other responses by a plain rule of form."""

import json
import random
import re
from collections.abc import Sequence
from itertools import groupby

from okapi_kedro.teacher.offline.faults import Groups, spoil_ranking
from okapi_kedro.teacher.offline.grammar import solve
from okapi_kedro.teacher.offline.phrasebook import Phrasebook, fold, phrasebook
from okapi_kedro.teacher.offline.reply import Reply

_OBJECT_OPENS = re.compile(r'\{\s*"')
_RESPONSE = re.compile(r"response_(\d+)")
_MODERATE = range(3, 121)
"""Words of a response that is neither a fragment nor a ramble."""

Quality = tuple[float, ...]


def reply(messages: Sequence[dict[str, str]], rng: random.Random) -> Reply | None:
    """A JSON object with the numbers of the responses from best to worst; None for another kind of question.

    The instruction, input and responses, in English, stand in the last message of the assistant or before the question.
    """
    question = messages[-1]["content"]
    if '"ranking"' not in question:
        return None
    row = next(filter(None, (_row(message["content"]) for message in reversed(messages))), None)
    if row is None:
        return None
    groups = rank(row)
    return spoil_ranking(groups, rng) or Reply(json.dumps({"ranking": groups}))


def rank(row: dict[str, str]) -> Groups:
    """The numbers of the responses, the best first; equally good ones share a group."""
    right = _right_answer(row)
    qualities: dict[int, Quality] = {
        int(number[1]): _form(text) if right is None else _correctness(text, right)
        for key, text in row.items()
        if (number := _RESPONSE.fullmatch(key))
    }
    best_first = sorted(qualities, key=lambda number: (qualities[number], -number), reverse=True)
    return [list(group) for _, group in groupby(best_first, key=qualities.__getitem__)]


def _right_answer(row: dict[str, str]) -> str | None:
    book = phrasebook("en")
    instruction = book.find_sentence(row["instruction"])
    given = row.get("input", "").strip()
    if instruction is None:
        return None
    right = solve(instruction, (book.find_terms(given) or ()) if given else ())
    return None if right is None else book.words(right)


def _correctness(response: str, right: str) -> Quality:
    """Exactly right, then the share of terms in their place, then as many terms, then terms of the right kind."""
    book = phrasebook("en")
    wanted, written = _parts(right, book), _parts(response, book)
    in_place = sum(a == b for a, b in zip(wanted, written, strict=False)) / len(wanted)
    return (fold(response) == fold(right), in_place, len(written) == len(wanted), _of_kind(written, wanted, book))


def _of_kind(written: list[str], wanted: list[str], book: Phrasebook) -> float:
    """Share of the written terms that are of a kind (numbers, countries, ...) that the right answer is made of."""
    kinds = {term.group for part in wanted for term in book.find_terms(part) or ()}
    found = [term.group for part in written for term in book.find_terms(part) or ()]
    return sum(group in kinds for group in found) / len(written)


def _parts(text: str, book: Phrasebook) -> list[str]:
    return [fold(part) for part in text.split(book.separator.strip())]


def _form(response: str) -> Quality:
    """Something rather than nothing, then without repetition, then a finished sentence, then of moderate length."""
    words = fold(response).split()
    if not words:
        return (0.0,)
    distinct = round(len(set(words)) / len(words), 1)
    return (1.0, distinct, response.rstrip().endswith((".", "!", "?", "`")), len(words) in _MODERATE)


def _row(text: str) -> dict[str, str] | None:
    """The first JSON object in the text, when it holds an instruction and responses."""
    opening = _OBJECT_OPENS.search(text)
    if opening is None:
        return None
    try:
        row, _ = json.JSONDecoder().raw_decode(text, opening.start())
    except ValueError:
        return None
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    return texts if "instruction" in texts and any(map(_RESPONSE.fullmatch, texts)) else None
