"""Multiple-choice questions of our own in the released shape of ARC, HellaSwag and MMLU, for the offline teacher.

    python -m okapi_kedro.teacher.offline.benchmarks data/01_raw/benchmarks

writes `arc/sample.jsonl`, `hellaswag/sample.jsonl` and `mmlu/sample.jsonl`, the same files every time. Every text in
them is in the phrasebook, so the offline teacher can translate it. They stand in for the real benchmarks so that the
chain runs offline; a score on them shows that the machinery works and says nothing about a language model.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from itertools import count as endless
from pathlib import Path

from okapi_kedro.teacher.offline.grammar import ADJECTIVES, ANTONYM_PAIRS, NOUNS_BY_CATEGORY, OPPOSITE, numbers, terms
from okapi_kedro.teacher.offline.phrasebook import Sentence, Term, latin_words, phrasebook

Row = dict[str, object]

SEED = 2307
ENGLISH = phrasebook("en")
LETTERS = "ABCD"
COUNTRIES = tuple(ENGLISH.entries["countries"])
DAYS = tuple(ENGLISH.entries["days"])

# Categories that share words (an apple is food, orange a color): a word of one is no safe wrong answer about the other.
OVERLAPPING = (("fruit", "food"), ("fruit", "drink"), ("fruit", "color"), ("food", "drink"), ("food", "animal"))

# Pairs of opposites near in meaning (short, small, low): the opposite in one pair can pass for that in another.
NEAR_OPPOSITES = (
    {"big", "long", "high", "wide", "thick", "deep", "heavy", "strong", "full"},
    {"hard", "easy", "strong", "heavy"},
    {"fast", "early", "new", "long"},
    {"rich", "full", "strong", "big"},
    {"clean", "new"},
)

# The topic of each situation, in the place of HellaSwag's activity label.
TOPICS = {
    "hungry": Term("categories", "food"), "thirsty": Term("categories", "drink"), "tired": Term("adjectives", "late"),
    "cold": Term("adjectives", "cold"), "rain": Term("adjectives", "wet"), "hands": Term("adjectives", "dirty"),
    "dark": Term("nouns", "black"), "phone": Term("nouns", "ear"), "library": Term("adjectives", "open"),
    "market": Term("categories", "food"), "letter": Term("adjectives", "new"), "ill": Term("adjectives", "weak"),
    "birthday": Term("adjectives", "happy"), "key": Term("adjectives", "closed"), "garden": Term("nouns", "green"),
    "bus": Term("nouns", "bus"), "kitchen": Term("categories", "food"), "song": Term("adjectives", "happy"),
    "homework": Term("adjectives", "difficult"), "heat": Term("adjectives", "hot"),
}  # fmt: skip

# Endings that would do for a situation too, so they cannot stand as wrong ones.
ALSO_FITTING = {
    "hungry": ("kitchen", "market", "birthday"), "thirsty": (), "tired": ("ill",), "cold": ("ill", "tired"),
    "rain": ("cold", "bus", "heat"), "hands": (), "dark": ("key", "tired", "heat"), "phone": ("key",),
    "library": ("letter", "homework"), "market": ("hungry", "thirsty", "bus"), "letter": ("library",),
    "ill": ("tired", "thirsty", "cold", "heat"), "birthday": ("song", "kitchen", "hungry", "phone"), "key": ("dark",),
    "garden": ("hands", "thirsty", "tired", "market"), "bus": ("library", "letter", "rain", "cold", "phone"),
    "kitchen": ("hungry", "thirsty", "hands", "birthday", "dark", "heat"), "song": (),
    "homework": ("library", "tired", "dark"), "heat": ("thirsty", "ill", "hands"),
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One question without a language: what is asked, the right answer and three wrong ones."""

    asked: Sentence | Term
    right: Term
    wrong: tuple[Term, ...]

    @property
    def instruction(self) -> str:
        """What is asked, in English."""
        return ENGLISH.render((self.asked,) if isinstance(self.asked, Term) else self.asked)

    def options(self, gold: int) -> list[str]:
        """The four answers in English with the right one at place `gold`."""
        words = [ENGLISH.word(term) for term in self.wrong]
        return [*words[:gold], ENGLISH.word(self.right), *words[gold:]]


Draw = Callable[[random.Random], Question]


def _question(
    rng: random.Random, template: str, slots: dict[str, Term], right: Term, candidates: Iterable[Term]
) -> Question:
    """A question with three of the candidates as its wrong answers; the right answer is never one of them."""
    sentence = Sentence(f"questions.{template}", tuple((slot, (term,)) for slot, term in slots.items()))
    return Question(sentence, right, tuple(rng.sample([term for term in candidates if term != right], 3)))


