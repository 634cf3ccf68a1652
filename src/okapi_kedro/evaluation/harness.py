"""Scores of a language model on benchmark tables, by lm-eval's tasks; every context goes through the model once."""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import cast

import pandas as pd
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.shared_context import SharedContextLM
from okapi_kedro.evaluation.standard_error import standard_error
from okapi_kedro.evaluation.tasks import Benchmark, benchmark_task

METRICS = ("acc", "acc_norm")


def evaluate_model(
    model_path: str,
    tables: Mapping[str, pd.DataFrame],
    shots: Mapping[str, int],
    *,
    batch_size: int,
    max_questions: int | None,
    seed: int,
) -> pd.DataFrame:
    """Accuracy of a saved model on benchmark tables; the same call gives the same numbers.

    Args:
        model_path: a `save_pretrained` folder with its tokenizer, or a model's name.
        tables: one table per benchmark (arc, hellaswag, mmlu), see `benchmark_task`.
        shots: solved examples before each question, per benchmark.
        batch_size: contexts per forward pass; fixed, since "auto" would let the numbers depend on the machine.
        max_questions: score only so many questions of a benchmark, drawn by the seed; None for all.
        seed: draws these questions; nothing else is random.

    Returns:
        One row per benchmark and metric (acc, acc_norm): task, metric, shots, value, stderr, n, and truncated, the
        number of questions that did not fit into the model and lost text on the left.

    Raises:
        UserError: for a model that cannot be loaded, a benchmark without shots, and broken tables.
    """
    with _only_errors("lm_eval"):
        tasks = {name: _task(name, table, shots) for name, table in tables.items()}
        model = load_model(model_path, batch_size)
        rows = [score_task(model, name, task, max_questions, seed) for name, task in tasks.items()]
    return pd.DataFrame(list(chain.from_iterable(rows)))


def load_model(model_path: str, batch_size: int) -> SharedContextLM:
    """A saved model as lm-eval's model: its own number format, softmax in float32, no BOS before the text.

    Raises:
        UserError: when there is no such model.
    """
    try:
        model = cast(torch.nn.Module, AutoModelForCausalLM.from_pretrained(model_path, dtype="auto"))
        tokenizer = AutoTokenizer.from_pretrained(model_path)
    except OSError as error:
        raise UserError(f"cannot load a model from {model_path}: {str(error).splitlines()[0]}") from error
    return SharedContextLM(
        pretrained=model.to("cuda" if torch.cuda.is_available() else "cpu"),
        tokenizer=tokenizer,
        backend="causal",
        batch_size=batch_size,
        softmax_dtype="float32",
        add_bos_token=False,
    )


def score_task(
    model: HFLM, name: str, task: ConfigurableTask, max_questions: int | None, seed: int
) -> list[dict[str, object]]:
    """The result rows of one benchmark, one per metric; columns as in `evaluate_model`.

    lm-eval's `simple_evaluate` runs the same three steps (requests, log-likelihoods, metrics), but around them it
    prints progress bars, reseeds every generator of the process and asks git and pip about the machine.

    Args:
        model: the model to score.
        name: the benchmark's name in the rows.
        task: the benchmark with its shots.
        max_questions: score only so many, drawn by the seed; None for all.
        seed: draws them.
    """
    shots = task.config.num_fewshot
    asked = [
        task.construct_requests(task.eval_docs[place], task.fewshot_context(task.eval_docs[place], shots))
        for place in _drawn(len(task.eval_docs), max_questions, seed)
    ]
    answers = iter(model.loglikelihood(list(chain.from_iterable(asked)), disable_tqdm=True))
    scores = [task.process_results(options[0].doc, [next(answers) for _ in options]) for options in asked]
    n = len(scores)
    truncated = sum(any(_overflows(model, option) for option in options) for options in asked)
    shares = {metric: sum(score[metric] for score in scores) / n for metric in METRICS}
    return [
        {
            "task": name,
            "metric": metric,
            "shots": shots,
            "value": share,
            "stderr": standard_error(share, n),
            "n": n,
            "truncated": truncated,
        }
        for metric, share in shares.items()
    ]


def _task(name: str, table: pd.DataFrame, shots: Mapping[str, int]) -> ConfigurableTask:
    if name not in shots:
        raise UserError(f"no number of shots for the benchmark {name!r}; set one, 0 for none")
    return benchmark_task(cast(Benchmark, name), table, shots[name])


def _drawn(questions: int, most: int | None, seed: int) -> list[int]:
    """Places of the questions to score, in the table's order."""
    if most is None or most >= questions:
        return list(range(questions))
    return sorted(random.Random(seed).sample(range(questions), most))


def _overflows(model: HFLM, request: Instance) -> bool:
    """Whether text and option together are too long, so that HFLM cuts the text; the last token is never fed."""
    tokens: list[int] = model.tok_encode("".join(request.args))
    return bool(len(tokens) - 1 > model.max_length)


@contextmanager
def _only_errors(logger: str) -> Iterator[None]:
    """Let a logger through only from the level of errors on, for the time being."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
