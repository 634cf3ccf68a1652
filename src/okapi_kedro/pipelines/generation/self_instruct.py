"""New instructions by Self-Instruct (Okapi, section 2.1)."""

import hashlib
import logging
import random
from collections import Counter
from contextlib import closing
from typing import Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Request, Sampling
from okapi_kedro.teacher.prompts import render
from okapi_kedro.text.instruction_files import COLUMNS
from okapi_kedro.text.instruction_filters import InstructionFilters, reason_to_drop
from okapi_kedro.text.near_duplicates import Match, NearDuplicateIndex
from okapi_kedro.text.numbered_tasks import WrittenTask, read_tasks, write_examples

logger = logging.getLogger(__name__)

DROPPED_COLUMNS = {"id": "str", "reason": "str", "nearest_id": "str", "rouge_l": "float64", "raw": "str"}
Row = dict[str, str]


class GenerationParameters(BaseModel):
    """How new instructions are asked for and which are kept.

    Args:
        target: new instructions to keep; asking stops when there are as many.
        most_requests: asking stops after this many requests even if the target is not reached.
        requests_ahead: requests asked beyond the one whose tasks are decided on; when the target is reached, the
            answers to these are paid for and not used.
        examples_per_request: tasks shown in a request.
        kept_examples: so many of them are drawn from what was kept before, as soon as there is enough; the others are
            seed tasks. Self-Instruct takes 2 of 8 (section 2.2), Okapi and Alpaca none.
        tasks_per_request: examples and new tasks of a request together.
        threshold: a candidate with a ROUGE-L above this to any earlier instruction is dropped.
        filters: which candidates are dropped for their wording.
        temperature, top_p, max_tokens: of the teacher.
    """

    model_config = ConfigDict(extra="forbid")

    target: int
    most_requests: int
    requests_ahead: PositiveInt
    examples_per_request: int
    kept_examples: int = Field(ge=0)
    tasks_per_request: int
    threshold: float
    filters: InstructionFilters
    temperature: float
    top_p: float
    max_tokens: int

    @model_validator(mode="after")
    def _examples_are_examples(self) -> Self:
        if self.kept_examples > self.examples_per_request:
            raise ValueError("kept_examples are some of examples_per_request: there cannot be more of them")
        return self


def generate_instructions(
    seeds: pd.DataFrame,
    alpaca: pd.DataFrame,
    human: pd.DataFrame,
    prompt: str,
    teacher: Teacher,
    parameters: GenerationParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Asks the teacher for new tasks until enough of them differ from all earlier instructions.

    Raises:
        UserError: when there are fewer seeds than a request shows.

    Returns:
        The new instructions; the candidates that were dropped, each with the reason; and the requests, each with the
        number of candidates that its answer held.
    """
    if len(seeds) < parameters.examples_per_request:
        raise UserError(
            f"seed_tasks: {len(seeds)} usable tasks, where generation.examples_per_request asks for "
            f"{parameters.examples_per_request}; write more, or ask for less"
        )
    selection = _Selection(pd.concat([seeds, alpaca, human]), parameters)
    examples = seeds[["instruction", "input", "output"]].to_dict("records")
    requests = (_request(number, examples, selection, prompt, seed) for number in range(parameters.most_requests))
    first = parameters.examples_per_request + 1
    with closing(teacher.stream(requests, "generation", "en", parameters.requests_ahead)) as completions:
        for completion in completions:
            selection.take(read_tasks(completion.text, first, completion.finish_reason == "length"))
            if selection.is_complete:
                break
    logger.info(selection.told())
    return selection.tables()


class _Selection:
    """The candidates so far, decided on one after the other.

    Args:
        earlier: the instructions that candidates have to differ from.
        parameters: what is kept.
    """

    def __init__(self, earlier: pd.DataFrame, parameters: GenerationParameters) -> None:
        self.parameters = parameters
        self._index = NearDuplicateIndex(parameters.threshold)
        for row in earlier.itertuples():
            self._index.keep(row.instruction, row.id)
        self._kept: list[Row] = []
        self._kept_by_then: list[int] = []
        self._dropped: list[dict[str, object]] = []
        self._candidates: list[int] = []

    @property
    def is_complete(self) -> bool:
        return len(self._kept) >= self.parameters.target

    def take(self, tasks: list[WrittenTask]) -> None:
        """Decides on the candidates of the next answer."""
        for position, task in enumerate(tasks):
            match = self._index.find(task.instruction) if not task.problem else None
            if reason := self._reason_to_drop(task, match):
                id = f"{len(self._candidates):06d}-{position:02d}"
                self._dropped.append(_dropped_row(id, reason, match, task))
            else:
                row = _generated_row(task)
                self._kept.append(row)
                self._index.keep(task.instruction, row["id"])
        self._candidates.append(len(tasks))
        self._kept_by_then.append(len(self._kept))

    def kept_before(self, request: int, count: int, rng: random.Random) -> list[Row]:
        """Draws from what was kept of the answers that are decided on for certain when a request is made.

        The `requests_ahead` answers before it may come sooner or later: what they hold is left out, so that a request
        is the same in every run. As long as there is not enough, nothing is drawn.
        """
        decided = min(request - self.parameters.requests_ahead, len(self._kept_by_then))
        kept = self._kept_by_then[decided - 1] if decided > 0 else 0
        return [self._kept[place] for place in rng.sample(range(kept), count)] if kept >= count else []

    def told(self) -> str:
        """What became of the candidates, in a line."""
        reasons = Counter(str(row["reason"]) for row in self._dropped).most_common()
        return (
            f"Generation: kept {len(self._kept):,} of {sum(self._candidates):,} candidates in "
            f"{len(self._candidates):,} requests; dropped: "
            + (", ".join(f"{reason} ({count:,})" for reason, count in reasons) or "none")
        )

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """What was kept, what was dropped, and the candidates of each request."""
        requests = {"request": range(len(self._candidates)), "candidates": self._candidates}
        return (
            pd.DataFrame(self._kept, columns=COLUMNS, dtype="str"),
            pd.DataFrame(self._dropped, columns=list(DROPPED_COLUMNS)).astype(DROPPED_COLUMNS),
            pd.DataFrame(requests, dtype="int64"),
        )

    def _reason_to_drop(self, task: WrittenTask, match: Match | None) -> str | None:
        if self.is_complete:
            return "beyond the target"
        if task.problem:
            return task.problem
        return reason_to_drop(task.instruction, self.parameters.filters) or ("near-duplicate" if match else None)


def _request(number: int, seeds: list[Row], selection: _Selection, prompt: str, seed: int) -> Request:
    parameters = selection.parameters
    rng = random.Random(f"{seed}-{number}")
    kept = selection.kept_before(number, parameters.kept_examples, rng)
    chosen = [*rng.sample(seeds, parameters.examples_per_request - len(kept)), *kept]
    messages = render(prompt, count=str(parameters.tasks_per_request), examples=write_examples(chosen))
    return Request(messages, Sampling(parameters.temperature, parameters.top_p, parameters.max_tokens), sample=number)


def _dropped_row(id: str, reason: str, match: Match | None, task: WrittenTask) -> dict[str, object]:
    nearest, score = (match.id, match.score) if match else ("", None)
    return {"id": id, "reason": reason, "nearest_id": nearest, "rouge_l": score, "raw": task.raw}


def _generated_row(task: WrittenTask) -> Row:
    content = "\x1f".join((task.instruction, task.input, task.output))
    id = f"generated-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    fields = {"instruction": task.instruction, "input": task.input, "output": task.output}
    return {"id": id, "source": "generated", **fields}
