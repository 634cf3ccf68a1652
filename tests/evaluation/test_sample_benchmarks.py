"""The sample benchmarks: right answers are right, wrong ones are wrong, and every text can be translated."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from okapi_kedro.teacher.offline.benchmarks import ALSO_FITTING, SAMPLES, TOPICS, arc_rows, write_samples
from okapi_kedro.teacher.offline.grammar import CATEGORY_OF, OPPOSITE
from okapi_kedro.teacher.offline.phrasebook import phrasebook, translate

SHIPPED = Path(__file__).parents[2] / "data" / "01_raw" / "benchmarks"
SIZES = {
    "arc": {"train": 10, "test": 100},
    "hellaswag": {"train": 10, "validation": 100},
    "mmlu": {"validation": 20, "test": 100},
}


def _lettered(row):
    return [row[f"option_{letter}"] for letter in "abcd"]


def _options(row):
    return row["endings"] if "endings" in row else _lettered(row)


def _gold(row):
    return int(row["label"]) if "label" in row else "ABCD".index(row["answer"])


def _texts(row):
    columns = ("activity_label", "ctx_a", "ctx") if "ctx_a" in row else ("instruction",)
    return [*(row[column] for column in columns), *_options(row)]


def _rule(kind: str) -> Callable[[dict[str, str], str], bool]:
    """Whether an option (by its key) answers a question with these slots, told from the meaning alone."""
    return {
        "capital": lambda slots, key: key == slots["country"],
        "country": lambda slots, key: key == slots["capital"],
        "opposite": lambda slots, key: key == OPPOSITE[slots["adjective"]],
        "category": lambda slots, key: key == CATEGORY_OF[slots["noun"]],
        "member": lambda slots, key: CATEGORY_OF[key] == slots["category"],
        "odd": lambda slots, key: CATEGORY_OF[key] != slots["category"],
        "latin": lambda slots, key: key == slots["noun"],
        "day_after": lambda slots, key: (int(key) - int(slots["day"])) % 7 == 1,
        "day_before": lambda slots, key: (int(slots["day"]) - int(key)) % 7 == 1,
        "sum": lambda slots, key: int(key) == int(slots["a"]) + int(slots["b"]),
        "spelled": lambda slots, key: key == slots["number"],
    }[kind]


def _right_places(row) -> list[int]:
    """The places of all options that are right."""
    keys = [phrasebook("en").find_terms(text)[0].key for text in _lettered(row)]
    sentence = phrasebook("en").find_sentence(row["instruction"])
    kind = sentence.template.removeprefix("questions.")
    if kind in ("largest", "smallest"):
        extreme = {"largest": max, "smallest": min}[kind](int(key) for key in keys)
        return [place for place, key in enumerate(keys) if int(key) == extreme]
    slots = {slot: terms[0].key for slot, terms in sentence.slots}
    return [place for place, key in enumerate(keys) if _rule(kind)(slots, key)]


@pytest.mark.parametrize("benchmark", SAMPLES)
def test_the_files_in_the_repository_are_what_the_script_writes(benchmark, tmp_path):
    write_samples(tmp_path)
    name = f"{benchmark}/sample.jsonl"
    assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes()


def test_another_seed_draws_other_questions():
    assert arc_rows(1) == arc_rows(1) != arc_rows(2)


@pytest.mark.parametrize("benchmark", SAMPLES)
def test_every_split_has_its_size_and_every_letter_its_share(benchmark):
    rows = SAMPLES[benchmark]()
    assert Counter(row["split"] for row in rows) == SIZES[benchmark]
    for split, size in SIZES[benchmark].items():
        shares = Counter(_gold(row) for row in rows if row["split"] == split)
        assert all(abs(shares[gold] - size / 4) < 1 for gold in range(4))


@pytest.mark.parametrize("benchmark", SAMPLES)
def test_no_question_is_asked_twice_and_no_example_gives_an_answer_away(benchmark):
    rows = SAMPLES[benchmark]()
    asked = [(row.get("ctx") or row["instruction"], _options(row)[_gold(row)]) for row in rows]
    assert len(set(asked)) == len(rows)
    assert len({row.get("id", row.get("ind")) for row in rows}) == len(rows)


@pytest.mark.parametrize("benchmark", ["arc", "mmlu"])
def test_the_gold_option_is_the_only_right_one(benchmark):
    for row in SAMPLES[benchmark]():
        assert _right_places(row) == [_gold(row)], row


def test_the_ending_of_a_situation_is_its_own_and_no_other_would_do():
    english = phrasebook("en")
    for row in SAMPLES["hellaswag"]():
        situation = english.find_terms(row["ctx"])[0].key.split(":")[0]
        endings = [english.find_terms(ending)[0].key for ending in row["endings"]]
        assert endings.pop(_gold(row)) == situation
        assert not {situation, *ALSO_FITTING[situation]} & set(endings)


def test_every_situation_has_a_topic_and_a_list_of_endings_that_fit_too():
    entries = phrasebook("en").entries
    assert set(TOPICS) == set(ALSO_FITTING) == set(entries["situations"]) == set(entries["endings"])
    assert {ending for endings in ALSO_FITTING.values() for ending in endings} <= set(entries["endings"])


def test_mmlu_covers_five_subjects_and_its_first_examples_show_them_all():
    rows = SAMPLES["mmlu"]()
    subjects = {row["id"].split("/")[0] for row in rows if row["split"] == "test"}
    assert subjects == {"geography", "vocabulary", "arithmetic", "calendar", "latin"}
    assert {row["id"].split("/")[0] for row in rows[:5]} == subjects


@pytest.mark.parametrize("language", ["ne", "de"])
@pytest.mark.parametrize("benchmark", SAMPLES)
def test_every_row_can_be_translated_and_its_options_stay_apart(benchmark, language):
    for line in (SHIPPED / f"{benchmark}/sample.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        translated = [translate(text, "en", language) for text in _texts(row)]
        assert all(translated), row
        assert len(set(translated[-4:])) == 4, row
