"""Pairs of responses in Okapi's published form, read as rows of our table of preferences and written from it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.text.instruction_files import REJECTED_COLUMNS, Entry, read_json_array
from okapi_kedro.text.okapi_files import Read, conversion_counts, held_out_problem, is_count, read_columns
from okapi_kedro.training.prompt import PromptTemplate, completion_of, prompt_of

BETTER, WORSE = "prefered_output", "rejected_output"
"""The published spelling; `preferred_output` is read too."""
_MARK = "\ue000"
"""Stands for a text where a frame is taken apart."""


class PublishedPreferences(NamedTuple):
    """Pairs, `held_out` None where the file says nothing of it; the rows set aside; how many values were no text."""

    kept: pd.DataFrame
    rejected: pd.DataFrame
    defects: pd.DataFrame


def read_preferences(name: str, text: str, template: PromptTemplate) -> PublishedPreferences:
    """The pairs of a JSON array; a prompt's pairs are numbered as they come. In = kept + rejected.

    Raises:
        UserError: when the file as a whole cannot be read.
    """
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    rejected: list[dict[str, str]] = []
    conversions: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for entry in read_json_array(name, text):
        read, held_out = _read(entry)
        problem = read.problem or _problem(read, held_out)
        id = read.texts.get("id", "")
        key = (id, 0 if problem else int(read.texts["pair"] or pairs[id]))
        if not problem and key in kept:
            problem = f"pair {key[1]} of {id!r} stands twice"
        if problem:
            rejected.append({"id": entry.place, "reason": problem, "raw": entry.raw})
        else:
            kept[key] = _pair(key, read.texts, held_out, template)
            pairs[id] += 1
            conversions.update(read.conversions)
    columns = {"id": "str", "pair": "int64", "prompt": "str", "chosen": "str", "rejected": "str", "held_out": "object"}
    return PublishedPreferences(
        pd.DataFrame(list(kept.values()), columns=list(columns)).astype(columns),
        pd.DataFrame(rejected, columns=REJECTED_COLUMNS, dtype="str"),
        conversion_counts(conversions),
    )


def _read(entry: Entry) -> tuple[Read, Any]:
    value = entry.value
    if isinstance(value, dict) and BETTER not in value and "preferred_output" in value:
        value = {**value, BETTER: value["preferred_output"]}
    read = read_columns(Entry(entry.place, entry.raw, value), ("id", "instruction", BETTER, WORSE), ("input", "pair"))
    return read, value.get("held_out") if isinstance(value, dict) else None


def _problem(read: Read, held_out: Any) -> str:
    texts = read.texts
    if not texts["id"]:
        return "empty id"
    if not texts["instruction"].strip():
        return "empty instruction"
    if texts[BETTER] == texts[WORSE]:
        return "both responses are equal"
    if texts["pair"] and not is_count(texts["pair"]):
        return f"column 'pair' is no number: {texts['pair'][:20]!r}"
    return held_out_problem(held_out)


def _pair(
    key: tuple[str, int], texts: dict[str, str], held_out: bool | None, template: PromptTemplate
) -> dict[str, Any]:
    return {
        "id": key[0],
        "pair": key[1],
        "prompt": prompt_of(texts["instruction"], texts["input"], template),
        "chosen": completion_of(texts[BETTER]),
        "rejected": completion_of(texts[WORSE]),
        "held_out": held_out,
    }


def preference_rows(table: pd.DataFrame, template: PromptTemplate) -> list[dict[str, Any]]:
    """The rows of our table in the published form, with `pair` and `held_out` beside it.

    Raises:
        UserError: for a prompt or a response that is not in the form of `training/prompt.py`.
    """
    return [
        {
            **_instruction_and_input(row["id"], row["prompt"], template),
            BETTER: _response(row["id"], row["chosen"]),
            WORSE: _response(row["id"], row["rejected"]),
            **{name: row[name] for name in ("id", "pair", "held_out")},
        }
        for row in table.to_dict("records")
    ]


def _instruction_and_input(id: str, prompt: str, template: PromptTemplate) -> dict[str, str]:
    for instruction, input in _cuts(prompt, template):
        if instruction.strip() and prompt_of(instruction, input, template) == prompt:
            return {"instruction": instruction, "input": input}
    raise UserError(
        f"preferences: the prompt of {id} is not in the frame that prompt_frame names: give that of the run which made "
        "it, or make preferences anew"
    )


def _cuts(prompt: str, template: PromptTemplate) -> Iterator[tuple[str, str]]:
    """What may be instruction and input; where a text holds the frame's own words, several that make one prompt."""
    before, after = prompt_of(_MARK, "", template).split(_MARK)
    yield prompt.removeprefix(before).removesuffix(after), ""
    before, between, after = prompt_of(_MARK, _MARK, template).split(_MARK)
    body = prompt.removeprefix(before).removesuffix(after)
    for cut in re.finditer(f"(?={re.escape(between)})", body):
        yield body[: cut.start()], body[cut.start() + len(between) :]


def _response(id: str, completion: str) -> str:
    response = completion.removeprefix(" ")
    if completion_of(response) != completion:
        raise UserError(f"preferences: a response of {id} does not begin as in training/prompt.py; make them anew")
    return response
