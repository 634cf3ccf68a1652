"""Scoring with each context encoded once, beside lm-eval's HFLM, which encodes it for every option.

    python benchmarks/evaluation.py --data FOLDER                     arc/*.jsonl, hellaswag/*.jsonl, mmlu/*/*.csv
    python benchmarks/evaluation.py --data FOLDER --questions 40 --rounds 3

Prints one JSON object. Both score the same real questions with the same batch size, in turns, in float32 on one thread,
with a BLOOM and a LLaMA of random weights and a tokenizer trained on the rows; what they cost is the CPU time of the
log-likelihoods alone, the least of the rounds. The number after a benchmark is that of its shots: drawn for each
question in ARC and HellaSwag, the same for all in MMLU and in `shared`, where the gain grows with the questions.

`ratio` is HFLM's CPU time to ours. It has two causes: fewer tokens go through the blocks (`fed_ratio`, padding
included), and HFLM runs the output layer and a softmax for every token, we for those of the options. The second is
worth the more, the larger the vocabulary is beside the blocks: `head_share` is its part of a token's work, 0.15 in
BLOOM-7B1 and 0.02 in LLaMA-7B. `peak_mb` and `peak_mb_hflm` are what the process grew by at its peak. `same_scores`
says that acc and acc_norm of every question and all greedy flags are equal. `last_places` is the largest difference in
units of a float32's last place, which is 0.00012 beyond 1,024; long options come there, as random weights find any of
32,000 tokens as unlikely as the others. Options that are too long with their context, `truncated_options`, each lose
another part of it, so there is little to share.
"""

import argparse
import ctypes
import gc
import json
import logging
import os
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import torch
from lm_eval.models.huggingface import HFLM
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from okapi_kedro.evaluation.benchmark_files import read_benchmark
from okapi_kedro.evaluation.shared_context import SharedContextLM
from okapi_kedro.evaluation.tasks import benchmark_task
from okapi_kedro.training.pretraining import train_tokenizer

FILES = {"arc": "arc/*.jsonl", "hellaswag": "hellaswag/*.jsonl", "mmlu": "mmlu/*/*.csv"}
# benchmark, shots, style, and how many times as many questions are asked as in the others
CASES = {
    "arc_25": ("arc", 25, "harness", 1),
    "hellaswag_0": ("hellaswag", 0, "harness", 12),
    "hellaswag_10": ("hellaswag", 10, "harness", 1),
    "mmlu_5": ("mmlu", 5, "okapi", 1),
    "mmlu_25": ("mmlu", 25, "okapi", 1),
    "arc_25_shared": ("arc", 25, "okapi", 3),
}
TOKENIZER_ROWS = 2000
WINDOW = 2048


def real_rows(folder: Path, benchmark: Any) -> pd.DataFrame:
    files = {str(path): path.read_text(encoding="utf-8") for path in sorted(folder.glob(FILES[benchmark]))}
    return read_benchmark(benchmark, files, None, seed=0)[0]


def tokenizer_of(tables: dict[str, pd.DataFrame], vocabulary: int) -> PreTrainedTokenizerFast:
    texts = [
        text
        for table in tables.values()
        for row in table.sample(min(TOKENIZER_ROWS, len(table)), random_state=0).to_dict("records")
        for value in row.values()
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    ]
    return train_tokenizer(texts, vocabulary)


