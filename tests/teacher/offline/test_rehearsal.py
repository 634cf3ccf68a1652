"""Any text in words of another language, so that a run on real data can be rehearsed."""

import json
import re

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline.rehearsal import in_words_of
from okapi_kedro.teacher.offline.server import REHEARSAL, handle
from okapi_kedro.text.scripts import in_script

from .asking import answer, ranking_prompt, translation_prompt

TEXT = "Sort the 3 numbers ⟦1⟧ and 12.5:\n- first, the big one!\n- then (perhaps) the small one."


@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_marks_punctuation_and_lines_stay_and_the_words_are_of_the_language(code):
    written = in_words_of(code, TEXT)
    assert in_script(written, LANGUAGES[code].script)
    for pattern in (r"\d+(?:\.\d+)?", r"⟦\d+⟧", r"[:!().,\n-]"):
        assert re.findall(pattern, written) == re.findall(pattern, TEXT)
    if code != "en":
        assert "numbers" not in written


def test_a_word_is_always_the_same_word():
    words = in_words_of("de", "The cat and the dog and the cat").split()
    assert words[0] == words[3] == words[6]
    assert words[1] == words[7]


def test_chinese_words_stand_without_spaces():
    assert " " not in in_words_of("zh", "one two three")


def test_only_its_own_model_rehearses_and_the_phrasebook_goes_first():
    row = {"instruction": "Write a sonnet.", "output": "Calculate: 3 + 4"}
    assert "outside my phrasebook" in answer(translation_prompt(row, target="German"))[0]
    answers = [answer(translation_prompt(row, target="German"), seed, REHEARSAL)[0] for seed in range(20)]
    right = {"instruction": in_words_of("de", "Write a sonnet."), "output": "Berechne: 3 + 4"}
    assert sum(text == json.dumps(right, ensure_ascii=False) for text in answers) > 15


def test_it_ranks_as_before():
    row = {"instruction": "Calculate: 3 + 4", "input": "", "response_1": "8", "response_2": "7"}
    assert answer(ranking_prompt(row), 0, REHEARSAL)[0] == '{"ranking": [[2], [1]]}'


def test_both_models_are_listed():
    _, body = handle("GET", "/v1/models", b"")
    assert [model["id"] for model in body["data"]] == ["offline-teacher", REHEARSAL]
