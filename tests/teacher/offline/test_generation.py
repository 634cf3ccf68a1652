import re

import pytest

from okapi_kedro.teacher.offline import faults
from okapi_kedro.teacher.offline.grammar import solve
from okapi_kedro.teacher.offline.phrasebook import phrasebook

from .asking import answer, generation_prompt

TASK = re.compile(r"Task (\d+)\nInstruction: (.+)\nInput: (.+)\nOutput: (.+)")


def tasks(text):
    """Number, instruction, input and output of each task of an answer that is nothing but tasks."""
    blocks = text.split("\n\n")
    return [TASK.fullmatch(block).groups() for block in blocks]


@pytest.mark.usefixtures("flawless")
@pytest.mark.parametrize("count", [4, 8, 20])
def test_tasks_are_numbered_on_from_the_examples_to_the_count(count):
    text, finish_reason = answer(generation_prompt(count))
    assert [int(number) for number, *_ in tasks(text)] == list(range(4, count + 1))
    assert finish_reason == "stop"


@pytest.mark.usefixtures("flawless")
def test_every_task_is_of_the_grammar_and_has_its_right_answer():
    book = phrasebook("en")
    for seed in range(30):
        for _, instruction, given, output in tasks(answer(generation_prompt(20), seed)[0]):
            right = solve(book.find_sentence(instruction), () if given == "<none>" else book.find_terms(given))
            assert output == book.words(right)


def test_another_seed_writes_other_tasks():
    assert len({answer(generation_prompt(), seed)[0] for seed in range(20)}) > 15


def fault_of(text, finish_reason):
    if not text.startswith("Task 4\n"):
        return "apology"
    if finish_reason == "length":
        return "cut"
    instructions = re.findall("Instruction: (.+)", text)
    if any("image" in instruction for instruction in instructions):
        return "image"
    return "repeated" if len(set(re.findall("Instruction: .+\nInput: .+", text))) < len(instructions) else None


def test_about_the_stated_share_of_answers_is_bad_in_every_way():
    found = [fault_of(*answer(generation_prompt(6), seed)) for seed in range(1000)]
    # Three standard deviations of a share of 6 % in 1,000.
    assert abs(1 - found.count(None) / 1000 - faults.GENERATION_RATE) < 0.023
    assert set(found) == {None, "apology", "cut", "image", "repeated"}


def test_a_cut_answer_lacks_only_the_end_of_its_last_task():
    cut = [text for text, reason in (answer(generation_prompt(8), seed) for seed in range(300)) if reason == "length"]
    assert cut
    for text in cut:
        *whole, last = text.split("\n\n")
        assert all(map(TASK.fullmatch, whole))
        assert len(whole) == 4
        assert not TASK.fullmatch(last)
