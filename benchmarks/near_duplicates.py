"""Our near-duplicate index against rouge_score as Stanford Alpaca uses it, on one core.

    python benchmarks/near_duplicates.py                                 about ten minutes
    python benchmarks/near_duplicates.py --alpaca FILE --candidates 10000 --rounds 1

Prints one JSON object. The job is that of the paper: 106,000 candidates, one after the other, against all 52,002
instructions of Stanford Alpaca's file and the candidates kept so far. No such candidates are at hand, so they are made
of Alpaca's instructions: a quarter are one with a few words changed, the others one's opening with another's end.
`seconds` is CPU time for the whole job, texts to decisions; `rouge_score_hours` that of rouge_score on 2,000 texts
spread over the job, every pair of them, times the job's pairs. Both are measured in turns, in processes of their own;
figures are the medians of the rounds. `decisions_equal` compares 5,000 decisions, and scores of exactly 0.7, with
rouge_score's own; `exponent` is the growth of our time from half of all texts, from scratch, to all.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from peak_memory import peak_mb
from rouge_score import rouge_scorer

from okapi_kedro.text.near_duplicates import NearDuplicateIndex

THRESHOLD = 0.7
ALPACA = Path(__file__).parents[2] / "shared" / "data" / "alpaca" / "alpaca_data.json"
SAMPLE = 2_000
CHECKED = 5_000
GROUP = 1_000
"""Decisions that are compared in one go; each is made on all kept texts of its group."""


def instructions(path: Path) -> list[str]:
    return [row["instruction"] for row in json.loads(path.read_text(encoding="utf-8"))]


def candidates(real: list[str], count: int, seed: int = 1) -> Iterator[str]:
    rng = random.Random(seed)
    split = [words for words in map(str.split, real) if words]
    vocabulary = [word for words in split for word in words]
    for _ in range(count):
        if rng.random() < 0.25:
            yield " ".join(reworded(rng.choice(split), vocabulary, rng))
        else:
            first, second = rng.choice(split), rng.choice(split)
            opening, end = first[: math.ceil(len(first) * rng.uniform(0.3, 0.7))], second[len(second) // 2 :]
            yield " ".join(reworded(opening + end, vocabulary, rng))


def reworded(words: list[str], vocabulary: list[str], rng: random.Random) -> list[str]:
    """Up to four words replaced, put in or left out."""
    changed = list(words)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        changed[place : place + rng.randint(0, 1)] = rng.choices(vocabulary, k=rng.randint(0, 1))
    return changed


def decide(index: NearDuplicateIndex, texts: Iterable[str]) -> list[tuple[str, float] | None]:
    matches = [index.add(text, str(number)) for number, text in enumerate(texts)]
    return [(match.id, match.score) if match else None for match in matches]


def decide_by_rouge_score(texts: list[str]) -> list[tuple[str, float] | None]:
    """The nearest kept text above the threshold, by comparing with all of them: Alpaca's loop, without its pool."""
    tokenizer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)._tokenizer
    kept: list[tuple[str, list[str]]] = []
    decisions: list[tuple[str, float] | None] = []
    for number, text in enumerate(texts):
        tokens = tokenizer.tokenize(text)
        scores = [rouge_scorer._score_lcs(tokens, other).fmeasure for _, other in kept]
        score = max(scores, default=0.0)
        near = score > THRESHOLD
        decisions.append((kept[scores.index(score)][0], score) if near else None)
        if not near:
            kept.append((str(number), tokens))
    return decisions


def at_the_threshold() -> Iterator[list[str]]:
    """Pairs of texts in every way to reach 2 LCS / (m + n) = 7/10 with up to 100 words in all."""
    for common in range(7, 36, 7):
        total = 20 * common // 7
        for first in range(common, total - common + 1):
            shared = [f"c{number}" for number in range(common)]
            own = [f"a{number}" for number in range(first - common)]
            others = [f"b{number}" for number in range(total - first - common)]
            yield [" ".join(shared + own), " ".join(others + shared)]


