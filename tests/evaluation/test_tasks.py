"""Requests of both prompt styles, written out by hand; broken tables are named."""

import random
import re

import pandas as pd
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.tasks import benchmark_task

ARC = [
    {
        "id": "train/0", "instruction": "Was ist nass?", "option_a": "Feuer", "option_b": "Wasser", "option_c": "Sand",
        "option_d": "", "option_e": "", "answer": "B", "split": "train",
    },
    {
        "id": "train/1", "instruction": "Was fliegt?", "option_a": "Vogel", "option_b": "Stein", "option_c": "Fisch",
        "option_d": "Baum", "option_e": None, "answer": "A", "split": "train",
    },
    {
        "id": "test/0", "instruction": "Was ist [sehr]  kalt?", "option_a": "Sonne", "option_b": "", "option_c": "Tee",
        "option_d": "Eis", "option_e": float("nan"), "answer": "D", "split": "test",
    },
    {
        "id": "test/1", "instruction": "Wie viel ist 2 + 2?", "option_a": 3, "option_b": 4, "option_c": 5,
        "option_d": 6, "option_e": "sieben", "answer": "E", "split": "test",
    },
]  # fmt: skip
HELLASWAG = [
    {
        "ind": 3, "activity_label": "Dach decken", "ctx_a": "Ein Mann sitzt auf dem Dach.", "ctx_b": "er",
        "ctx": "Ein Mann sitzt auf dem Dach. er", "endings": ["löst Ziegel.", "fliegt.", "taucht.", "schläft."],
        "label": "0", "split": "validation",
    },
    {
        "ind": 7, "activity_label": "Kuchen", "ctx_a": "[header] Wie man backt [title] Rühre  den Teig.", "ctx_b": "",
        "ctx": "", "endings": ["[step] Backe ihn. ", "Iss ihn roh.", "Wirf ihn weg.", "Friere ihn ein."],
        "label": 0, "split": "validation",
    },
]  # fmt: skip
MMLU = [
    {
        "id": "anatomie/val/0", "instruction": "Was pumpt Blut?", "option_a": "Leber", "option_b": "Herz",
        "option_c": "Niere", "option_d": "Lunge", "answer": "B", "split": "validation",
    },
    {
        "id": "anatomie/test/0", "instruction": "Was atmet?", "option_a": "Lunge", "option_b": "Zahn",
        "option_c": "Haar", "option_d": "Nagel", "answer": "A", "split": "test",
    },
]  # fmt: skip


def _requests(task):
    """Per scored question: its contexts (one per option), the continuations and the place of the right one."""
    shots = task.config.num_fewshot
    for doc in task.eval_docs:
        options = task.construct_requests(doc, task.fewshot_context(doc, shots))
        contexts, continuations = zip(*(option.args for option in options), strict=True)
        (context,) = set(contexts)
        yield context, list(continuations), task.doc_to_target(doc)


def test_an_arc_question_stands_alone_and_its_empty_options_are_left_out():
    first, second = _requests(benchmark_task("arc", pd.DataFrame(ARC), 0, "okapi"))
    assert first == ("Question: Was ist [sehr]  kalt?\nAnswer:", [" Sonne", " Tee", " Eis"], 2)
    assert second == ("Question: Wie viel ist 2 + 2?\nAnswer:", [" 3", " 4", " 5", " 6", " sieben"], 4)


def test_arc_examples_come_before_every_question_in_the_order_of_the_table():
    contexts = [context for context, *_ in _requests(benchmark_task("arc", pd.DataFrame(ARC), 2, "okapi"))]
    examples = "Question: Was ist nass?\nAnswer: Wasser\n\nQuestion: Was fliegt?\nAnswer: Vogel\n\n"
    assert contexts == [
        examples + "Question: Was ist [sehr]  kalt?\nAnswer:",
        examples + "Question: Wie viel ist 2 + 2?\nAnswer:",
    ]


HELLASWAG_QUERIES = ["Dach decken: Ein Mann sitzt auf dem Dach. Er", "Kuchen: Wie man backt. Rühre den Teig."]
HELLASWAG_CHOICES = [
    [" löst Ziegel.", " fliegt.", " taucht.", " schläft."],
    ["  Backe ihn.", " Iss ihn roh.", " Wirf ihn weg.", " Friere ihn ein."],
]


@pytest.mark.parametrize("style", ["harness", "okapi"])
def test_hellaswag_continues_the_label_and_both_contexts_without_wikihow_marks(style):
    task = benchmark_task("hellaswag", pd.DataFrame(HELLASWAG), 0, style)
    assert list(_requests(task)) == [(HELLASWAG_QUERIES[place], HELLASWAG_CHOICES[place], 0) for place in (0, 1)]


@pytest.mark.parametrize("style", ["harness", "okapi"])
def test_a_hellaswag_question_is_no_example_for_itself(style):
    contexts = [context for context, *_ in _requests(benchmark_task("hellaswag", pd.DataFrame(HELLASWAG), 1, style))]
    assert contexts == [
        f"{HELLASWAG_QUERIES[1]}{HELLASWAG_CHOICES[1][0]}\n\n{HELLASWAG_QUERIES[0]}",
        f"{HELLASWAG_QUERIES[0]}{HELLASWAG_CHOICES[0][0]}\n\n{HELLASWAG_QUERIES[1]}",
    ]


