"""A dry run counts what would be asked and neither asks nor saves; limits stop a run and say how to go on."""

import re
import shlex

import pandas as pd
import pytest
import yaml

TRANSLATION = ("run", "--env", "test", "--pipeline=translation", "--params")


@pytest.fixture
def paid(project):
    """The offline teacher as if it cost a dollar per million tokens."""
    catalog = yaml.safe_load((project / "conf" / "base" / "catalog.yml").read_text(encoding="utf-8"))
    teacher = {**catalog["teacher"], "prices": {"offline-teacher": {"prompt": 1.0, "completion": 1.0}}}
    teacher["metadata"] = None
    (project / "conf" / "test" / "catalog.yml").write_text(yaml.safe_dump({"teacher": teacher}), encoding="utf-8")
    return project


def rows(output):
    """The table of a dry run by stage and language: requests, stored, to ask, and the rest."""
    found = re.findall(r"^(\w+) +(\w\w) +([\d,]+) +([\d,]+) +([\d,]+) +(.*)$", output, re.MULTILINE)
    return {(stage, language): tuple(int(n.replace(",", "")) for n in counts) for stage, language, *counts, _ in found}


def test_a_dry_run_counts_and_leaves_nothing_behind(kedro, project):
    result = kedro(*TRANSLATION, "lang=ne,dry_run=true")
    assert result.exit_code == 0, result.output
    counts = rows(result.output)
    requests, stored, to_ask = counts["generation", "en"]
    assert (stored, to_ask) == (0, requests)
    assert requests > 0
    benchmark_rows = sum(
        len((project / "data" / "01_raw" / "benchmarks" / name / "sample.jsonl").read_text("utf-8").splitlines())
        for name in ("arc", "hellaswag", "mmlu")
    )
    assert 0 < counts["translation", "ne"][0] <= benchmark_rows
    assert "translate_instructions, for which answers of generation.generate_instructions" in result.output
    assert "No price is known" in result.output
    assert not list((project / "data").glob("test/**/*.parquet"))
    assert not list((project / "data").glob("test/**/*.jsonl"))


def test_after_the_run_a_dry_run_finds_every_answer(kedro, project):
    assert kedro(*TRANSLATION, "lang=ne").exit_code == 0
    shards = sorted((project / "data" / "test").rglob("*.jsonl"))
    before = [shard.read_bytes() for shard in shards]
    result = kedro(*TRANSLATION, "lang=ne,dry_run=true")
    assert rows(result.output)["translation", "ne"][2] == 0, result.output
    assert [shard.read_bytes() for shard in shards] == before


def test_a_dry_run_prices_by_the_length_of_the_answers_so_far(kedro, paid):
    assert "?" in kedro(*TRANSLATION, "lang=ne,dry_run=true").output
    kedro(*TRANSLATION, "lang=ne,teacher.max_requests=22,generation.target=1000")
    result = kedro(*TRANSLATION, "lang=ne,dry_run=true,teacher.budget_usd=3,generation.target=1000")
    line = next(line for line in result.output.splitlines() if line.startswith("generation"))
    expected, at_most = map(float, line.split()[-2:])
    assert 0 < expected < at_most
    assert re.search(r"\$0\.0\d of the budget of \$3\.00 are spent", result.output)


def test_the_requests_of_a_run_are_limited_and_the_same_command_goes_on(kedro, paid):
    result = kedro(*TRANSLATION, "lang=ne,teacher.max_requests=3")
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert "teacher.max_requests: this run has sent its 3 requests; all answers so far are stored" in last
    assert last.endswith("kedro run --env test --pipeline=translation --params lang=ne,teacher.max_requests=3")


def test_the_budget_stops_a_run_and_the_command_that_it_names_finishes_it(kedro, paid):
    result = kedro(*TRANSLATION, "lang=ne,teacher.budget_usd=0.02")
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert re.search(r"teacher\.budget_usd: \$0\.0\d of \$0\.02 are spent", last)
    for _ in range(12):
        command = shlex.split(last.split("to go on: ")[1])
        result = kedro(*command[1:])
        if result.exit_code == 0:
            break
        last = result.output.strip().splitlines()[-1]
    assert result.exit_code == 0, result.output
    table = paid / "data" / "test" / "02_intermediate" / "ne" / "translated_instructions.parquet"
    assert len(pd.read_parquet(table)) > 50


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("teacher.budget=5", "unknown parameter teacher.budget; known there: base_url, "),
        ("teacher.budget_usd=5", "needs the price of the model"),
        ("dry_run=perhaps", "parameter dry_run"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(kedro, project, setting, said):
    result = kedro(*TRANSLATION, f"lang=ne,{setting}")
    assert result.exit_code != 0
    assert said in result.output.strip().splitlines()[-1]
