"""Our teacher's client against the SDK's own way of asking and against distilabel, in CPU time of the asking process.

    python benchmarks/teacher.py                                  20,000 requests, 3 rounds: about an hour on two cores
    python benchmarks/teacher.py --requests 3000 --rounds 1       some minutes

Prints one JSON object. All ask the offline teacher on loopback, in a process of its own, for the same answers; ours
keeps every answer in a new store, with retries, a price and a budget on. The clients take turns, each run in a fresh
process, and a figure is the median of the rounds. `ratio_*` is requests per CPU second of ours over theirs;
`store_overhead` the share of ours that the store takes. distilabel, in an environment of its own, which is made on
demand, answers fewer requests, since it is slow: `distilabel` is a pipeline of one step, which like ours keeps the
answers, without the time that it takes to start; `distilabel_model` its model alone, which keeps nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median

CLIENTS = Path(__file__).with_name("teacher_clients.py")
DISTILABEL = "1.5.3"
DISTILABEL_REQUESTS = 2_000
LATENCY = 0.01
OURS, WITHOUT_STORE, PIPELINE = "ours", "ours_without_store", "distilabel"

Runs = defaultdict[str, list[dict[str, float]]]


@contextmanager
def offline_teacher() -> Iterator[str]:
    """A fresh one, by its base_url."""
    command = [sys.executable, "-m", "okapi_kedro.teacher.offline", "--port", "0", "--latency", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(line.split()[1] for line in server.stdout if line.startswith("base_url"))
        finally:
            server.terminate()


def ask(python: Path, client: str, count: int, concurrency: int, folder: Path) -> tuple[dict[str, float], list[str]]:
    """What one run takes, and the texts."""
    texts = folder / f"{client}.jsonl"
    with offline_teacher() as base_url:
        command = [str(python), str(CLIENTS), client, base_url, str(count), str(concurrency), str(texts)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)
    if process.returncode:
        sys.exit(process.stderr)
    taken: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    with texts.open(encoding="utf-8") as file:
        return taken, list(file)


def distilabel_python(folder: Path) -> Path:
    """The interpreter of an environment with distilabel and our version of the SDK, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        # The last two it imports without asking for them.
        packages = [f"distilabel[openai]=={DISTILABEL}", f"openai=={version('openai')}", "requests", "pillow"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stdout=sys.stderr)
    return python


def measure(requests: int, rounds: int, concurrency: int, distilabel: Path | None) -> dict[str, object]:
    here = Path(sys.executable)
    plan = [(client, here, requests) for client in (OURS, "bare", "bare_aiohttp", WITHOUT_STORE)]
    if distilabel:
        few = min(requests, DISTILABEL_REQUESTS)
        plan += [("distilabel_model", distilabel, few), (PIPELINE, distilabel, few)]
    runs: Runs = defaultdict(list)
    equal = True
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="teacher-clients-") as name:
            folder = Path(name)
            expected: list[str] = []
            for client, python, count in plan:
                taken, texts = ask(python, client, count, concurrency, folder)
                seconds, batches = taken["cpu_seconds"], count / concurrency
                if client == PIPELINE:
                    seconds -= ask(python, client, concurrency, concurrency, folder)[0]["cpu_seconds"]
                    batches -= 1
                runs[client].append({**taken, "rate": batches * concurrency / seconds})
                expected = expected or texts
                equal = equal and texts == list(islice(expected, len(texts)))
            small, _ = ask(here, OURS, requests // 4, concurrency, folder)
            runs["ours_small"].append(small)
    return {"equal": equal, **figures(runs)}


def figures(runs: Runs) -> dict[str, object]:
    rates = {client: median(run["rate"] for run in runs[client]) for client in runs if client != "ours_small"}
    theirs = [client for client in rates if client not in (OURS, WITHOUT_STORE)]
    return {
        **{f"ratio_{client}": round(rates[OURS] / rates[client], 2) for client in theirs},
        "store_overhead": round(1 - rates[OURS] / rates[WITHOUT_STORE], 3),
        "peak_mb": round(median(run["peak_mb"] for run in runs[OURS]), 1),
        "peak_mb_small": round(median(run["peak_mb"] for run in runs["ours_small"]), 1),
        "requests_per_cpu_second": {client: round(rate) for client, rate in rates.items()},
        "rounds": {client: [round(run["rate"]) for run in runs[client]] for client in rates},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--without-distilabel", action="store_true")
    parser.add_argument("--distilabel-venv", type=Path, default=Path.home() / ".cache/okapi-kedro/distilabel-1.5.3")
    options = parser.parse_args()
    distilabel = None if options.without_distilabel else distilabel_python(options.distilabel_venv)
    result: dict[str, object] = {
        "requests": options.requests,
        "latency": LATENCY,
        "versions": {name: version(name) for name in ("openai", "aiohttp", "httpx2")}
        | {"python": sys.version.split()[0]},
    }
    if distilabel:
        result |= {"distilabel_requests": min(options.requests, DISTILABEL_REQUESTS), "distilabel": DISTILABEL}
    for concurrency in options.concurrency:
        result[f"concurrency_{concurrency}"] = measure(options.requests, options.rounds, concurrency, distilabel)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