def compare_decisions(real: list[str]) -> dict[str, Any]:
    """Decisions on texts among which many are close, against rouge_score's."""
    rng = random.Random(3)
    vocabulary = [word for text in real for word in text.split()]
    groups = list(at_the_threshold())
    edges = len(groups)
    for _ in range(CHECKED // GROUP):
        originals = rng.sample(real, GROUP // 2)
        close = [" ".join(reworded(rng.choice(originals).split(), vocabulary, rng)) for _ in originals]
        groups.append(rng.sample(originals + close, GROUP))
    ours = [decide(NearDuplicateIndex(THRESHOLD), texts) for texts in groups]
    theirs = [decide_by_rouge_score(texts) for texts in groups]
    return {
        "decisions_equal": ours == theirs,
        "decisions": sum(map(len, ours)),
        "decisions_at_exactly_the_threshold": edges,
        "near_duplicates_among_them": sum(decision is not None for group in ours for decision in group),
    }


def run_ours(real: list[str], count: int) -> dict[str, float]:
    made = list(candidates(real, count))
    start = time.process_time()
    index = NearDuplicateIndex(THRESHOLD)
    for number, text in enumerate(real):
        index.keep(text, f"alpaca-{number}")
    pairs = dropped = 0
    for text in made:
        pairs += len(index)
        dropped += index.add(text) is not None
    return {"seconds": time.process_time() - start, "pairs": pairs, "dropped": dropped, "peak_mb": peak_mb()}


def run_rouge_score(real: list[str], count: int) -> dict[str, float]:
    job = [*real, *candidates(real, count)]
    tokenizer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)._tokenizer
    tokens = [tokenizer.tokenize(text) for text in job[:: len(job) // SAMPLE][:SAMPLE]]
    start = time.process_time()
    for place, own in enumerate(tokens):
        max((rouge_scorer._score_lcs(own, other).fmeasure for other in tokens[:place]), default=0.0)
    return {"seconds": time.process_time() - start, "pairs": len(tokens) * (len(tokens) - 1) / 2}


def run_growth(real: list[str], count: int) -> dict[str, float]:
    job = [*real, *candidates(real, count)]
    random.Random(1).shuffle(job)
    seconds = []
    for size in (len(job) // 2, len(job)):
        start = time.process_time()
        decide(NearDuplicateIndex(THRESHOLD), job[:size])
        seconds.append(time.process_time() - start)
    return {"exponent": math.log2(seconds[1] / seconds[0])}


RUNS: dict[str, Callable[[list[str], int], dict[str, float]]] = {
    "ours": run_ours,
    "rouge_score": run_rouge_score,
    "growth": run_growth,
}


def in_a_process(run: str, alpaca: Path, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--alpaca", str(alpaca), "--candidates", str(count), "--run", run]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    taken: dict[str, float] = json.loads(process.stdout)
    return taken


def measure(alpaca: Path, count: int, rounds: int) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {run: [] for run in RUNS}
    for _ in range(rounds):
        for run, taken in runs.items():
            taken.append(in_a_process(run, alpaca, count))
    ours = runs["ours"][0]
    seconds = median(run["seconds"] for run in runs["ours"])
    a_pair = median(run["seconds"] / run["pairs"] for run in runs["rouge_score"])
    return {
        "ratio": round(a_pair * ours["pairs"] / seconds),
        "seconds": round(seconds, 2),
        "peak_mb": round(max(run["peak_mb"] for run in runs["ours"])),
        "exponent": round(median(run["exponent"] for run in runs["growth"]), 2),
        "rouge_score_hours": round(a_pair * ours["pairs"] / 3600, 1),
        "rouge_score_microseconds_a_pair": round(a_pair * 1e6, 1),
        "pairs": int(ours["pairs"]),
        "candidates": count,
        "dropped": int(ours["dropped"]),
        "rounds": [round(run["seconds"], 2) for run in runs["ours"]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alpaca", type=Path, default=ALPACA, help="Stanford Alpaca's alpaca_data.json")
    parser.add_argument("--candidates", type=int, default=106_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", choices=RUNS, help="only this, in this process")
    options = parser.parse_args()
    if not options.alpaca.exists():
        parser.error(f"{options.alpaca} does not exist; give Stanford Alpaca's file by --alpaca")
    real = instructions(options.alpaca)
    if options.run:
        print(json.dumps(RUNS[options.run](real, options.candidates)))
    else:
        result = compare_decisions(real) | measure(options.alpaca, options.candidates, options.rounds)
        print(json.dumps(result))


if __name__ == "__main__":
    main()
