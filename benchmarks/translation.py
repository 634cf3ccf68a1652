"""All of Alpaca through the translation, one request at a time and by the Batch API, with what it costs this machine.

    python benchmarks/translation.py                                       52,002 rows into Nepali and German, both ways
    python benchmarks/translation.py --rows 2000 --languages zh+ar --modes sync

Prints one JSON object. The teacher is the offline one on loopback as `offline-rehearsal`, which puts each row into
words of the language without sense, and spoils some answers; so the figures say what the client, the protection of code
and the checks take and let through, and nothing of a translation's quality. Each run is a fresh process with a new
store; CPU time and memory are those of that process, from the tables read to the tables made. `peak_mb_small` is the
peak with a quarter of the rows. `equal_modes`: both ways gave the same tables. `aligned`: kept and rejected ids of
every language are those of the source, each once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from peak_memory import peak_mb

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.pipelines.translation.nodes import translate_instructions
from okapi_kedro.pipelines.translation.translate_rows import TranslationParameters
from okapi_kedro.teacher.account import Account, Price
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.offline.server import REHEARSAL
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore
from okapi_kedro.text.protected_spans import USUAL_KINDS

PROJECT = Path(__file__).parents[1]
ALPACA = PROJECT.parent / "shared" / "data" / "alpaca" / "alpaca_data.json"
PROMPT = PROJECT / "data" / "01_raw" / "prompts" / "translation.txt"
PARAMETERS = TranslationParameters(
    attempts=2,
    temperature=0.0,
    top_p=1.0,
    max_tokens=2048,
    protected=frozenset(USUAL_KINDS),
    most_characters=4000,
    notes="",
)


def tables(path: Path, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Instructions and their splits."""
    records = json.loads(path.read_text(encoding="utf-8"))[:rows]
    instructions = pd.DataFrame(records, dtype="str").assign(id=[f"alpaca-{n}" for n in range(len(records))])
    return instructions, pd.DataFrame({"id": instructions["id"], "split": "sft", "held_out": False})


def teacher_at(base_url: str, mode: str, concurrency: int, folder: Path) -> Teacher:
    store = CompletionStore(folder / "completions")
    endpoint = Endpoint(REHEARSAL, base_url, None, timeout=60.0)
    account = Account(Price(0.5, 1.5), 10_000.0, None, store)
    batch = BatchSettings(poll_seconds=1.0) if mode == "batch" else None
    return Teacher(endpoint, store, account, Pace(None, None), concurrency, retries=5, batch=batch)


def translate(options: argparse.Namespace) -> dict[str, object]:
    """One run, in this process."""
    instructions, splits = tables(options.alpaca, options.rows)
    teacher = teacher_at(options.base_url, options.modes[0], options.concurrency, options.folder)
    before_mb, start = peak_mb(), os.times()
    kept, rejected = translate_instructions(
        instructions, splits, PROMPT.read_text(encoding="utf-8"), teacher, PARAMETERS, options.languages
    )
    end = os.times()
    kept.to_parquet(options.folder / "kept.parquet")
    rejected.to_parquet(options.folder / "rejected.parquet")
    reasons = rejected["reason"].str.replace(r"^(instruction|input|output): ", "", regex=True).value_counts()
    return {
        "cpu_seconds": round(end.user + end.system - start.user - start.system, 1),
        "seconds": round(end.elapsed - start.elapsed, 1),
        "peak_mb": peak_mb(),
        "before_mb": before_mb,
        "rows": len(instructions),
        "kept": len(kept),
        "rejected": len(rejected),
        "again": int((kept["attempts"] > 1).sum()),
        "not_sent": int((kept["attempts"] == 0).sum()),
        "reasons": reasons.head(12).to_dict(),
    }


def run(options: argparse.Namespace, language: str, mode: str, rows: int, folder: Path) -> dict[str, object]:
    """One run in a fresh process, with a fresh teacher."""
    serve = [sys.executable, "-m", "okapi_kedro.teacher.offline", "--port", "0", "--batch-seconds", "1"]
    folder.mkdir()
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            base_url = next(line.split()[1] for line in server.stdout if line.startswith("base_url"))
            arguments = ["--base-url", base_url, "--languages", language, "--modes", mode, "--rows", str(rows)]
            arguments += ["--folder", str(folder), "--alpaca", str(options.alpaca)]
            arguments += ["--concurrency", str(options.concurrency)]
            command = [sys.executable, __file__, *arguments]
            process = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        finally:
            server.terminate()
    if process.returncode:
        sys.exit(process.returncode)
    taken: dict[str, object] = json.loads(process.stdout.splitlines()[-1])
    return taken


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_parquet(folder / "kept.parquet"), pd.read_parquet(folder / "rejected.parquet")


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    languages, result, aligned, equal = options.languages.split("+"), {}, True, True
    ids = sorted(tables(options.alpaca, options.rows)[0]["id"])
    for language in languages:
        made = []
        for mode in options.modes:
            place = folder / f"{language}-{mode}"
            figures = run(options, language, mode, options.rows, place)
            small = run(options, language, mode, options.rows // 4, folder / f"{language}-{mode}-small")
            result[f"{language}_{mode}"] = {**figures, "peak_mb_small": small["peak_mb"]}
            kept, rejected = read(place)
            aligned = aligned and sorted([*kept["id"], *rejected["id"]]) == ids
            made.append((kept, rejected))
        equal = equal and all(all(map(pd.DataFrame.equals, made[0], other)) for other in made[1:])
    return {"rows": len(ids), "aligned": aligned, "equal_modes": equal, **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alpaca", type=Path, default=ALPACA, help="alpaca_data.json")
    parser.add_argument("--rows", type=int, default=52_002)
    parser.add_argument("--languages", default="ne+de", help=f"of {', '.join(LANGUAGES)}")
    parser.add_argument("--modes", nargs="+", choices=["sync", "batch"], default=["sync", "batch"])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.base_url:
        print(json.dumps(translate(options)))
        return
    with tempfile.TemporaryDirectory(prefix="translation-") as name:
        print(json.dumps(measure(options, Path(name))))


if __name__ == "__main__":
    main()
