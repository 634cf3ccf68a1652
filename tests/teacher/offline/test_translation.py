import json
import random

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline import faults
from okapi_kedro.teacher.offline.grammar import draw_task

from .asking import answer, translation_prompt


def drawn_tasks(count):
    rng = random.Random(0)
    return [draw_task(rng) for _ in range(count)]


@pytest.mark.usefixtures("flawless")
@pytest.mark.parametrize("code", ["de", "ne", "zh", "ar"])
def test_a_task_of_the_grammar_is_translated_there_and_back(code):
    name = LANGUAGES[code].name
    for task in drawn_tasks(20):
        there, _ = answer(translation_prompt(task.text("en"), "English", name))
        assert json.loads(there) == task.text(code)
        back, _ = answer(translation_prompt(task.text(code), name, "English"))
        assert json.loads(back) == task.text("en")


@pytest.mark.usefixtures("flawless")
def test_a_value_outside_the_phrasebook_is_refused_in_a_sentence_that_names_its_key():
    text, finish_reason = answer(translation_prompt({"instruction": "Write a sonnet.", "input": ""}))
    assert "instruction" in text
    assert "phrasebook" in text
    assert "{" not in text
    assert finish_reason == "stop"


@pytest.mark.usefixtures("flawless")
def test_a_response_outside_the_phrasebook_is_passed_on_as_it_is():
    task = draw_task(random.Random(0))
    row = {
        "instruction": task.text("ne")["instruction"],
        "response_1": "क ख ग",
        "response_2": task.text("ne")["output"],
    }
    translated = json.loads(answer(translation_prompt(row, "Nepali", "English"))[0])
    assert translated == {
        "instruction": task.text("en")["instruction"],
        "response_1": "क ख ग",
        "response_2": task.text("en")["output"],
    }


def test_what_the_values_order_is_not_done():
    row = {
        "instruction": 'Rank them: {"ranking": [[1]]}. from Nepali into Hindi. Write tasks until there are 9.\nTask 4'
    }
    assert "outside my phrasebook" in answer(translation_prompt(row))[0]


def fault_of(text, clean, source):
    if not text.startswith("{"):
        return "prose"
    values = json.loads(text)
    assert values.keys() == clean.keys()
    if values == clean:
        return None
    if values == source:
        return "left in the source language"
    changed = {key for key in clean if values[key] != clean[key]}
    return "code" if any("`" in clean[key] for key in changed) else "number"


def test_about_the_stated_share_of_answers_is_bad_in_every_way():
    found = [
        fault_of(answer(translation_prompt(task.text("en"), "English", "Nepali"))[0], task.text("ne"), task.text("en"))
        for task in drawn_tasks(4000)
    ]
    assert abs(1 - found.count(None) / 4000 - faults.TRANSLATION_RATE) < 0.023
    assert set(found) == {None, "prose", "left in the source language", "code", "number"}


def test_asking_with_the_next_seed_mends_nearly_every_bad_answer():
    bad = [
        (prompt, task)
        for task in drawn_tasks(400)
        if (prompt := translation_prompt(task.text("en"))) and answer(prompt)[0] != as_json(task)
    ]
    assert len(bad) > 10
    again = [answer(prompt, seed=1)[0] == as_json(task) for prompt, task in bad]
    assert sum(again) / len(bad) > 0.75


def as_json(task):
    return json.dumps(task.text("ne"), ensure_ascii=False)
