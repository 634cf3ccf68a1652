"""New instructions by Self-Instruct (Okapi, section 2.1)."""

import hashlib
import logging
import random
from collections.abc import Iterator
from contextlib import closing

import pandas as pd
from pydantic import BaseModel, ConfigDict, PositiveInt

from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.text.instruction_files import COLUMNS
from okapi_kedro.text.instruction_filters import InstructionFilters, reason_to_drop
from okapi_kedro.text.near_duplicates import Match, NearDuplicateIndex
from okapi_kedro.text.numbered_tasks import WrittenTask, read_tasks, write_examples

logger = logging.getLogger(__name__)

DROPPED_COLUMNS = {"id": "str", "reason": "str", "nearest_id": "str", "rouge_l": "float64", "raw": "str"}


class GenerationParameters(BaseModel):
    """How new instructions are asked for and which are kept.

    Args:
        alpaca_rows: rows read from the Alpaca file; None reads all.
        target: new instructions to keep; asking stops when there are as many.
        most_requests: asking stops after this many requests even if the target is not reached.
        requests_ahead: requests asked beyond the one whose tasks are decided on; when the target is reached, the
            answers to these are paid for and not used.
        examples_per_request: seed tasks shown in a request.
        tasks_per_request: examples and new tasks of a request together.
        threshold: a candidate with a ROUGE-L above this to any earlier instruction is dropped.
        filters: which candidates are dropped for their wording.
        temperature, top_p, max_tokens: of the teacher.
    """

    model_config = ConfigDict(extra="forbid")

    alpaca_rows: int | None
    target: int
    most_requests: int
    requests_ahead: PositiveInt
    examples_per_request: int
    tasks_per_request: int
    threshold: float
    filters: InstructionFilters
    temperature: float
    top_p: float
    max_tokens: int


def generate_instructions(
    seeds: pd.DataFrame,
    alpaca: pd.DataFrame,
    prompt: str,
    teacher: Teacher,
    parameters: GenerationParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Asks the teacher for new tasks until enough of them differ from all earlier instructions.

    Returns:
        The new instructions; the candidates that were dropped, each with the reason; and the requests, each with the
        number of candidates that its answer held.
    """
    index = NearDuplicateIndex(parameters.threshold)
    for row in pd.concat([seeds, alpaca]).itertuples():
        index.keep(row.instruction, row.id)
    kept: list[dict[str, object]] = []
    dropped: list[dict[str, object]] = []
    answered: list[dict[str, object]] = []
    requests = _requests(seeds, prompt, parameters, seed)
    with closing(teacher.stream(requests, "generation", "en", parameters.requests_ahead)) as completions:
        for number, completion in enumerate(completions):
            tasks = read_tasks(
                completion.text, parameters.examples_per_request + 1, completion.finish_reason == "length"
            )
            answered.append({"request": number, "candidates": len(tasks)})
            for position, task in enumerate(tasks):
                match = index.find(task.instruction) if not task.problem else None
                reason = (
                    _reason_to_drop(task, match, parameters) if len(kept) < parameters.target else "beyond the target"
                )
                if reason:
                    dropped.append(_dropped_row(f"{number:06d}-{position:02d}", reason, match, task))
                else:
                    kept.append(_generated_row(task))
                    index.keep(task.instruction, str(kept[-1]["id"]))
            if len(kept) >= parameters.target:
                break
    logger.info("Kept %d of %d candidates in %d requests", len(kept), len(kept) + len(dropped), len(answered))
    return (
        pd.DataFrame(kept, columns=COLUMNS, dtype="str"),
        pd.DataFrame(dropped, columns=list(DROPPED_COLUMNS)).astype(DROPPED_COLUMNS),
        pd.DataFrame(answered, columns=["request", "candidates"], dtype="int64"),
    )


def _requests(seeds: pd.DataFrame, prompt: str, parameters: GenerationParameters, seed: int) -> Iterator[Request]:
    examples = seeds[["instruction", "input", "output"]].to_dict("records")
    for number in range(parameters.most_requests):
        yield _request(number, examples, prompt, parameters, seed)


def _request(
    number: int, examples: list[dict[str, str]], prompt: str, parameters: GenerationParameters, seed: int
) -> Request:
    chosen = random.Random(f"{seed}-{number}").sample(examples, parameters.examples_per_request)
    messages = render(prompt, count=str(parameters.tasks_per_request), examples=write_examples(chosen))
    return Request(messages, Sampling(parameters.temperature, parameters.top_p, parameters.max_tokens), sample=number)


def _reason_to_drop(task: WrittenTask, match: Match | None, parameters: GenerationParameters) -> str:
    if task.problem:
        return task.problem
    return reason_to_drop(task.instruction, parameters.filters) or ("near-duplicate" if match else "")


def _dropped_row(id: str, reason: str, match: Match | None, task: WrittenTask) -> dict[str, object]:
    nearest, score = (match.id, match.score) if match else ("", None)
    return {"id": id, "reason": reason, "nearest_id": nearest, "rouge_l": score, "raw": task.raw}


def _generated_row(task: WrittenTask) -> dict[str, object]:
    content = "\x1f".join((task.instruction, task.input, task.output))
    id = f"generated-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    fields = {"instruction": task.instruction, "input": task.input, "output": task.output}
    return {"id": id, "source": "generated", **fields}
