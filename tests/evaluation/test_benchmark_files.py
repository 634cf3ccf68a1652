"""Benchmarks read from their original files and from the released schema; broken rows are counted with a reason."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.benchmark_files import COLUMNS, options_and_gold, read_benchmark

REAL = Path(__file__).parents[3] / "shared" / "data"
SCHEMAS = {"arc": schemas.Arc, "hellaswag": schemas.HellaSwag, "mmlu": schemas.Mmlu}

ARC = {
    "id": "Mercury_1",
    "question": "Why is the sky blue?",
    "choices": {"text": ["dust", "paint", "scattering", "water"], "label": ["A", "B", "C", "D"]},
    "answerKey": "C",
}
HELLASWAG = {"ind": 7, "activity_label": "Cooking", "ctx": "She takes an egg. She", "endings": list("wxyz"), "label": 3}
MMLU = ["What is 2 + 2?", "3", "4", "5", "6", "B"]
RELEASED = {
    "arc": {"id": "q1", "instruction": "Kila?", **{f"option_{x}": x for x in "abcd"}, "option_e": "", "answer": "D"},
    "hellaswag": {
        "ind": 3,
        "activity_label": "Cooking",
        "ctx_a": "She takes an egg.",
        "ctx_b": "She",
        "ctx": "She takes an egg. She",
        "endings": list("wxyz"),
        "source_id": "activitynet~v_1",
        "split_type": "indomain",
        "label": 1,
    },
    "mmlu": {"id": "anatomy/test/0", "instruction": "Kila?", **{f"option_{x}": x for x in "abcd"}, "answer": "A"},
}


def lines(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)


def cells(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def read(benchmark: Any, files: dict[str, str]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    kept, rejected = read_benchmark(benchmark, files, None, seed=1)
    SCHEMAS[benchmark].validate(kept)
    schemas.Rejected.validate(rejected)
    assert kept.columns.tolist() == list(COLUMNS[benchmark])
    return kept.to_dict("records"), rejected.to_dict("records")


def real_files(folder: str, pattern: str) -> dict[str, str]:
    paths = sorted((REAL / folder).glob(pattern))
    if not paths:
        pytest.skip(f"{REAL / folder}/{pattern} is not on this machine")
    return {str(path.relative_to(REAL)): path.read_text(encoding="utf-8") for path in paths}


def test_arcs_original_row_has_its_options_in_place_and_its_split_from_the_path() -> None:
    [row], rejected = read("arc", {"arc/ARC-Challenge-Test.jsonl": lines(ARC)})
    assert row == {
        "id": "Mercury_1",
        "instruction": "Why is the sky blue?",
        "option_a": "dust",
        "option_b": "paint",
        "option_c": "scattering",
        "option_d": "water",
        "option_e": "",
        "answer": "C",
        "split": "test",
    }
    assert rejected == []


@pytest.mark.parametrize("labels", [list("1234"), [1, 2, 3, 4], list("ABCD")])
@pytest.mark.parametrize("gold", [2, "2", "B"])
def test_arcs_numbered_options_become_letters(labels: list[Any], gold: Any) -> None:
    [row], _ = read(
        "arc", {"test.jsonl": lines({**ARC, "answerKey": gold, "choices": {**ARC["choices"], "label": labels}})}
    )
    assert (row["answer"], row["option_b"], row["option_d"]) == ("B", "paint", "water")


@pytest.mark.parametrize(("letters", "texts"), [("ABC", "xyz"), ("ABCDE", "vwxyz")])
def test_arc_has_three_to_five_options(letters: str, texts: str) -> None:
    choices = {"text": list(texts), "label": list(letters)}
    [row], _ = read("arc", {"test.jsonl": lines({**ARC, "choices": choices})})
    assert options_and_gold("arc", row) == (dict(zip(letters, texts, strict=True)), "C")


def test_arcs_question_may_stand_under_a_stem() -> None:
    [row], _ = read("arc", {"test.jsonl": lines({**ARC, "question": {"stem": "Why?"}})})
    assert row["instruction"] == "Why?"


def test_hellaswags_original_row_has_its_whole_context_first() -> None:
    [row], _ = read("hellaswag", {"hellaswag_val_first5000.jsonl": lines(HELLASWAG)})
    assert row == {
        "ind": 7,
        "activity_label": "Cooking",
        "ctx_a": "She takes an egg. She",
        "ctx_b": "",
        "ctx": "She takes an egg. She",
        "endings": ["w", "x", "y", "z"],
        "source_id": "",
        "split": "validation",
        "split_type": "",
        "label": 3,
    }


def test_mmlus_headless_csv_names_each_row_by_subject_file_and_line() -> None:
    files = {
        "mmlu/dev/high_school_biology_dev.csv": cells(MMLU),
        "mmlu/val/high_school_biology_val.csv": cells(MMLU, ['A "quoted",\nlong question', "a", "b", "c", "d", "A"]),
        "mmlu/test/high_school_biology_test.csv": cells(MMLU),
    }
    kept, rejected = read("mmlu", files)
    assert [(row["id"], row["split"]) for row in kept] == [
        ("high_school_biology/dev/1", "validation"),
        ("high_school_biology/test/1", "test"),
        ("high_school_biology/val/1", "validation"),
        ("high_school_biology/val/2", "validation"),
    ]
    assert kept[3]["instruction"] == 'A "quoted",\nlong question'
    assert kept[0] | {"id": "", "split": ""} == {
        "id": "",
        "instruction": "What is 2 + 2?",
        "option_a": "3",
        "option_b": "4",
        "option_c": "5",
        "option_d": "6",
        "answer": "B",
        "split": "",
    }
    assert rejected == []


@pytest.mark.parametrize("benchmark", RELEASED)
def test_a_row_in_the_released_schema_is_kept_as_it_is(benchmark: str) -> None:
    row = {**RELEASED[benchmark], "split": "test"}
    assert read(benchmark, {"ne.jsonl": lines(row)}) == ([row], [])


@pytest.mark.parametrize("benchmark", RELEASED)
@pytest.mark.parametrize(
    ("path", "own", "split"),
    [
        ("m_arc/ne_train.jsonl", None, "train"),
        ("m_arc/ne_validation.jsonl", None, "validation"),
        ("m_arc/ne_val.jsonl", None, "validation"),
        ("dev/ne.jsonl", None, "validation"),
        ("ne-Test.jsonl", None, "test"),
        ("test/retrained.jsonl", None, "test"),
        ("ne_train.jsonl", "test", "test"),
        ("ne_train.jsonl", "val", "validation"),
        ("ne_train.jsonl", "", "train"),
    ],
)
def test_the_split_is_the_rows_own_or_else_the_one_that_the_path_names(
    benchmark: str, path: str, own: str | None, split: str
) -> None:
    row = RELEASED[benchmark] if own is None else {**RELEASED[benchmark], "split": own}
    assert [each["split"] for each in read(benchmark, {path: lines(row)})[0]] == [split]


@pytest.mark.parametrize("option_e", [{}, {"option_e": None}, {"option_e": ""}])
def test_a_fifth_option_may_be_absent(option_e: dict[str, Any]) -> None:
    row = {key: value for key, value in RELEASED["arc"].items() if key != "option_e"}
    assert read("arc", {"test.jsonl": lines(row | option_e)})[0][0]["option_e"] == ""


def without(row: dict[str, Any], column: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != column}


BROKEN = [
    ("arc", "{", "not JSON"),
    ("arc", "5", "not in the schema of arc: "),
    ("arc", "null", "not in the schema of arc: "),
    ("arc", "[]", "not in the schema of arc: "),
    ("arc", without(ARC, "answerKey"), "column 'answerKey' is missing"),
    ("arc", without(ARC, "id"), "column 'id' is missing"),
    ("arc", {**ARC, "question": None}, "not in the schema of arc: a text is null"),
    ("arc", {**ARC, "choices": None}, "not in the schema of arc: "),
    ("arc", {**ARC, "choices": {"text": list("abc"), "label": list("ABCD")}}, "not in the schema of arc: zip"),
    ("arc", {**ARC, "choices": {"text": list("abcd"), "label": list("AABC")}}, "not in the schema of arc: options lab"),
    ("arc", {**ARC, "choices": {"text": list("abcd"), "label": list("0123")}}, "not in the schema of arc: options lab"),
    ("arc", {**ARC, "choices": {"text": list("abcdef"), "label": list("ABCDEF")}}, "not in the schema of arc: options"),
    (
        "arc",
        {**ARC, "choices": {"text": ["a", None, "c", "d"], "label": list("ABCD")}},
        "not in the schema of arc: a t",
    ),
    ("arc", {**ARC, "choices": {"text": ["a", "a ", "c", "d"], "label": list("ABCD")}}, "two options are equal"),
    ("arc", {**ARC, "answerKey": "E"}, "the answer 'E' is none of its options"),
    ("arc", {**ARC, "answerKey": ""}, "the answer '' is none of its options"),
    ("arc", without(RELEASED["arc"], "option_d"), "column 'option_d' is missing"),
    ("arc", {**RELEASED["arc"], "split": "holdout"}, "not in the schema of arc: neither the row nor the path names"),
    ("hellaswag", without(HELLASWAG, "ctx"), "column 'ctx' is missing"),
    ("hellaswag", {**HELLASWAG, "ctx": None}, "not in the schema of hellaswag: a text is null"),
    ("hellaswag", {**HELLASWAG, "label": ""}, "not in the schema of hellaswag: invalid literal"),
    ("hellaswag", {**HELLASWAG, "label": 4}, "the answer '4' is none of its options"),
    ("hellaswag", {**HELLASWAG, "label": -1}, "the answer '-1' is none of its options"),
    ("hellaswag", {**HELLASWAG, "endings": list("xyz")}, "not in the schema of hellaswag: not four endings"),
    ("hellaswag", {**HELLASWAG, "endings": list("vwxyz")}, "not in the schema of hellaswag: not four endings"),
    ("hellaswag", {**HELLASWAG, "endings": ["", "x", "y", "z"]}, "not in the schema of hellaswag: not four endings"),
    ("hellaswag", {**HELLASWAG, "endings": None}, "not in the schema of hellaswag: "),
    ("hellaswag", {**HELLASWAG, "endings": ["x", "x", "y", "z"]}, "two options are equal"),
    ("mmlu", {**RELEASED["mmlu"], "answer": "E"}, "the answer 'E' is none of its options"),
    ("mmlu", {**RELEASED["mmlu"], "answer": "b"}, "the answer 'b' is none of its options"),
    ("mmlu", {**RELEASED["mmlu"], "option_b": ""} | {"answer": "B"}, "the answer 'B' is none of its options"),
    ("mmlu", ["q", "1", "2"], "not in the schema of mmlu: 3 cells instead of 6"),
    ("mmlu", [], "not in the schema of mmlu: "),
]


@pytest.mark.parametrize(("benchmark", "broken", "reason"), BROKEN)
def test_a_broken_row_is_kept_aside_with_its_place_and_reason(benchmark: str, broken: Any, reason: str) -> None:
    first, last = RELEASED[benchmark], {**RELEASED[benchmark], "id": "another", "ind": 99}
    kept, [rejected] = read(benchmark, {"a/test.jsonl": lines(first, "", broken, last)})
    assert len(kept) == 2
    assert rejected["id"] == "a/test.jsonl:3"
    assert rejected["reason"].startswith(reason)
    assert rejected["raw"] == (broken if isinstance(broken, str) else json.dumps(broken))


@pytest.mark.parametrize("benchmark", RELEASED)
def test_of_two_rows_with_one_key_the_first_is_kept(benchmark: str) -> None:
    row = RELEASED[benchmark]
    kept, [rejected] = read(benchmark, {"a_test.jsonl": lines(row), "b_test.jsonl": lines(row)})
    assert len(kept) == 1
    key = "ind 3" if benchmark == "hellaswag" else f"id '{row['id']}'"
    assert (rejected["id"], rejected["reason"]) == ("b_test.jsonl:1", f"{key} stands twice")


def test_hellaswag_numbers_every_split_from_the_start() -> None:
    kept, rejected = read("hellaswag", {"a_train.jsonl": lines(HELLASWAG), "a_val.jsonl": lines(HELLASWAG)})
    assert [row["split"] for row in kept] == ["train", "validation"]
    assert rejected == []


@pytest.mark.parametrize("character", ["\u2028", "\x85"])
def test_only_line_feeds_end_a_line(character: str) -> None:
    [row], rejected = read("arc", {"test.jsonl": lines({**ARC, "question": f"Why{character}?"})})
    assert (row["instruction"], rejected) == (f"Why{character}?", [])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "arc: no usable row in 0 files"),
        ({"a_test.jsonl": ""}, "arc: no usable row in 1 files"),
        ({"a_test.jsonl": "x\n{}"}, "arc: no usable row in 1 files; first problem: a_test.jsonl:1: not JSON"),
        ({"a.jsonl": lines(ARC)}, "arc: no usable row in 1 files; first problem: a.jsonl:1: .* names a split"),
    ],
)
def test_files_without_a_usable_row_stop_with_the_first_problem(files: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}$"):
        read_benchmark("arc", files, None, seed=1)


def test_a_csv_whose_quotation_mark_never_closes_stops_with_its_name() -> None:
    text = cells(MMLU) + 'q,"1,2,3,4,A\n' + cells(*[MMLU] * 8000)
    with pytest.raises(UserError, match=r"^test/anatomy_test\.csv is no CSV: .* quotation mark"):
        read_benchmark("mmlu", {"test/anatomy_test.csv": text}, None, seed=1)


def numbered(count: int) -> pd.DataFrame:
    files = {
        f"ne_{split}.jsonl": lines(*({**ARC, "id": f"{split}-{n}"} for n in range(count)))
        for split in ("train", "test")
    }
    return read_benchmark("arc", files, most_rows=10, seed=1)[0]


def test_a_drawn_part_has_so_many_rows_of_each_split_in_the_files_order() -> None:
    table = numbered(50)
    assert Counter(table["split"]) == {"train": 10, "test": 10}
    for _, ids in table.groupby("split")["id"]:
        numbers = [int(id.split("-")[1]) for id in ids]
        assert numbers == sorted(numbers)
        assert numbers != list(range(10))


def test_a_row_that_is_drawn_of_more_rows_is_drawn_of_fewer() -> None:
    small, large = set(numbered(30)["id"]), set(numbered(60)["id"])
    old = {id for id in large if int(id.split("-")[1]) < 30}
    assert old
    assert old <= small


def test_another_seed_draws_other_rows_and_fewer_rows_than_asked_are_all() -> None:
    files = {"test.jsonl": lines(*({**ARC, "id": f"q{n}"} for n in range(40)))}
    drawn = [read_benchmark("arc", files, 10, seed)[0]["id"].tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(read_benchmark("arc", files, 41, 1)[0]) == 40


def test_arc_itself_is_read_whole_but_for_the_id_that_stands_twice() -> None:
    files = real_files("arc", "*.jsonl")
    kept, rejected = read("arc", files)
    raw = {path: [json.loads(line) for line in text.strip().split("\n")] for path, text in files.items()}
    ids = Counter(row["id"] for rows in raw.values() for row in rows)
    assert [row["reason"] for row in rejected] == [f"id '{id}' stands twice" for id in ids if ids[id] > 1]
    assert len(kept) + len(rejected) == ids.total() == 1119 + 1172
    theirs = {row["id"]: row for rows in raw.values() for row in reversed(rows)}
    for row in kept:
        original = theirs[row["id"]]
        right = original["choices"]["text"][original["choices"]["label"].index(original["answerKey"])]
        assert row[f"option_{row['answer'].lower()}"] == right
        assert [row[f"option_{x}"] for x in "abcde" if row[f"option_{x}"]] == original["choices"]["text"]


def test_hellaswag_itself_is_read_whole_with_its_gold_ending() -> None:
    [(path, text)] = real_files("hellaswag", "*.jsonl").items()
    kept, rejected = read("hellaswag", {path: text})
    theirs = [json.loads(line) for line in text.strip().split("\n")]
    assert (len(kept), len(rejected)) == (5000, 0)
    assert [(r["ctx"], r["endings"][r["label"]]) for r in kept] == [
        (t["ctx"], t["endings"][t["label"]]) for t in theirs
    ]
    assert {row["split"] for row in kept} == {"validation"}


def test_mmlu_itself_is_read_whole_but_for_questions_with_equal_options() -> None:
    files = real_files("mmlu", "*/*.csv")
    kept, rejected = read("mmlu", files)
    theirs = {
        f"{path}:{n}": row for path, text in files.items() for n, row in enumerate(csv.reader(io.StringIO(text)), 1)
    }
    equal = [where for where, row in theirs.items() if len({cell.strip() for cell in row[1:5]}) < 4]
    assert {row["id"]: row["reason"] for row in rejected} == dict.fromkeys(equal, "two options are equal")
    assert len(kept) + len(rejected) == len(theirs)
    ours = [[row["instruction"], *(row[f"option_{x}"] for x in "abcd"), row["answer"]] for row in kept]
    assert ours == [row for where, row in theirs.items() if where not in equal]
    assert sum(row["id"].split("/")[1] == "dev" for row in kept) >= 280