def _capital(rng: random.Random) -> Question:
    country = rng.choice(COUNTRIES)
    slots = {"country": Term("countries", country)}
    return _question(rng, "capital", slots, Term("capitals", country), terms("capitals", COUNTRIES))


def _country(rng: random.Random) -> Question:
    country = rng.choice(COUNTRIES)
    slots = {"capital": Term("capitals", country)}
    return _question(rng, "country", slots, Term("countries", country), terms("countries", COUNTRIES))


def _unlike(category: str) -> list[str]:
    """The categories that share no words with a category."""
    return [
        other
        for other in NOUNS_BY_CATEGORY
        if other != category and (category, other) not in OVERLAPPING and (other, category) not in OVERLAPPING
    ]


def _nouns(categories: Iterable[str]) -> tuple[Term, ...]:
    return terms("nouns", chain.from_iterable(NOUNS_BY_CATEGORY[category] for category in categories))


def _category(rng: random.Random) -> Question:
    category = rng.choice(list(NOUNS_BY_CATEGORY))
    slots = {"noun": rng.choice(_nouns([category]))}
    return _question(rng, "category", slots, Term("categories", category), terms("categories", _unlike(category)))


def _member(rng: random.Random) -> Question:
    category = rng.choice(list(NOUNS_BY_CATEGORY))
    slots = {"category": Term("categories", category)}
    return _question(rng, "member", slots, rng.choice(_nouns([category])), _nouns(_unlike(category)))


def _odd(rng: random.Random) -> Question:
    category = rng.choice(list(NOUNS_BY_CATEGORY))
    slots = {"category": Term("categories", category)}
    return _question(rng, "odd", slots, rng.choice(_nouns(_unlike(category))), _nouns([category]))


def _opposite(rng: random.Random) -> Question:
    pair = rng.choice(ANTONYM_PAIRS)
    near = set(pair).union(*(group for group in NEAR_OPPOSITES if group & set(pair)))
    candidates = [word for word in ADJECTIVES if word not in near and OPPOSITE[word] not in near]
    asked = rng.choice(pair)
    slots = {"adjective": Term("adjectives", asked)}
    return _question(rng, "opposite", slots, Term("adjectives", OPPOSITE[asked]), terms("adjectives", candidates))


def _latin(rng: random.Random) -> Question:
    noun = rng.choice(list(latin_words()))
    return _question(rng, "latin", {"noun": Term("nouns", noun)}, Term("latin", noun), terms("latin", latin_words()))


def _day_after(rng: random.Random) -> Question:
    day = rng.randrange(7)
    right = Term("days", DAYS[(day + 1) % 7])
    return _question(rng, "day_after", {"day": Term("days", DAYS[day])}, right, terms("days", DAYS))


def _day_before(rng: random.Random) -> Question:
    day = rng.randrange(7)
    right = Term("days", DAYS[(day - 1) % 7])
    return _question(rng, "day_before", {"day": Term("days", DAYS[day])}, right, terms("days", DAYS))


def _sum(rng: random.Random) -> Question:
    a, b = rng.randint(1, 20), rng.randint(1, 20)
    right, *slots = numbers([a + b, a, b])
    return _question(
        rng, "sum", dict(zip("ab", slots, strict=True)), right, numbers(range(max(1, a + b - 4), a + b + 5))
    )


def _largest(rng: random.Random) -> Question:
    *wrong, right = numbers(sorted(rng.sample(range(1, 100), 4)))
    return _question(rng, "largest", {}, right, wrong)


def _smallest(rng: random.Random) -> Question:
    right, *wrong = numbers(sorted(rng.sample(range(1, 100), 4)))
    return _question(rng, "smallest", {}, right, wrong)


def _spelled(rng: random.Random) -> Question:
    number = rng.randint(1, 10)
    (right,) = numbers([number])
    return _question(rng, "spelled", {"number": Term("numbers", str(number))}, right, numbers(range(1, 11)))


def _situation(rng: random.Random) -> Question:
    situation, name = rng.choice(list(ENGLISH.entries["situations"])), rng.choice(list(ENGLISH.entries["names"]))
    endings = [key for key in ENGLISH.entries["endings"] if key != situation and key not in ALSO_FITTING[situation]]
    wrong = rng.sample(terms("endings", endings), 3)
    return Question(Term("situations", f"{situation}:{name}"), Term("endings", situation), tuple(wrong))


ARC_KINDS: tuple[Draw, ...] = (_capital, _country, _category, _member, _odd, _opposite, _latin)


@dataclass(frozen=True)
class Subject:
    """One MMLU subject: the kinds of question it has and how many of them are for testing."""

    kinds: tuple[Draw, ...]
    test: int