def test_the_harness_takes_what_stands_in_brackets_out_of_arcs_texts():
    rows = [{**ARC[2], "option_a": "[Die]  Sonne"}]
    (request,) = _requests(benchmark_task("arc", pd.DataFrame(rows), 0, "harness"))
    assert request == ("Question: Was ist  kalt?\nAnswer:", ["  Sonne", " Tee", " Eis"], 2)


def test_the_harness_draws_arcs_examples_for_each_question_with_its_own_seed():
    train = [{**ARC[0], "id": f"train/{place}", "instruction": f"Frage {place}?"} for place in range(30)]
    test = [{**ARC[2], "id": f"test/{place}"} for place in range(3)]

    def shown(style):
        contexts = [each[0] for each in _requests(benchmark_task("arc", pd.DataFrame(train + test), 2, style))]
        return [re.findall(r"Frage (\d+)\?", context) for context in contexts]

    draw = random.Random(1234)
    assert shown("harness") == [[str(place) for place in draw.sample(range(30), 2)] for _ in test]
    assert shown("okapi") == [["0", "1"]] * 3


def test_the_harness_scores_letters_in_mmlu():
    rows = [MMLU[0], {**MMLU[1], "instruction": " Was atmet?\n", "option_d": ""}]
    (request,) = _requests(benchmark_task("mmlu", pd.DataFrame(rows), 1, "harness"))
    assert request == (
        "Was pumpt Blut?\nA. Leber\nB. Herz\nC. Niere\nD. Lunge\nAnswer: B\n\n"
        "Was atmet?\nA. Lunge\nB. Zahn\nC. Haar\nD. \nAnswer:",
        [" A", " B", " C", " D"],
        0,
    )


def test_mmlu_lists_the_options_but_scores_their_full_text():
    (request,) = _requests(benchmark_task("mmlu", pd.DataFrame(MMLU), 1, "okapi"))
    assert request == (
        "Question: Was pumpt Blut?\nChoices:\nA. Leber\nB. Herz\nC. Niere\nD. Lunge\nAnswer: Herz\n\n"
        "Question: Was atmet?\nChoices:\nA. Lunge\nB. Zahn\nC. Haar\nD. Nagel\nAnswer:",
        [" Lunge", " Zahn", " Haar", " Nagel"],
        0,
    )


def test_endings_may_come_as_arrays_from_parquet(tmp_path):
    pd.DataFrame(HELLASWAG[:1]).assign(split="validation").to_parquet(tmp_path / "hellaswag.parquet")
    (request,) = _requests(benchmark_task("hellaswag", pd.read_parquet(tmp_path / "hellaswag.parquet"), 0, "okapi"))
    assert request[1:] == ([" löst Ziegel.", " fliegt.", " taucht.", " schläft."], 0)


def test_text_that_looks_like_a_template_is_asked_as_it_stands():
    rows = [{**MMLU[1], "instruction": "Was gibt {{ 1 + 1 }}?", "option_b": "query"}]
    ((context, continuations, _),) = _requests(benchmark_task("mmlu", pd.DataFrame(rows), 0, "okapi"))
    assert "Was gibt {{ 1 + 1 }}?" in context
    assert continuations[1] == " query"


def test_the_table_is_not_changed():
    table = pd.DataFrame(ARC)
    before = table.copy(deep=True)
    benchmark_task("arc", table, 2, "okapi")
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("benchmark", "rows", "shots", "message"),
    [
        ("boolq", ARC, 0, "unknown benchmark 'boolq'; known: arc, hellaswag, mmlu"),
        ("mmlu", [{**MMLU[1], "answer": "E"}], 0, r"mmlu row anatomie/test/0: the answer 'E' is none of its options"),
        ("arc", [{**ARC[2], "answer": "B"}], 0, r"arc row test/0: the answer 'B' is none of its options \(A, C, D\)"),
        ("mmlu", [{**MMLU[1], "option_c": "Zahn "}], 0, "row anatomie/test/0: options B and C are equal"),
        ("hellaswag", [{**HELLASWAG[1], "label": None}], 0, "hellaswag row 7: the answer '' is none"),
        ("hellaswag", [{**HELLASWAG[1], "endings": "Backe ihn."}], 0, "hellaswag row 7: `endings` must be a list"),
        ("arc", ARC, 3, "3 shots asked for but only 2 rows have split 'train'"),
        ("arc", ARC[:2], 0, "no row with split 'test'"),
        ("hellaswag", HELLASWAG, 2, "2 shots asked for but only 1 rows have split 'validation'"),
    ],
)
def test_a_broken_table_is_named_with_its_row(benchmark, rows, shots, message):
    with pytest.raises(UserError, match=message):
        benchmark_task(benchmark, pd.DataFrame(rows), shots, "okapi")


def test_missing_columns_are_named():
    with pytest.raises(UserError, match="mmlu: the table lacks the column option_d, split"):
        benchmark_task("mmlu", pd.DataFrame(MMLU).drop(columns=["option_d", "split"]), 0, "okapi")


def test_a_broken_row_that_is_neither_example_nor_scored_does_no_harm():
    table = pd.DataFrame([*ARC, {**ARC[0], "answer": "Z", "split": "validation"}])
    assert len(benchmark_task("arc", table, 0, "okapi").eval_docs) == 2
