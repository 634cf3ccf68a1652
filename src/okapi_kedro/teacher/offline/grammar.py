"""The small task grammar: what each template asks, how to draw one, and its right answer.

A task is drawn and solved in terms (meanings), so it holds in every language of the phrasebook alike.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from okapi_kedro.teacher.offline.phrasebook import Sentence, Term, Terms, latin_words, literal, phrasebook

NOUNS_BY_CATEGORY: dict[str, tuple[str, ...]] = {
    "animal": ("dog", "cat", "horse", "cow", "bird", "fish", "lion", "elephant"),
    "fruit": ("apple", "banana", "orange", "mango", "lemon", "grape", "pear", "pineapple"),
    "color": ("red", "green", "blue", "yellow", "black", "white", "brown", "gray"),
    "body": ("hand", "foot", "eye", "ear", "nose", "mouth", "head", "knee"),
    "vehicle": ("car", "bus", "train", "boat", "airplane", "bicycle", "truck", "helicopter"),
    "clothing": ("shirt", "hat", "shoe", "sock", "coat", "glove", "scarf", "belt"),
    "food": ("bread", "rice", "egg", "cheese", "meat", "soup", "salt", "sugar"),
    "drink": ("water", "milk", "tea", "coffee", "juice", "wine"),
    "tool": ("hammer", "saw", "axe", "knife", "scissors", "needle", "brush", "shovel"),
    "family": ("mother", "father", "brother", "sister", "son", "daughter", "grandmother", "grandfather"),
}
CATEGORY_OF = {noun: category for category, nouns in NOUNS_BY_CATEGORY.items() for noun in nouns}
NOUNS = tuple(CATEGORY_OF)
ANTONYM_PAIRS = (
    ("hot", "cold"), ("big", "small"), ("new", "old"), ("long", "short"), ("fast", "slow"), ("high", "low"),
    ("strong", "weak"), ("rich", "poor"), ("full", "empty"), ("heavy", "light"), ("clean", "dirty"), ("wet", "dry"),
    ("open", "closed"), ("easy", "difficult"), ("happy", "sad"), ("thick", "thin"), ("hard", "soft"),
    ("wide", "narrow"), ("deep", "shallow"), ("early", "late"),
)  # fmt: skip
OPPOSITE = dict(ANTONYM_PAIRS) | {b: a for a, b in ANTONYM_PAIRS}
ADJECTIVES = tuple(OPPOSITE)

Slots = dict[str, Terms]


@dataclass(frozen=True)
class Task:
    """One task without a language: what is asked, on which input, with which answer."""

    instruction: Sentence
    input: Terms
    output: Terms

    def text(self, language: str) -> dict[str, str]:
        """The task as `instruction`, `input` and `output` in a language."""
        book = phrasebook(language)
        return {
            "instruction": book.sentence(self.instruction),
            "input": book.words(self.input),
            "output": book.words(self.output),
        }


def terms(group: str, keys: Iterable[str]) -> Terms:
    return tuple(Term(group, key) for key in keys)


def pairs(first: Terms, second: Terms) -> Terms:
    """Each term with what belongs to it."""
    return tuple(Term(a.group, a.key, b) for a, b in zip(first, second, strict=True))


def numbers(values: Iterable[int]) -> Terms:
    return tuple(literal(value) for value in values)


def _values(slot: Terms) -> list[int]:
    return [int(term.key) for term in slot]


def _value(slot: Terms) -> int:
    return _values(slot)[0]


def _keys(slot: Terms) -> list[str]:
    return [term.key for term in slot]


def _yes_no(truth: bool) -> Terms:
    return (Term("answers", "yes" if truth else "no"),)


def _draw_sum(rng: random.Random) -> Slots:
    return {"a": numbers([rng.randint(1, 12)]), "b": numbers([rng.randint(1, 12)])}


def _draw_difference(rng: random.Random) -> Slots:
    b = rng.randint(1, 9)
    return {"a": numbers([b + rng.randint(0, 9)]), "b": numbers([b])}


def _draw_from(group: str, keys: tuple[str, ...], least: int, most: int) -> Callable[[random.Random], Slots]:
    def draw(rng: random.Random) -> Slots:
        return {"list": terms(group, rng.sample(keys, rng.randint(least, most)))}

    return draw


def _draw_numbers(least: int, most: int, highest: int) -> Callable[[random.Random], Slots]:
    def draw(rng: random.Random) -> Slots:
        return {"list": numbers(rng.sample(range(1, highest + 1), rng.randint(least, most)))}

    return draw


def _draw_odd(rng: random.Random) -> Slots:
    category, other = rng.sample(list(NOUNS_BY_CATEGORY), 2)
    words = [*rng.sample(NOUNS_BY_CATEGORY[category], 3), rng.choice(NOUNS_BY_CATEGORY[other])]
    rng.shuffle(words)
    return {"list": terms("nouns", words)}


def _odd(slots: Slots) -> Terms:
    categories = [CATEGORY_OF[key] for key in _keys(slots["list"])]
    return tuple(term for term in slots["list"] if categories.count(CATEGORY_OF[term.key]) == 1)[:1]


def _draw_member(rng: random.Random) -> Slots:
    categories = rng.sample(list(NOUNS_BY_CATEGORY), 3)
    words = [rng.choice(NOUNS_BY_CATEGORY[category]) for category in categories]
    return {"category": terms("categories", [rng.choice(categories)]), "list": terms("nouns", words)}


def _members(slots: Slots) -> Terms:
    return tuple(term for term in slots["list"] if CATEGORY_OF[term.key] == slots["category"][0].key)


def _draw_all_members(rng: random.Random) -> Slots:
    category, other = rng.sample(list(NOUNS_BY_CATEGORY), 2)
    words = rng.sample(NOUNS_BY_CATEGORY[category], 3)
    if rng.random() < 0.5:
        words[rng.randrange(3)] = rng.choice(NOUNS_BY_CATEGORY[other])
    return {"category": terms("categories", [category]), "list": terms("nouns", words)}


def _draw_contains(rng: random.Random) -> Slots:
    given = rng.sample(NOUNS, 5)
    asked = [*rng.sample(given, 2), rng.choice([noun for noun in NOUNS if noun not in given])]
    rng.shuffle(asked)
    return {"list": terms("nouns", asked), "input": terms("nouns", given)}


def _draw_compare(rng: random.Random) -> Slots:
    a, b = rng.sample(range(1, 30), 2)
    return {"a": numbers([a]), "b": numbers([b])}


def _draw_code(rng: random.Random) -> Slots:
    a, b, c, d = (rng.randint(1, 5) for _ in range(4))
    return {"code": (literal(f"`print({a} + {b}, {c} + {d})`"),)}


def _printed(slots: Slots) -> Terms:
    """The output of `print(a + b, c + d)`, read from the code itself."""
    inside = slots["code"][0].key.removeprefix("`print(").removesuffix(")`")
    sums = [sum(int(number) for number in part.split("+")) for part in inside.split(",")]
    return (literal(f"`{' '.join(map(str, sums))}`"),)


def _draw_situation(rng: random.Random) -> Slots:
    book = phrasebook("en").entries
    key = f"{rng.choice(list(book['situations']))}:{rng.choice(list(book['names']))}"
    return {"situation": (Term("situations", key),)}


def _ending(slots: Slots) -> Terms:
    return terms("endings", [slots["situation"][0].key.split(":")[0]])


def _shift_days(by: int) -> Callable[[Slots], Terms]:
    return _each("days", lambda day: str((int(day) - 1 + by) % 7 + 1))


def _each(group: str, of: Callable[[str], str]) -> Callable[[Slots], Terms]:
    """Answers with every term of the list beside what it becomes, as in "hot: cold, big: small"."""
    return lambda slots: pairs(slots["list"], terms(group, [of(key) for key in _keys(slots["list"])]))


def _relabel(group: str) -> Callable[[Slots], Terms]:
    return _each(group, lambda key: key)


def _sorted(reverse: bool, group: str) -> Callable[[Slots], Terms]:
    return lambda slots: tuple(Term(group, str(v)) for v in sorted(_values(slots["list"]), reverse=reverse))


@dataclass(frozen=True)
class Family:
    """One kind of task: how its slots are drawn and what the right answer is."""

    draw: Callable[[random.Random], Slots]
    solve: Callable[[Slots], Terms]


_DAYS = tuple("1234567")
_DIGITS = tuple(str(n) for n in range(1, 11))
_COUNTRIES = tuple(phrasebook("en").entries["countries"])

FAMILIES: dict[str, Family] = {
    "sum": Family(_draw_sum, lambda s: numbers([_value(s["a"]) + _value(s["b"])])),
    "sum.1": Family(_draw_numbers(3, 3, 9), lambda s: numbers([sum(_values(s["list"]))])),
    "difference": Family(_draw_difference, lambda s: numbers([_value(s["a"]) - _value(s["b"])])),
    "opposites": Family(_draw_from("adjectives", ADJECTIVES, 1, 3), _each("adjectives", OPPOSITE.__getitem__)),
    "capitals": Family(_draw_from("countries", _COUNTRIES, 1, 3), _relabel("capitals")),
    "countries": Family(_draw_from("capitals", _COUNTRIES, 1, 3), _relabel("countries")),
    "categories": Family(_draw_from("nouns", NOUNS, 1, 3), _each("categories", CATEGORY_OF.__getitem__)),
    "odd": Family(_draw_odd, _odd),
    "member": Family(_draw_member, _members),
    "all_members": Family(_draw_all_members, lambda s: _yes_no(len(_members(s)) == len(s["list"]))),
    "ascending": Family(_draw_numbers(3, 3, 20), _sorted(False, "literal")),
    "descending": Family(_draw_numbers(3, 3, 20), _sorted(True, "literal")),
    "largest": Family(_draw_numbers(3, 4, 30), lambda s: numbers([max(_values(s["list"]))])),
    "smallest": Family(_draw_numbers(3, 4, 30), lambda s: numbers([min(_values(s["list"]))])),
    "count": Family(_draw_from("nouns", NOUNS, 2, 6), lambda s: numbers([len(s["list"])])),
    "reverse": Family(_draw_from("nouns", NOUNS, 2, 3), lambda s: s["list"][::-1]),
    "first": Family(_draw_from("nouns", NOUNS, 2, 4), lambda s: s["list"][:1]),
    "last": Family(_draw_from("nouns", NOUNS, 2, 4), lambda s: s["list"][-1:]),
    "spell": Family(
        lambda rng: {"list": terms("literal", rng.sample(_DIGITS, rng.randint(1, 3)))}, _relabel("numbers")
    ),
    "digits": Family(_draw_from("numbers", _DIGITS, 1, 3), _relabel("literal")),
    "day_after": Family(_draw_from("days", _DAYS, 1, 3), _shift_days(1)),
    "day_before": Family(_draw_from("days", _DAYS, 1, 3), _shift_days(-1)),
    "sort_days": Family(_draw_from("days", _DAYS, 2, 3), _sorted(False, "days")),
    "compare": Family(_draw_compare, lambda s: _yes_no(_value(s["a"]) > _value(s["b"]))),
    "contains": Family(_draw_contains, lambda s: tuple(term for term in s["list"] if term in s["input"])),
    "latin": Family(_draw_from("nouns", tuple(latin_words()), 1, 3), _relabel("latin")),
    "code": Family(_draw_code, _printed),
    "story": Family(_draw_situation, _ending),
}
TEMPLATES = tuple(phrasebook("en").entries["templates"])


def family_of(template: str) -> Family:
    """The family of a template key such as `sum.0`; a template that asks something of its own has its own entry."""
    return FAMILIES.get(template) or FAMILIES[template.partition(".")[0]]


def draw_task(rng: random.Random) -> Task:
    """A task of a random template with random words and its right answer."""
    template = rng.choice(TEMPLATES)
    slots = family_of(template).draw(rng)
    asked = tuple((slot, value) for slot, value in slots.items() if slot != "input")
    return Task(Sentence(f"templates.{template}", asked), slots.get("input", ()), family_of(template).solve(slots))


def solve(instruction: Sentence, given: Terms) -> Terms | None:
    """The right answer to an instruction on an input; None for a sentence that is no task or cannot be answered.

    Words that do not fit the task (a country where a noun is asked for) have no right answer either.
    """
    group, template = instruction.template.split(".", 1)
    if group != "templates":
        return None
    try:
        return family_of(template).solve({**dict(instruction.slots), "input": given}) or None
    except (KeyError, ValueError):
        return None