# The calendar knows 14 questions in all, so it has fewer than the others.
SUBJECTS = {
    "geography": Subject((_capital, _country), 23),
    "vocabulary": Subject((_opposite, _category, _member, _odd), 23),
    "arithmetic": Subject((_sum, _largest, _smallest, _spelled), 23),
    "calendar": Subject((_day_after, _day_before), 10),
    "latin": Subject((_latin,), 21),
}
VALIDATION_PER_SUBJECT = 4


def _distinct(rng: random.Random, kinds: Sequence[Draw], count: int) -> list[Question]:
    """So many questions, the kinds in turn, no two of which ask the same with the same right answer."""
    drawn: dict[tuple[Sentence | Term, Term], Question] = {}
    for kind in islice(cycle(kinds), count):
        candidates = (kind(rng) for _ in endless())
        question = next(question for question in candidates if (question.asked, question.right) not in drawn)
        drawn[question.asked, question.right] = question
    return list(drawn.values())


def _golds(rng: random.Random, count: int) -> list[int]:
    """Places for the right answers: each of the four equally often, in random order."""
    places = list(islice(cycle(range(4)), count))
    rng.shuffle(places)
    return places


def _letters(options: Sequence[str]) -> dict[str, str]:
    return {f"option_{letter.lower()}": option for letter, option in zip(LETTERS, options, strict=True)}


def arc_rows(seed: int = SEED) -> list[Row]:
    """10 train and 100 test questions in the schema of m_arc."""
    rng = random.Random(f"arc {seed}")
    questions = _distinct(rng, ARC_KINDS, 110)
    golds = _golds(rng, 10) + _golds(rng, 100)
    return [
        {
            "id": f"{split}/{number}",
            "instruction": question.instruction,
            **_letters(question.options(gold)),
            "option_e": "",
            "answer": LETTERS[gold],
            "split": split,
        }
        for question, gold, (split, number) in zip(questions, golds, _places(train=10, test=100), strict=True)
    ]


def hellaswag_rows(seed: int = SEED) -> list[Row]:
    """10 train and 100 validation questions in the schema of m_hellaswag, which is scored on validation."""
    rng = random.Random(f"hellaswag {seed}")
    questions = _distinct(rng, (_situation,), 110)
    golds = _golds(rng, 10) + _golds(rng, 100)
    return [
        {
            "ind": index,
            "activity_label": ENGLISH.word(TOPICS[question.right.key]),
            "ctx_a": question.instruction,
            "ctx_b": "",
            "ctx": question.instruction,
            "endings": question.options(gold),
            "source_id": f"phrasebook~{question.right.key}",
            "split": split,
            "split_type": "indomain",
            "label": str(gold),
        }
        for index, (question, gold, (split, _)) in enumerate(
            zip(questions, golds, _places(train=10, validation=100), strict=True)
        )
    ]


def mmlu_rows(seed: int = SEED) -> list[Row]:
    """20 validation and 100 test questions over five subjects in the schema of m_mmlu.

    The validation questions take the subjects in turn, so that the first few, as few-shot examples, show several.
    """
    rng = random.Random(f"mmlu {seed}")
    by_subject = {
        name: _distinct(rng, subject.kinds, VALIDATION_PER_SUBJECT + subject.test) for name, subject in SUBJECTS.items()
    }
    placed = [
        *((name, "validation", n, by_subject[name][n]) for n in range(VALIDATION_PER_SUBJECT) for name in SUBJECTS),
        *(
            (name, "test", n, question)
            for name, questions in by_subject.items()
            for n, question in enumerate(questions[VALIDATION_PER_SUBJECT:])
        ),
    ]
    golds = _golds(rng, 20) + _golds(rng, 100)
    return [
        {
            "id": f"{subject}/{split}/{number}",
            "instruction": question.instruction,
            **_letters(question.options(gold)),
            "answer": LETTERS[gold],
            "split": split,
        }
        for (subject, split, number, question), gold in zip(placed, golds, strict=True)
    ]


def _places(**sizes: int) -> list[tuple[str, int]]:
    """Split and number of each row, the splits one after the other."""
    return [(split, number) for split, size in sizes.items() for number in range(size)]


SAMPLES: dict[str, Callable[[], list[Row]]] = {"arc": arc_rows, "hellaswag": hellaswag_rows, "mmlu": mmlu_rows}


def write_samples(folder: Path) -> None:
    """Write `<benchmark>/sample.jsonl` for each of the three benchmarks into a folder."""
    for benchmark, rows in SAMPLES.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows()]
        path = folder / benchmark / "sample.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the sample benchmarks: arc, hellaswag and mmlu in small.")
    parser.add_argument("folder", type=Path, help="the folder, for example data/01_raw/benchmarks")
    write_samples(parser.parse_args().folder)
