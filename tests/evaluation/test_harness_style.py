"""The harness style asks what lm-eval's own Okapi tasks ask, string by string, in every language."""

import json
from pathlib import Path
from typing import Any

import lm_eval
import pandas as pd
import pytest
from datasets import Dataset
from lm_eval.tasks import TaskManager

from okapi_kedro.evaluation.benchmark_files import COLUMNS, read_benchmark
from okapi_kedro.evaluation.tasks import Benchmark, benchmark_task
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.teacher.offline import phrasebook as offline

REAL = Path(__file__).parents[3] / "shared" / "data"
PHRASEBOOKS = Path(offline.__file__).parent / "phrasebooks"
FILES = {"arc": "arc/*.jsonl", "hellaswag": "hellaswag/*.jsonl", "mmlu": "mmlu/*/*.csv"}
NAMES = {"arc": "arc_{}", "hellaswag": "hellaswag_{}", "mmlu": "m_mmlu_{}"}
# the names that their hubs give to the splits of our tables
SPLITS = {
    "arc": {"train": "train", "validation": "validation", "test": "test"},
    "hellaswag": {"val": "validation"},
    "mmlu": {"train": "validation", "test": "test"},
}
LACKING = {("arc", "en"), ("hellaswag", "en"), ("hellaswag", "zh")}
Request = tuple[str, str]


@pytest.fixture(scope="module")
def manager() -> TaskManager:
    folder = Path(lm_eval.__file__).parent / "tasks" / "okapi"
    return TaskManager(include_defaults=False, include_path=str(folder))


def as_on_the_hub(benchmark: str, rows: pd.DataFrame) -> Dataset:
    """The published columns; the label is a text there, and a fifth option that is not there is missing."""
    columns = [column for column in COLUMNS[benchmark] if column != "split" or benchmark == "hellaswag"]
    records = rows[columns].to_dict("records")
    if benchmark == "hellaswag":
        records = [{**row, "label": str(row["label"]), "endings": list(row["endings"])} for row in records]
    if benchmark == "arc":
        records = [{**row, "option_e": row["option_e"] or None} for row in records]
    return Dataset.from_list(records)


def lm_evals_own(manager: TaskManager, benchmark: str, language: str, table: pd.DataFrame, shots: int) -> Any:
    """lm-eval's registered task over the rows of a table."""
    splits = {
        theirs: as_on_the_hub(benchmark, table[table["split"] == ours]) for theirs, ours in SPLITS[benchmark].items()
    }
    # Where lm-eval has none, another language's task serves, as nothing of it depends on the language.
    name = NAMES[benchmark].format("vi" if (benchmark, language) in LACKING else language)
    own = {"task": name, "custom_dataset": lambda **_: splits, "num_fewshot": shots}
    task = manager.load([{"group": "own", "task": [own]}])["tasks"][name]
    task.set_fewshot_seed(1234)
    return task


def asked(task: Any) -> list[list[Request]]:
    """Context and continuation of each option of each question."""
    shots = task.config.num_fewshot
    return [
        [each.args for each in task.construct_requests(doc, task.fewshot_context(doc, shots))] for doc in task.eval_docs
    ]


def assert_equal_requests(manager: TaskManager, benchmark: Benchmark, language: str, table: Any, shots: int) -> None:
    theirs = lm_evals_own(manager, benchmark, language, table, shots)
    ours = benchmark_task(benchmark, table, shots, "harness")
    assert asked(ours) == asked(theirs)
    right = [
        target if isinstance(target, int) else theirs.doc_to_choice(doc).index(target)
        for doc in theirs.eval_docs
        for target in [theirs.doc_to_target(doc)]
    ]
    assert [doc["gold"] for doc in ours.eval_docs] == right
    assert ours.config.target_delimiter == theirs.config.target_delimiter


def real_rows(benchmark: Benchmark) -> pd.DataFrame:
    """200 questions that are scored, and all other rows."""
    paths = sorted(REAL.glob(FILES[benchmark]))
    if not paths:
        pytest.skip(f"{REAL}/{FILES[benchmark]} is not on this machine")
    files = {str(path.relative_to(REAL)): path.read_text(encoding="utf-8") for path in paths}
    table, _ = read_benchmark(benchmark, files, None, seed=0)
    scored = table["split"] == ("validation" if benchmark == "hellaswag" else "test")
    return pd.concat([table[~scored], table[scored].sample(200, random_state=0)])


@pytest.mark.parametrize(
    ("benchmark", "shots"), [("arc", 0), ("arc", 25), ("hellaswag", 0), ("hellaswag", 10), ("mmlu", 0), ("mmlu", 5)]
)
def test_200_real_questions_are_asked_as_lm_eval_asks_them(manager, benchmark, shots):
    assert_equal_requests(manager, benchmark, "de", real_rows(benchmark), shots)


def rows_in(language: str, benchmark: str) -> pd.DataFrame:
    """Rows of words in a language, with white space and marks that some formats take away, some with five options."""
    words = list(json.loads((PHRASEBOOKS / f"{language}.json").read_text(encoding="utf-8"))["nouns"].values())
    rows = []
    for place in range(12):
        first, second, *options = words[place : place + 7]
        lettered = {f"option_{letter}": option for letter, option in zip("abcde", options, strict=True)}
        if benchmark == "mmlu" or place < 6:
            lettered["option_e"] = ""
        rows.append(
            {
                **{"id": f"q{place}", "ind": place, "instruction": f" {first} [{second}]  {second}? [title] {first}\n"},
                **{"activity_label": first, "ctx_a": f"{second} [step] {first}", "ctx_b": second, "ctx": ""},
                **{"endings": [f"{option} [substeps] {first}" for option in options[:4]], "label": place % 4},
                **{"source_id": "", "split_type": "", "answer": "ABCD"[place % 4], **lettered},
                "split": ["train", "validation", "test"][place % 3],
            }
        )
    return pd.DataFrame(rows)[list(COLUMNS[benchmark])]


@pytest.mark.parametrize("benchmark", FILES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_asked_as_lm_eval_asks_it(manager, language, benchmark):
    assert_equal_requests(manager, benchmark, language, rows_in(language, benchmark), 2)


def test_the_tasks_that_lm_eval_lacks_are_known(manager):
    every = {(benchmark, language) for benchmark in NAMES for language in LANGUAGES}
    assert {pair for pair in every if NAMES[pair[0]].format(pair[1]) not in manager.all_tasks} == LACKING
