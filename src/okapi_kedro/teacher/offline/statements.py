"""Plain sentences of the grammar's facts, from which the embedded base model learns words and what they mean."""

import random
from collections.abc import Callable, Iterable

from okapi_kedro.teacher.offline.grammar import (
    ADJECTIVES,
    CATEGORY_OF,
    NOUNS,
    NOUNS_BY_CATEGORY,
    OPPOSITE,
    numbers,
    pairs,
    terms,
)
from okapi_kedro.teacher.offline.phrasebook import Term, Terms, latin_words, phrasebook

Slots = dict[str, Terms]
_COUNTRIES = tuple(phrasebook("en").entries["countries"])


def _some(rng: random.Random, keys: Iterable[str]) -> list[str]:
    return rng.sample(list(keys), rng.randint(1, 3))


def _capital(rng: random.Random) -> Slots:
    keys = _some(rng, _COUNTRIES)
    return {"country": terms("countries", keys), "capital": terms("capitals", keys)}


def _opposite(rng: random.Random) -> Slots:
    keys = _some(rng, ADJECTIVES)
    return {"adjective": terms("adjectives", keys), "opposite": terms("adjectives", [OPPOSITE[key] for key in keys])}


def _category(rng: random.Random) -> Slots:
    keys = _some(rng, NOUNS)
    return {"noun": terms("nouns", keys), "category": terms("categories", [CATEGORY_OF[key] for key in keys])}


def _members(rng: random.Random) -> Slots:
    category = rng.choice(list(NOUNS_BY_CATEGORY))
    return {
        "category": terms("categories", [category]),
        "list": terms("nouns", rng.sample(NOUNS_BY_CATEGORY[category], 4)),
    }


def _day(rng: random.Random) -> Slots:
    days = [rng.randint(1, 7) for _ in range(rng.randint(1, 3))]
    return {"today": terms("days", map(str, days)), "tomorrow": terms("days", [str(day % 7 + 1) for day in days])}


def _number(rng: random.Random) -> Slots:
    keys = _some(rng, map(str, range(1, 11)))
    return {"digit": terms("literal", keys), "number": terms("numbers", keys)}


def _latin(rng: random.Random) -> Slots:
    keys = _some(rng, latin_words())
    return {"noun": terms("nouns", keys), "latin": terms("latin", keys)}


def _list(rng: random.Random) -> Slots:
    words = terms("nouns", rng.sample(NOUNS, rng.randint(2, 6)))
    return {"list": words, "count": numbers([len(words)]), "first": words[:1], "last": words[-1:]}


def _order(rng: random.Random) -> Slots:
    return {"list": numbers(sorted(rng.sample(range(1, 31), rng.randint(3, 5))))}


_DRAW: dict[str, Callable[[random.Random], Slots]] = {
    "capital": _capital,
    "opposite": _opposite,
    "category": _category,
    "members": _members,
    "day": _day,
    "number": _number,
    "latin": _latin,
    "list": _list,
    "order": _order,
}


_PAIRED = {
    "capital": ("country", "capital"),
    "opposite": ("adjective", "opposite"),
    "category": ("noun", "category"),
    "day": ("today", "tomorrow"),
    "number": ("digit", "number"),
    "latin": ("noun", "latin"),
}


def _fact(rng: random.Random, language: str) -> str:
    book = phrasebook(language)
    kind = rng.choice(list(_DRAW))
    slots = _DRAW[kind](rng)
    return book.entries["statements"][kind].format(**{name: book.words(words) for name, words in slots.items()})


def _pairs(rng: random.Random, language: str) -> str:
    """Words, then the same words in pairs: "hot, big. hot: cold, big: small."; a reader of it learns to look back."""
    kind, (first, second) = rng.choice(list(_PAIRED.items()))
    slots = _DRAW[kind](rng)
    book = phrasebook(language)
    return f"{book.words(slots[first])}. {book.words(pairs(slots[first], slots[second]))}."


def _story(rng: random.Random, language: str) -> str:
    book = phrasebook(language)
    situation, name = rng.choice(list(book.entries["situations"])), rng.choice(list(book.entries["names"]))
    return f"{book.word(Term('situations', f'{situation}:{name}'))} {book.entries['endings'][situation]}"


def _sum(rng: random.Random, _: str) -> str:
    a, b = rng.randint(1, 12), rng.randint(1, 12)
    return rng.choice([f"{a} + {b} = {a + b}.", f"{a + b} - {a} = {b}."])


def write_statements(language: str, count: int, seed: int) -> list[str]:
    """Sentences in a language that state the grammar's facts: mostly word lists, some stories and sums.

    They hold no instructions: how to follow one is left for fine-tuning to teach.
    """
    rng = random.Random(seed)
    kinds = (_fact, _pairs, _story, _sum)
    return [rng.choices(kinds, weights=(4, 4, 1, 1))[0](rng, language) for _ in range(count)]
