"""Numbered tasks as a teacher writes them: well formed, malformed, cut, and with noise around them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("Instruction: Add.\nInput: 2", "not in the form Instruction, Input, Output"),
        ("Input: 2\nInstruction: Add.\nOutput: 5", "not in the form Instruction, Input, Output"),
        ("Instruction: Add. Input: 2 Output: 5", "not in the form Instruction, Input, Output"),
        ("Instruction:\nInput: 2\nOutput: 5", "empty instruction or output"),
        ("Instruction: Add.\nInput: 2\nOutput:  \n", "empty instruction or output"),
        (f"{SUM}\n\n{CAPITAL}", "several instructions under one heading"),
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


def test_an_answer_that_was_cut_at_the_next_heading_has_lost_nothing_of_the_task_before() -> None:
    assert fields(read_tasks(f"{SUM}\n\nTask 5\n", 4, True)) == [("Add the numbers.", "2, 3", "5")]
    [cut] = read_tasks(SUM, 4, True)
    assert cut.problem == "cut short"


@pytest.mark.parametrize(
    "rambling",
    [
        "Instruction: " + "\n" * 20_000,
        "Instruction: a\nInput: " + " \n" * 20_000 + "z",
        "Task 4" + " " * 2_000 + "x",
        "\n" * 20_000 + "Task",
        "*" * 1_000_000 + "x",
        "# " * 500_000 + "Instruction: a",
        "Task" + "#" * 1_000_000 + "x",
        "Instruction: a\nOutput:\n" + "```\n" * 50_001,
        "Instruction: a\nOutput:\n" + "```\n\n" * 50_000,
        "Instruction: a\nOutput:" + " \n---\n" * 50_000,
        "Instruction" + " " * 1_000_000 + "x",
        "Instruction: " + "\u200b " * 500_000,
    ],
)
def test_rambling_is_one_malformed_task_and_does_not_hang(rambling: str) -> None:
    [task] = read_tasks(rambling, 4, False)
    assert task.problem


def dressed(task: str, label: str) -> str:
    """The task with each `Name:` written after a pattern."""
    return re.sub(r"^(\w+):", lambda match: label.format(match[1]), task, flags=re.MULTILINE)


def both(heading: str, label: str = "{}:", between: str = "\n\n") -> str:
    return between.join(heading.format(number) + dressed(task, label) for number, task in ((4, SUM), (5, CAPITAL)))


SHAPES = {
    "bold": both("**Task {}**\n", "**{}:**"),
    "bold, colon outside": both("**Task {}:**\n", "**{}**:"),
    "italic": both("*Task {}*\n", "*{}:*"),
    "Markdown headings": both("### Task {}:\n", "**{}:**"),
    "labels as Markdown headings": both("## Task {}\n", "### {}\n"),
    "org headings": both("* Task {}\n", "** {}\n"),
    "bullets": both("Task {}\n", "- {}:"),
    "bold bullets": both("Task {}\n", "- **{}:**"),
    "bold number": both("**{}.** ", "**{}:**"),
    "bold number and label": both("{}. ", "{}:")
    .replace("4. Instruction:", "**4. Instruction:**")
    .replace("5. Instruction:", "**5. Instruction:**")
    .replace("\n", "\n   "),
    "all in bold": both("Task {}\n", "**{}:").replace("\n", "**\n").replace("**\n**\n", "**\n\n") + "**",
    "fence around all": f"```\n{both('Task {}' + chr(10))}\n```",
    "fence with a name around all": f"```text\n{both('Task {}' + chr(10))}\n```\n",
    "fence around each": both("```\nTask {}\n", between="\n```\n\n") + "\n```",
    "fence under each heading": both("### Task {}\n```\n", between="\n```\n\n") + "\n```",
    "rules": both("Task {}\n", between="\n\n---\n\n") + "\n\n---",
    "Alpaca's own": "###\n" + both("", between="\n###\n").replace("Ins", "4. Ins").replace("Out", "4. Out") + "\n###\n",
    "rules alone": both("", between="\n***\n"),
    "numbers": both("{}. "),
    "numbers in brackets": both("({}) "),
    "numbers on lines": both("{}.\n"),
    "numbers with bracket": both("{})\n"),
    "numbers as headings": both("### {}\n"),
    "number sign": both("Task #{}\n"),
    "square brackets": both("[Task {}]\n"),
    "one line": both("Task {}: "),
    "no heading": both(""),
    "no heading, no blank": both("", between="\n"),
    "title": both("Task {}: A title\n"),
    "title with dash": both("**Task {} \u2013 A title**\n"),
    "numbered title": both("### {}. A title\n"),
    "plain numbered title": both("{}. A title\n"),
    "title for instruction": both("Task {}: ").replace("Instruction: ", ""),
    "words": f"Task Four\n{SUM}\n\nTask Five:\n{CAPITAL}",
    "labels on lines": both("Task {}\n", "{}:\n"),
    "numbered labels": both("", "{} 4:"),
    "optional": both("Task {}\n", "{} (optional):"),
    "plural": both("Task {}\n").replace("Instruction", "Instructions"),
    "Response": both("Task {}\n").replace("Output", "Response"),
    "Answer": both("Task {}\n").replace("Output", "Answer"),
    "no input": both("Task {}\n").replace("Input: <none>\n", ""),
    "capitals": both("TASK {}\n", "{}:").replace("Input", "INPUT").replace("Output", "OUTPUT"),
    "full width": both("Task {}\uff1a\n", "{}\uff1a"),
    "Windows": both("Task {}\n").replace("\n", "\r\n"),
    "old Mac": both("Task {}\n").replace("\n", "\r"),
    "line separators": both("Task {}\n").replace("\n", "\u2028"),
    "no-break spaces": both("Task\u00a0{}\n", "{}:\u00a0"),
    "invisible": "\ufeff" + both("\u200bTask {}\n", "\u200b{}:\u200b"),
    "restart": f"Task 1\n{SUM}\n\nTask 2\n{CAPITAL}",
    "skip": f"Task 7\n{SUM}\n\nTask 19\n{CAPITAL}",
    "repeat": f"Task 4\n{SUM}\n\nTask 4\n{CAPITAL}",
    "beyond": f"Task 20\n{SUM}\n\nTask 21\n{CAPITAL}",
    "nothing thought": f"<think>\n\n</think>\n{both('Task {}' + chr(10))}",
    "YAML": both("- ", "  {}:").replace("-   ", "- "),
    "JSON": '[{"instruction": "Add the numbers.", "input": "2, 3", "output": 5},\n'
    '{"Task": 5, "Instruction": "Name the capital of Nepal.", "Input": null, "Output": "Kathmandu"}]',
    "JSON in a fence": '```json\n{"instruction": "Add the numbers.", "input": "2, 3", "response": "5"}\n'
    '{"instruction": "Name the capital of Nepal.", "answer": "Kathmandu"}\n```',
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_shape_that_teachers_give_is_read_whole(shape: str) -> None:
    tasks = read_tasks(shape, 4, False)
    assert fields(tasks) == [("Add the numbers.", "2, 3", "5"), ("Name the capital of Nepal.", "", "Kathmandu")]
    assert [task.problem for task in tasks] == ["", ""]


@pytest.mark.parametrize(
    "output",
    [
        "It prints\nInput: 5\nOutput: 120\n\nInput: 0\nOutput: 1",
        "1. Rest\n2. Drink\n\n4. Sleep",
        "4.",
        "Mix it.\n\nInstructions:\n1. Heat\n2. Stir",
        "The plan:\nTask 1\nBuy milk\n\nTask 2\nDrink it",
        "The plan:\nTask 1: Buy milk\nTask 5: Drink it\nTask 6: Buy more",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "```python\nprint(1)\n```",
        "Above\n\n---\n\nbelow",
        "**Paris**",
        "- a  \n- b  \n- c",
        'We say "Instruction: go" aloud.',
        "Answer: yes\nResponse: no",
        "Task completed.",
    ],
)
@pytest.mark.parametrize("heading", ["Task {}\n", "**Task {}: A title**\n", "{}. "])
def test_an_output_keeps_what_looks_like_the_form(output: str, heading: str) -> None:
    text = f"{heading.format(4)}Instruction: Do it.\nInput: <none>\nOutput: {output}\n\n{heading.format(5)}{CAPITAL}"
    assert fields(read_tasks(text, 4, False))[0] == ("Do it.", "", output)
    assert len(read_tasks(text, 4, False)) == 2


def test_a_comment_in_an_input_is_no_label_where_a_plain_one_follows() -> None:
    [task] = read_tasks("Instruction: What is printed?\nInput: print(9)\n# Output: ?\nOutput: 9", 4, False)
    assert (task.input, task.output) == ("print(9)\n# Output: ?", "9")


@pytest.mark.parametrize(
    ("signs", "given"),
    [
        ('"<No input>"', ""),
        ("`<noinput>`", ""),
        ("\\<noinput\\>", ""),
        ("No input required.", ""),
        ("[noinput]", ""),
        ("(none)", ""),
        ("-", ""),
        ('""', ""),
        ("Not applicable", ""),
        ("?", "?"),
        ("Na", "Na"),
        ("[]", "[]"),
        ("No", "No"),
        ("The <noinput>", "The <noinput>"),
        ("Empty", "Empty"),
    ],
)
def test_only_signs_for_no_input_are_emptied(signs: str, given: str) -> None:
    [task] = read_tasks(f"Instruction: Say it.\nInput: {signs}\nOutput: It.", 4, False)
    assert task.input == given


def test_a_closing_remark_makes_the_last_task_unusable_as_it_cannot_be_told_from_the_output() -> None:
    close = "Let me know if you need more tasks!"
    first, last = read_tasks(f"{SUM}\n\n{close}\n\nTask 5\n{CAPITAL}\n\n{close}", 4, False)
    assert (first.output, first.problem) == (f"5\n\n{close}", "")
    assert (last.problem, last.raw) == ("a remark may follow the output", f"{CAPITAL}\n\n{close}")


def test_thoughts_before_the_tasks_are_one_unusable_task() -> None:
    thoughts, task = read_tasks(f"<think>\n{CAPITAL}\n</think>\nTask 4\n{SUM}", 4, False)
    assert (thoughts.problem, task.problem) == ("thoughts before the tasks", "")
    [endless] = read_tasks(f"<think>\n{CAPITAL}", 4, True)
    assert endless.problem == "thoughts before the tasks"
    [quoted] = read_tasks("Instruction: Close the tag.\nOutput: <think>so</think>", 4, False)
    assert quoted.output == "<think>so</think>"


def test_an_instruction_that_stands_in_an_output_or_lost_its_heading_is_not_guessed_at() -> None:
    [task] = read_tasks(f"Task 4\n{SUM}\nInstruction: Press the button.", 4, False)
    assert task.problem == "several instructions under one heading"


def test_json_that_was_cut_keeps_its_whole_objects() -> None:
    text = '{"tasks": [{"instruction": "Add.", "output": "5"}, {"instruction": "Na'
    frame, whole, cut = read_tasks(text, 4, True)
    assert (frame.raw, whole.output, whole.problem, cut.problem) == ('{"tasks": [', "5", "", "cut short")


@pytest.mark.parametrize("bracket", ["{", '{"a":', "["])
def test_json_without_end_is_unusable(bracket: str) -> None:
    assert all(task.problem for task in read_tasks(bracket * 50_000 + '"instruction"', 4, False))


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    [plain] = read_tasks("Instruction: A\nOutput: b\ud83d", 4, False)
    [escaped] = read_tasks('{"instruction": "A", "output": "b\\ud83d"}', 4, False)
    assert plain.output == escaped.output == "b?"


MARKS = re.compile(r"[\W_]*(task[\W_]*\d+|\d+)?[\W_]*|\s*```\w*\s*|\s*</?think>\s*", re.IGNORECASE)
# fmt: off
PIECES = ["Task 4", "Task 5: A title", "**Task 6**", "5.", "### 6", "###", "---", "```", "Instruction: a", "Input: b",
          "**Input:** c", "Output: d", "Instructions:", "Answer: e", '{"instruction": "f", "output": "g"}', "{",
          "words", "", " ", "\u2028", "4. Instruction: h", "<think>", "</think>", "Let me know.", "\ud83d"]
# fmt: on


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=14), st.integers(1, 6), st.booleans())
def test_every_line_of_any_answer_is_in_the_raw_text_of_a_task(pieces: list[str], first: int, cut_short: bool) -> None:
    answer = "\n".join(pieces)
    tasks = read_tasks(answer, first, cut_short)
    assert tasks == read_tasks(answer, first, cut_short)
    raw = "\n".join(task.raw for task in tasks)
    for line in re.split(r"[\r\n\x85\u2028\u2029]", answer.encode(errors="replace").decode()):
        assert MARKS.fullmatch(line) or line.strip() in raw
    for task in tasks:
        assert bool(task.problem) or (task.instruction and task.output)


# A text cannot survive whose lines look like a part of the form, whose ends are blank, or whose line breaks are not \n.
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029"), max_size=40)
ENDS = st.sampled_from(["x", "7", "(", "é", "ना", "\U0001f600", '"'])
UGLY = st.builds(lambda start, middle, end: f"x{start}{middle}{end}z", ENDS, PLAIN, ENDS).map(
    lambda text: re.sub(r"\n(?=\W*(task|instruction|input|output|answer|response|\d|`))", "\n. ", text, flags=re.I)
)


@given(st.lists(st.tuples(UGLY, st.one_of(st.just(""), UGLY), UGLY), min_size=1, max_size=5))
def test_texts_that_do_not_look_like_the_form_survive_it(rows: list[tuple[str, str, str]]) -> None:
    examples = [dict(zip(("instruction", "input", "output"), row, strict=True)) for row in rows]
    tasks = read_tasks(write_examples(examples), 1, False)
    assert [task.problem for task in tasks] == [""] * len(rows)
    assert fields(tasks) == [(" ".join(asked.split()), given, output) for asked, given, output in rows]


@pytest.mark.parametrize("rambling", ["*" * 1_000_000, "\n" * 100_000, "Task 4\n" * 20_000, "###\n" * 50_000])
def test_rambling_without_a_word_is_no_task(rambling: str) -> None:
    assert read_tasks(rambling, 4, False) == []


def test_every_task_of_an_endless_list_is_read() -> None:
    assert len(read_tasks(f"{SUM}\n" * 5_000, 4, False)) == 5_000
    cut = read_tasks("Instruction: a\nInput: b\n" * 5_000, 4, False)
    assert {task.problem for task in cut} == {"not in the form Instruction, Input, Output"}


@pytest.mark.parametrize(
    "output", ["1. apples\n2. pears", "Buy:\n\n- apples\n- pears", "It is 5.", "Mix.\n\nInstructions:\nStir."]
)
@pytest.mark.parametrize("between", ["\n\n", "\n"])
def test_an_output_keeps_its_end_where_no_heading_separates_the_tasks(output: str, between: str) -> None:
    text = f"Instruction: Do it.\nInput: <none>\nOutput: Well.\n{output}{between}{CAPITAL}"
    assert [task.output for task in read_tasks(text, 4, False)] == [f"Well.\n{output}", "Kathmandu"]
