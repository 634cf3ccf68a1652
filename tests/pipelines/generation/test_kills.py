"""Five thousand instructions through a faulty endpoint and two kills: the tables of an undisturbed run."""

import multiprocessing
import random
from pathlib import Path

import pandas as pd

from okapi_kedro.pipelines.generation.self_instruct import generate_instructions
from okapi_kedro.teacher import retries
from okapi_kedro.teacher.offline.fault_plan import FaultPlan

from ...teacher.endpoint import teacher_at
from ...teacher.killing import kill_at
from ...teacher.running_server import counts, running_server
from ..teachers import prompt
from .test_self_instruct import parameters, rows_of

TARGET = 5_000
MUCH_GOES_WRONG = FaultPlan(
    rate_limited=0.05,
    rate_limited_with_delay=0.05,
    server_error=0.05,
    reset=0.05,
    refused_body=0.05,
    broken_json=0.05,
    duplicate_id=0.05,
    retry_after=0.05,
    shuffle_seconds=0.05,
)
# The grammar's tasks are too much alike for the paper's threshold; half of the examples come from what was kept, so
# that a request depends on all answers before it.
SETTINGS = parameters(
    target=TARGET,
    most_requests=2_000,
    requests_ahead=16,
    threshold=0.9,
    tasks_per_request=20,
    kept_examples=1,
    max_tokens=3072,
)


def generate(base_url: str, folder: Path) -> None:
    retries.FIRST_DELAY = 0.02
    teacher = teacher_at(base_url, folder / "store", concurrency=16, retries=20)
    seeds, alpaca, human = rows_of("seed", 100, 1), rows_of("alpaca", 100, 2), rows_of("human", 10, 3)
    tables = generate_instructions(seeds, alpaca, human, prompt("generation"), teacher, SETTINGS, seed=1)
    for name, table in zip(("kept", "dropped", "requests"), tables, strict=True):
        table.to_parquet(folder / f"{name}.parquet")


def start(base_url: str, folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=generate, args=(base_url, folder))
    process.start()
    return process


def run_to_the_end(base_url: str, folder: Path) -> dict[str, bytes]:
    process = start(base_url, folder)
    process.join()
    assert process.exitcode == 0
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_faults_and_kills_change_nothing_and_no_stored_answer_is_asked_again(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    killed.mkdir()
    with running_server() as base_url:
        expected = run_to_the_end(base_url, undisturbed)
    assert len(pd.read_parquet(undisturbed / "kept.parquet")) == TARGET
    whole = (undisturbed / "store" / "generation.en.jsonl").stat().st_size
    shard, rng = killed / "store" / "generation.en.jsonl", random.Random(5)
    with running_server(MUCH_GOES_WRONG) as base_url:
        for share in (rng.uniform(0.1, 0.4), rng.uniform(0.5, 0.9)):
            kill_at(start(base_url, killed), shard, int(share * whole))
        assert run_to_the_end(base_url, killed) == expected
        faults = counts(base_url)["faults"]
    assert all(faults[name] > 0 for name in ("rate_limited", "server_error", "reset", "broken_json"))
