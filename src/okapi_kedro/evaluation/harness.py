"""A language model's answers to benchmark tables, by lm-eval's tasks; every context goes through the model once."""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import cast

import numpy as np
import pandas as pd
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.prompt_styles import STYLES, Style
from okapi_kedro.evaluation.shared_context import SharedContextLM
from okapi_kedro.evaluation.tasks import Benchmark, benchmark_task


def evaluate_model(
    model_path: str,
    tables: Mapping[str, pd.DataFrame],
    shots: Mapping[str, int],
    *,
    style: Style,
    batch_size: int,
    max_questions: int | None,
    seed: int,
) -> pd.DataFrame:
    """A saved model's answers to benchmark tables; the same call gives the same numbers.

    Args:
        model_path: a `save_pretrained` folder with its tokenizer, or a model's name.
        tables: one table per benchmark (arc, hellaswag, mmlu), see `benchmark_task`.
        shots: solved examples before each question, per benchmark.
        style: how the questions are asked, see `prompt_styles`.
        batch_size: contexts per forward pass; fixed, since "auto" would let the numbers depend on the machine.
        max_questions: ask only so many questions of a benchmark, drawn by the seed; None for all.
        seed: draws these questions.

    Returns:
        One row per question, see `answer_task`; what it makes of them: `scores_of`.

    Raises:
        UserError: for a model that cannot be loaded, a benchmark without shots, and broken tables.
    """
    with _only_errors("lm_eval"):
        tasks = {name: _task(name, table, shots, style) for name, table in tables.items()}
        model = load_model(model_path, batch_size, STYLES[style].add_bos)
        rows = [answer_task(model, name, task, max_questions, seed) for name, task in tasks.items()]
    return pd.DataFrame(list(chain.from_iterable(rows)))


def load_model(model_path: str, batch_size: int, add_bos: bool | None) -> SharedContextLM:
    """A saved model as lm-eval's model: its own number format, softmax in float32.

    Args:
        model_path: a `save_pretrained` folder with its tokenizer, or a model's name.
        batch_size: contexts per forward pass.
        add_bos: whether a BOS stands before the text; None leaves it to the tokenizer.

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
        add_bos_token=add_bos,
    )


def answer_task(
    model: HFLM, name: str, task: ConfigurableTask, max_questions: int | None, seed: int
) -> list[dict[str, object]]:
    """The model's answers to one benchmark, a row for each question.

    lm-eval's `simple_evaluate` asks the same requests, but around them it prints progress bars, reseeds every generator
    of the process and asks git and pip about the machine.

    Args:
        model: the model to ask.
        name: the benchmark's name in the rows.
        task: the benchmark with its shots.
        max_questions: ask only so many, drawn by the seed; None for all.
        seed: draws them.

    Returns:
        task, id, shots; gold, the place of the right option; chosen, that of the likeliest (its accuracy is `acc`), and
        chosen_norm, that of the likeliest per character (`acc_norm`); the options' log_likelihoods; and truncated,
        whether the question did not fit into the model and lost text on the left.
    """
    shots = task.config.num_fewshot
    asked = [
        task.construct_requests(task.eval_docs[place], task.fewshot_context(task.eval_docs[place], shots))
        for place in _drawn(len(task.eval_docs), max_questions, seed)
    ]
    answers = iter(model.loglikelihood(list(chain.from_iterable(asked)), disable_tqdm=True))
    return [
        {
            "task": name,
            "id": options[0].doc["id"],
            "shots": shots,
            **_chosen(options[0].doc, [next(answers)[0] for _ in options]),
            "truncated": any(_overflows(model, option) for option in options),
        }
        for options in asked
    ]


def _chosen(question: Mapping[str, list[str]], log_likelihoods: list[float]) -> dict[str, object]:
    """The right option, those that the model prefers, and how likely it finds each; of equal ones the first."""
    characters = [len(choice) for choice in question["choices"]]
    return {
        "gold": question["gold"],
        "chosen": int(np.argmax(log_likelihoods)),
        "chosen_norm": int(np.argmax(np.divide(log_likelihoods, characters))),
        "log_likelihoods": log_likelihoods,
    }


def _task(name: str, table: pd.DataFrame, shots: Mapping[str, int], style: Style) -> ConfigurableTask:
    if name not in shots:
        raise UserError(f"no number of shots for the benchmark {name!r}; set one, 0 for none")
    return benchmark_task(cast(Benchmark, name), table, shots[name], style)


def _drawn(questions: int, most: int | None, seed: int) -> list[int]:
    """Places of the questions to ask, in the table's order."""
    if most is None or most >= questions:
        return list(range(questions))
    return sorted(random.Random(seed).sample(range(questions), most))


def _overflows(model: HFLM, request: Instance) -> bool:
    """Whether text and option together are too long, so that the text is cut; the last token is never fed."""
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
