"""Every language's phrasebook against English: complete, unambiguous, and translated back without loss."""

import json
import random
import re
import unicodedata
from collections import defaultdict
from functools import cache

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.grammar import CATEGORY_OF, draw_task
from okapi_kedro.teacher.offline.phrasebook import FOLDER, fold, latin_words, translate

WORDS = ("categories", "nouns", "adjectives", "countries", "capitals", "days", "numbers", "answers")
SENTENCES = ("templates", "questions", "statements", "situations", "endings")

pytestmark = pytest.mark.parametrize("code", LANGUAGES)


@cache
def book(code):
    return json.loads((FOLDER / f"{code}.json").read_text(encoding="utf-8"))


def entries(code, groups):
    return [(f"{group}.{key}", text) for group in groups for key, text in book(code)[group].items()]


def twins(named_texts):
    """The names that share a text."""
    names = defaultdict(list)
    for name, text in named_texts:
        names[fold(text)].append(name)
    return [shared for shared in names.values() if len(shared) > 1]


def test_it_has_the_groups_and_keys_of_english(code):
    assert book(code).keys() == book("en").keys()
    for group in (*WORDS, *SENTENCES, "names"):
        assert book(code)[group].keys() == book("en")[group].keys(), group


def test_every_text_is_normalised_and_has_the_slots_of_english(code):
    english = dict(entries("en", (*WORDS, *SENTENCES, "names")))
    for name, text in entries(code, (*WORDS, *SENTENCES, "names")):
        assert text, name
        assert text == unicodedata.normalize("NFC", text.strip()), name
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", english[name])), name


def test_no_word_holds_punctuation_that_lists_and_sentences_are_split_at(code):
    separator = book(code)["separator"].strip()
    assert separator
    for name, text in entries(code, (*WORDS, "names")):
        assert not re.search(r'[,،、:;.?!"]', text), name
        assert separator not in text, name


def test_no_two_words_look_alike(code):
    assert not twins(entries(code, WORDS))


def test_no_two_sentences_or_names_look_alike(code):
    for group in (*SENTENCES, "names"):
        assert not twins(entries(code, [group])), group


def test_no_latin_word_is_a_word_of_the_language_with_another_meaning(code):
    words = {fold(text): name for name, text in entries(code, WORDS)}
    assert not {key: words[fold(text)] for key, text in latin_words().items() if fold(text) in words}


def test_latin_words_are_nouns_and_differ(code):
    assert latin_words().keys() <= CATEGORY_OF.keys()
    assert not twins(latin_words().items())


def test_drawn_tasks_come_back_from_the_language_as_they_were(code):
    rng = random.Random(code)
    for _ in range(300):
        for part, text in draw_task(rng).text("en").items():
            translated = translate(text, "en", code)
            assert translated is not None, (part, text)
            assert translate(translated, code, "en") == text, (part, translated)
            assert bool(translated) == bool(text)


def test_a_drawn_task_reads_the_same_translated_as_rendered_in_the_language(code):
    rng = random.Random(code)
    for _ in range(50):
        task = draw_task(rng)
        assert {part: translate(text, "en", code) for part, text in task.text("en").items()} == task.text(code)