def random_model(architecture: str, vocabulary: int, options: argparse.Namespace) -> PreTrainedModel:
    torch.manual_seed(0)
    hidden, layers = options.hidden, options.layers
    common = {"vocab_size": vocabulary, "hidden_size": hidden}
    if architecture == "bloom":
        config = BloomConfig(**common, n_layer=layers, n_head=hidden // 64)
        return BloomForCausalLM(config).eval()
    return LlamaForCausalLM(
        LlamaConfig(
            **common,
            intermediate_size=8 * hidden // 3,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
        )
    ).eval()


def head_share(model: PreTrainedModel) -> float:
    head = model.get_output_embeddings().weight.numel()
    body = sum(weights.numel() for weights in model.parameters() if weights is not model.get_input_embeddings().weight)
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    return round(head / (body + head * tied), 2)


def resident_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1000


@dataclass(frozen=True)
class Run:
    """Answers, what they took in CPU seconds, what the process grew by at its peak, tokens fed with their padding."""

    answers: list[tuple[float, bool]]
    seconds: float
    peak_mb: float
    fed: int


def scored(model: HFLM, requests: list[Any]) -> Run:
    fed: list[int] = []
    hook = model.model.get_input_embeddings().register_forward_hook(lambda _, ids, __: fed.append(ids[0].numel()))
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, start = resident_mb("VmRSS"), time.process_time()
    answers = model.loglikelihood(requests, disable_tqdm=True)
    seconds, peak = time.process_time() - start, resident_mb("VmHWM") - before
    hook.remove()
    return Run(answers, seconds, peak, sum(fed))


def results_of(task: Any, asked: list[list[Any]], answers: list[tuple[float, bool]]) -> list[dict[str, float]]:
    """What lm-eval makes of the answers: acc and acc_norm of each question."""
    places = iter(answers)
    return [task.process_results(options[0].doc, [next(places) for _ in options]) for options in asked]


def measure(models: dict[str, HFLM], table: pd.DataFrame, case: str, questions: int, rounds: int) -> dict[str, Any]:
    benchmark, shots, style, times = CASES[case]
    task = benchmark_task(benchmark, table, shots, style)  # type: ignore[arg-type]
    docs = task.eval_docs.shuffle(seed=0).select(range(times * questions))
    asked = [task.construct_requests(doc, task.fewshot_context(doc, shots)) for doc in docs]
    requests = list(chain.from_iterable(asked))
    runs: dict[str, list[Run]] = {name: [] for name in models}
    for number in range(rounds):
        for name in sorted(models, reverse=bool(number % 2)):
            runs[name].append(scored(models[name], requests))
    ours, theirs = runs["ours"], runs["hflm"]
    answers, expected = ours[0].answers, theirs[0].answers
    exact = np.array([value for value, _ in expected])
    differences = np.abs(np.array([value for value, _ in answers]) - exact)
    tokens = [len(models["ours"].tok_encode("".join(request.args))) for request in requests]
    return {
        "ratio": round(min(run.seconds for run in theirs) / min(run.seconds for run in ours), 2),
        "fed_ratio": round(theirs[0].fed / ours[0].fed, 2),
        "cpu_seconds": round(min(run.seconds for run in ours), 2),
        "peak_mb": round(max(run.peak_mb for run in ours), 1),
        "peak_mb_hflm": round(max(run.peak_mb for run in theirs), 1),
        "max_abs_difference": float(differences.max()),
        "last_places": float((differences / np.spacing(np.abs(exact).astype(np.float32))).max()),
        "same_scores": results_of(task, asked, answers) == results_of(task, asked, expected)
        and [greedy for _, greedy in answers] == [greedy for _, greedy in expected],
        "options": len(requests),
        "tokens_of_an_option_with_its_context": round(sum(tokens) / len(tokens)),
        "truncated_options": sum(count - 1 > WINDOW for count in tokens),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=2, help="of each case; some ask more, see CASES")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--architectures", nargs="+", default=["bloom", "llama"], choices=["bloom", "llama"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    tables = {name: real_rows(options.data, name) for name in FILES}
    tokenizer = tokenizer_of(tables, options.vocabulary)
    result: dict[str, Any] = {"questions": options.questions, "batch": options.batch, "vocabulary": len(tokenizer)}
    for architecture in options.architectures:
        model = random_model(architecture, len(tokenizer), options)
        settings = {
            "pretrained": model,
            "tokenizer": tokenizer,
            "backend": "causal",
            "batch_size": options.batch,
            "max_length": WINDOW,
            "softmax_dtype": "float32",
            "add_bos_token": False,
        }
        models = {"hflm": HFLM(**settings), "ours": SharedContextLM(**settings)}
        cases = {
            case: measure(models, tables[CASES[case][0]], case, options.questions, options.rounds)
            for case in options.cases
        }
        result[architecture] = {"head_share": head_share(model), **cases}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
