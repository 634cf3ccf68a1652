"""Numbered tasks as a teacher writes them: well formed, malformed, cut, and with noise around them."""

import pytest

from okapi_kedro.text.numbered_tasks import WrittenTask, read_tasks, write_examples

SUM = "Instruction: Add the numbers.\nInput: 2, 3\nOutput: 5"
CAPITAL = "Instruction: Name the capital of Nepal.\nInput: <none>\nOutput: Kathmandu"


def fields(tasks: list[WrittenTask]) -> list[tuple[str, str, str]]:
    return [(task.instruction, task.input, task.output) for task in tasks]


def test_examples_are_read_back_as_they_were_written() -> None:
    examples = [
        {"instruction": "Add the numbers.", "input": "2, 3", "output": "5"},
        {"instruction": "Write a poem.", "input": "", "output": "Roses:\n\nare red"},
        {"instruction": "नेपालको राजधानी?", "input": "a\nb\n\nc", "output": "काठमाडौं"},
    ]
    written = write_examples(examples)
    assert written.endswith("\nTask 4")
    assert fields(read_tasks(written, 1, False)) == [tuple(example.values()) for example in examples]


@pytest.mark.parametrize("heading", ["", "Task 4\n", "\n\n  Task 4:\n", "task 4.\n", "Task 4\r\n"])
def test_an_answer_may_go_on_after_the_heading_or_repeat_it(heading: str) -> None:
    tasks = read_tasks(f"{heading}{SUM}\n\nTask 5\n{CAPITAL}", 4, False)
    assert fields(tasks) == [("Add the numbers.", "2, 3", "5"), ("Name the capital of Nepal.", "", "Kathmandu")]
    assert [task.problem for task in tasks] == ["", ""]


@pytest.mark.parametrize("nothing", ["<none>", "None", "<None>.", "<noinput>", "No input", "N/A", "", "<>"])
def test_all_ways_to_say_that_there_is_no_input_are_empty(nothing: str) -> None:
    [task] = read_tasks(f"Instruction: Say hello.\nInput: {nothing}\nOutput: Hello!", 4, False)
    assert (task.input, task.problem) == ("", "")


def test_an_input_that_only_begins_with_none_is_an_input() -> None:
    [task] = read_tasks("Instruction: Negate.\nInput: None of them came.\nOutput: All of them came.", 4, False)
    assert task.input == "None of them came."


def test_an_instruction_over_several_lines_becomes_one_and_the_other_fields_keep_theirs() -> None:
    [task] = read_tasks("Instruction: Add\n  the numbers.\nInput: 2\n3\nOutput: 2 + 3\n\n= 5\n", 4, False)
    assert fields([task]) == [("Add the numbers.", "2\n3", "2 + 3\n\n= 5")]


def test_labels_in_other_letters_and_indented_are_read() -> None:
    [task] = read_tasks("  INSTRUCTION: Add.\n  input: 1\n\toutput: 1", 4, False)
    assert fields([task]) == [("Add.", "1", "1")]


def test_an_output_may_hold_lines_that_look_like_an_input_or_an_output() -> None:
    [task] = read_tasks("Instruction: Show a run.\nInput: <none>\nOutput: It prints\nInput: 3\nOutput: 9", 4, False)
    assert (task.output, task.problem) == ("It prints\nInput: 3\nOutput: 9", "")


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("I am sorry, but I cannot.", "not in the form Instruction, Input, Output"),
        ("Instruction: Add.\nOutput: 5", "not in the form Instruction, Input, Output"),
        ("Instruction: Add.\nInput: 2", "not in the form Instruction, Input, Output"),
        ("Input: 2\nInstruction: Add.\nOutput: 5", "not in the form Instruction, Input, Output"),
        ("**Instruction:** Add.\n**Input:** 2\n**Output:** 5", "not in the form Instruction, Input, Output"),
        ("Instruction: Add. Input: 2 Output: 5", "not in the form Instruction, Input, Output"),
        ("Instruction:\nInput: 2\nOutput: 5", "empty instruction or output"),
        ("Instruction: Add.\nInput: 2\nOutput:  \n", "empty instruction or output"),
        (f"{SUM}\n\n**Task 5**\n{CAPITAL}", "several instructions under one heading"),
        (f"{SUM}\n\nTask 5: geography\n{CAPITAL}", "several instructions under one heading"),
    ],
)
def test_a_malformed_task_is_kept_with_its_raw_text_and_the_problem(block: str, problem: str) -> None:
    good, bad, after = read_tasks(f"{SUM}\n\nTask 5\n{block}\n\nTask 6\n{CAPITAL}", 4, False)
    assert (good.problem, after.problem) == ("", "")
    assert (bad.problem, bad.raw) == (problem, block.strip())


def test_a_sentence_before_the_first_heading_does_not_spoil_the_tasks() -> None:
    chatter, *tasks = read_tasks(f"Sure! Here they are:\n\nTask 4\n{SUM}\n\nTask 5\n{CAPITAL}", 4, False)
    assert chatter.problem == "not in the form Instruction, Input, Output"
    assert [task.problem for task in tasks] == ["", ""]


@pytest.mark.parametrize("last", [CAPITAL, "Instruction: Name the ca", "Instruction: Say hi.\nInput: <none>\nOutput:"])
def test_the_last_task_of_an_answer_that_was_cut_is_a_problem_whatever_it_looks_like(last: str) -> None:
    first, cut = read_tasks(f"{SUM}\n\nTask 5\n{last}", 4, True)
    assert (first.problem, cut.problem) == ("", "cut short")
    assert cut.raw == last


@pytest.mark.parametrize("answer", ["", " \n\n", "Task 4", "Task 4\n\nTask 5\n"])
@pytest.mark.parametrize("cut_short", [True, False])
def test_an_answer_without_any_text_holds_no_task(answer: str, cut_short: bool) -> None:
    assert read_tasks(answer, 4, cut_short) == []


@pytest.mark.parametrize(
    "rambling",
    [
        "Instruction: " + "\n" * 20_000,
        "Instruction: a\nInput: " + " \n" * 20_000 + "z",
        "Instruction: a\nInput: b\n" * 10_000,
        "Task 4" + " " * 2_000 + "x",
        "\n" * 20_000 + "Task",
    ],
    ids=["newlines", "blank lines", "labels", "blanks", "no heading"],
)
def test_rambling_is_one_malformed_task_and_does_not_hang(rambling: str) -> None:
    [task] = read_tasks(rambling, 4, False)
    assert task.problem
