import json
import random

import pytest

from okapi_kedro.teacher.offline import faults
from okapi_kedro.teacher.offline.grammar import FAMILIES, draw_task
from okapi_kedro.teacher.offline.ranking import rank

from .asking import answer, ranking_prompt, render, template


def row(instruction, *responses, given=""):
    return {
        "instruction": instruction,
        "input": given,
        **{f"response_{number}": text for number, text in enumerate(responses, start=1)},
    }


def tasks_of_every_family():
    """Some drawn tasks of each family, by its name."""
    rng, found = random.Random(0), {name: [] for name in FAMILIES}
    while min(map(len, found.values())) < 5:
        task = draw_task(rng)
        template = task.instruction.template.removeprefix("templates.")
        found[template if template in FAMILIES else template.split(".")[0]].append(task.text("en"))
    return found


TASKS = tasks_of_every_family()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_right_answer_comes_first_alone_and_nothing_comes_last(family):
    rng = random.Random(family)
    for task in TASKS[family]:
        wrong = ["", "I do not know that.", f"{task['output']} and more of it", "dog, dog, dog, dog, dog, dog, dog"]
        responses = [*wrong, task["output"]]
        rng.shuffle(responses)
        groups = rank(row(task["instruction"], *responses, given=task["input"]))
        assert groups[0] == [responses.index(task["output"]) + 1]


def test_case_and_spaces_do_not_make_an_answer_wrong():
    task = row("Reverse the list: dog, tea, car", "car, tea, dog", "  Car,  TEA, dog\n", "car, tea, cow")
    assert rank(task) == [[1, 2], [3]]


def test_a_right_answer_written_as_asked_is_better_than_one_written_otherwise():
    assert rank(row("Reverse the list: dog, tea", "tea,dog", "tea, dog")) == [[2], [1]]


def test_more_terms_in_their_place_are_better_then_as_many_terms_then_known_words():
    task = row(
        "Reverse the list: dog, tea, car",
        "tea, car, dog",  # one in place
        "car, tea, cow",  # two in place
        "car, tea, cowish",  # two, with a word outside the phrasebook
        "car, tea, cow, red, red",  # two, with surplus
        "tea, car, red",  # none
    )
    assert rank(task) == [[2], [3], [4], [1], [5]]


def test_a_task_with_an_input_is_judged_by_its_input():
    assert rank(row("Words also in the input: dog, cat", "dog", "cat", given="cat, car"))[0] == [2]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("Here is a short poem.", ""),
        ("Here is a short poem.", "poem poem poem poem poem"),
        ("Here is a short poem.", "Here is a short poem and then"),
        ("Here is a short poem.", "Yes."),
    ],
)
def test_outside_the_grammar_form_decides(better, worse):
    assert rank(row("Write a poem about rain.", worse, better)) == [[2], [1]]


def test_equal_responses_share_a_group():
    assert rank(row("Write a poem about rain.", "A poem.", "A poem.", "")) == [[1, 2], [3]]


@pytest.mark.usefixtures("flawless")
def test_the_question_is_understood_after_a_translation_and_after_the_english_itself():
    asked = row("Calculate: 3 + 4", "8", "7", "seven")
    question = render(template("ranking"), count="3")
    dialogues = [
        ranking_prompt(asked),
        ({"role": "user", "content": json.dumps(asked)}, *question),
        ({"role": "user", "content": f"{json.dumps(asked)}\n\n{question[0]['content']}"},),
        (*ranking_prompt(asked)[:2], {"role": "assistant", "content": f"```json\n{json.dumps(asked)}\n```"}, *question),
    ]
    for dialogue in dialogues:
        ranking = json.loads(answer(dialogue)[0])["ranking"]
        assert ranking[0] == [2]
        assert sorted(number for group in ranking for number in group) == [1, 2, 3]


@pytest.mark.usefixtures("flawless")
def test_the_responses_that_were_shown_last_are_ranked():
    shown_first, shown_last = row("Calculate: 3 + 4", "7", "8"), row("Calculate: 3 + 4", "8", "7")
    dialogue = (
        {"role": "user", "content": json.dumps(shown_first)},
        {"role": "assistant", "content": json.dumps(shown_last)},
        *render(template("ranking"), count="2"),
    )
    assert json.loads(answer(dialogue)[0])["ranking"] == [[2], [1]]


def fault_of(text):
    if not text.startswith("{"):
        return "prose"
    ranked = sorted(number for group in json.loads(text)["ranking"] for number in group)
    return None if ranked == [1, 2, 3] else "missing"


def test_about_the_stated_share_of_answers_is_bad_in_every_way():
    found = [fault_of(answer(ranking_prompt(row(f"Calculate: {n} + 4", "8", "7", "red")))[0]) for n in range(1000)]
    assert abs(1 - found.count(None) / 1000 - faults.RANKING_RATE) < 0.019
    assert set(found) == {None, "prose", "missing"}
