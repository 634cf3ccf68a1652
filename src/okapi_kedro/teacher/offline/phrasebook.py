"""The words and sentences that the offline teacher knows, in every language, and how text becomes terms and back."""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from okapi_kedro.errors import UserError

FOLDER = Path(__file__).parent / "phrasebooks"
WORD_GROUPS = ("categories", "nouns", "adjectives", "countries", "capitals", "days", "numbers", "answers", "endings")
TEMPLATE_GROUPS = ("templates", "questions")
SLOT = re.compile(r"\{(\w+)\}")
NUMERAL = re.compile(r"-?\d+")
CODE = re.compile(r"`[^`]+`|⟦\d+⟧")
"""Code, or a mark that stands for it."""


@dataclass(frozen=True)
class Term:
    """A meaning without a language: an entry of a word group, or a literal that reads the same everywhere.

    Args:
        group: a word group of the phrasebook, `latin`, `situations` (key `situation:name`) or `literal`.
        key: the entry's key; for a literal the text itself.
        to: in an answer such as "hot: cold", what the term is paired with.
    """

    group: str
    key: str
    to: "Term | None" = None


Terms = tuple[Term, ...]


@dataclass(frozen=True)
class Sentence:
    """A template with its slots filled, without a language.

    Args:
        template: `group.key` of the template, for example `templates.sum.0`.
        slots: pairs of slot name and the terms in it.
    """

    template: str
    slots: tuple[tuple[str, Terms], ...]


def literal(value: object) -> Term:
    return Term("literal", str(value))


def fold(text: str) -> str:
    """The spelling under which words are compared: NFC, caseless, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


class Phrasebook:
    """Renders terms and sentences in one language and finds them again in its text.

    Args:
        code: the language; its entries are read from `phrasebooks/<code>.json`.

    Raises:
        UserError: when no phrasebook has been written for the language.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        path = FOLDER / f"{code}.json"
        if not path.exists():
            raise UserError(
                f"the offline teacher and the embedded base model know no {code!r}: write {path}, "
                "see docs/adding_a_language.md, or run with a teacher and a base model of your own"
            )
        self.entries: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        self.separator: str = str(self.entries.pop("separator"))
        # Chinese lists and explains with full-width marks.
        self.colon = "：" if self.separator == "、" else ": "
        self.entries["latin"] = latin_words()
        self._terms = self._index_terms()
        self._patterns = [
            (f"{group}.{key}", _pattern(text)) for group in TEMPLATE_GROUPS for key, text in self.entries[group].items()
        ]

    def _index_terms(self) -> dict[str, Term]:
        words = {fold(text): Term("latin", key) for key, text in self.entries["latin"].items()}
        for group in WORD_GROUPS:
            words |= {fold(text): Term(group, key) for key, text in self.entries[group].items()}
        for situation in self.entries["situations"]:
            for name in self.entries["names"]:
                term = Term("situations", f"{situation}:{name}")
                words[fold(self.word(term))] = term
        return words

    def word(self, term: Term) -> str:
        """The text of one term."""
        if term.to is not None:
            return f"{self.word(Term(term.group, term.key))}{self.colon}{self.word(term.to)}"
        if term.group == "literal":
            return term.key
        if term.group == "situations":
            situation, name = term.key.split(":")
            return self.entries["situations"][situation].format(name=self.entries["names"][name])
        return self.entries[term.group][term.key]

    def words(self, terms: Terms) -> str:
        """The text of several terms, listed as the script lists words."""
        return self.separator.join(self.word(term) for term in terms)

    def template(self, template: str) -> str:
        group, key = template.split(".", 1)
        return self.entries[group][key]

    def sentence(self, sentence: Sentence) -> str:
        """The text of a filled template."""
        return self.template(sentence.template).format(**{slot: self.words(terms) for slot, terms in sentence.slots})

    def render(self, meaning: "Sentence | Terms") -> str:
        return self.sentence(meaning) if isinstance(meaning, Sentence) else self.words(meaning)

    def find_terms(self, text: str) -> Terms | None:
        """The terms that a list of words names, or None when one of them is not in the phrasebook."""
        whole = self._term(text)
        if whole:
            return (whole,)
        terms = tuple(self._term(part) for part in text.split(self.separator.strip()))
        return tuple(term for term in terms if term) if all(terms) else None

    def _term(self, text: str) -> Term | None:
        stripped = text.strip()
        first, colon, second = stripped.partition(self.colon)
        if colon:
            return _paired(self._term(first), self._term(second))
        if NUMERAL.fullmatch(stripped) or CODE.fullmatch(stripped):
            return literal(stripped)
        return self._terms.get(fold(stripped))

    def find_sentence(self, text: str) -> Sentence | None:
        """The template, with its slots, that wrote this text, or None when none did."""
        for template, pattern in self._patterns:
            match = pattern.fullmatch(text.strip())
            if match is None:
                continue
            slots = {slot: self.find_terms(value) for slot, value in match.groupdict().items()}
            if all(slots.values()):
                return Sentence(template, tuple((slot, terms) for slot, terms in slots.items() if terms))
        return None

    def find(self, text: str) -> Sentence | Terms | None:
        """What the text means, as a sentence or a list of words; None when it is outside the phrasebook."""
        return self.find_sentence(text) or self.find_terms(text)


def _paired(first: Term | None, second: Term | None) -> Term | None:
    return Term(first.group, first.key, second) if first and second else None


def _pattern(template: str) -> re.Pattern[str]:
    parts = SLOT.split(template)
    regex = "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile(regex, re.DOTALL)


@cache
def latin_words() -> dict[str, str]:
    """Latin nouns by noun key: the one foreign vocabulary that every language's tasks share."""
    words: dict[str, str] = json.loads((FOLDER / "latin.json").read_text(encoding="utf-8"))
    return words


@cache
def phrasebook(code: str) -> Phrasebook:
    """The phrasebook of a language, read once."""
    return Phrasebook(code)


def translate(text: str, source: str, target: str) -> str | None:
    """The text in another language, or None when it is outside the phrasebook; empty text stays empty."""
    if not text.strip():
        return text
    meaning = phrasebook(source).find(text)
    return None if meaning is None else phrasebook(target).render(meaning)
