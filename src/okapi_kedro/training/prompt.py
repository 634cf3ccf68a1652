"""The one prompt template: around an instruction a frame of a few sentences, Alpaca's or those of a language."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from okapi_kedro.errors import UserError

Line = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]


class PromptTemplate(BaseModel):
    """The frame: what is said to the model before an instruction, and the headings between the parts of the prompt.

    Args:
        task: says that an instruction follows, and asks for a response.
        task_with_input: the same where an input follows as well.
        instruction: heading of the instruction.
        input: heading of the input.
        response: heading of the response, with which the prompt ends.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Line
    task_with_input: Line
    instruction: Line
    input: Line
    response: Line


ENGLISH = PromptTemplate(
    task="Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    task_with_input=(
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request."
    ),
    instruction="### Instruction:",
    input="### Input:",
    response="### Response:",
)
"""Alpaca's frame, which Okapi puts around the instructions of all languages."""


def prompt_template(
    frame: Literal["english", "native"], language: str, files: Mapping[str, Callable[[], str]]
) -> PromptTemplate:
    """The frame of a language's prompts.

    Args:
        frame: `english` for all languages, as in the paper, or `native`, in the language of the row.
        language: its code.
        files: the texts of data/01_raw/frames by language, not yet loaded: JSON with the fields of PromptTemplate.

    Raises:
        UserError: for a language without a frame, or one whose file is broken.
    """
    if frame == "english" or language == "en":
        return ENGLISH
    path = f"data/01_raw/frames/{language}.json"
    if language not in files:
        raise UserError(
            f"prompt_frame=native: there is no frame for {language!r}; write {path} with the fields "
            f"{', '.join(PromptTemplate.model_fields)}, after the example of another language"
        )
    try:
        return PromptTemplate.model_validate_json(files[language]())
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {f'{place}: ' if place else ''}{first['msg']}") from error


def prompt_of(instruction: str, input: str, template: PromptTemplate) -> str:
    """The prompt that asks for a response; it ends where the response begins."""
    parts = [
        template.task_with_input if input else template.task,
        f"{template.instruction}\n{instruction}",
        *([f"{template.input}\n{input}"] if input else []),
        template.response,
    ]
    return "\n\n".join(parts)


def chat_template(template: PromptTemplate) -> str:
    """The template in Jinja, as tokenizers take it: a dialogue of one message, which may have an `input` beside it."""
    only_one = "{% if messages|length != 1 %}{{ raise_exception('this model knows one message only') }}{% endif %}"
    plain, with_input = (_as_jinja(prompt_of("\0", input, template)) for input in ("", "\1"))
    return f"{only_one}{{% if messages[0]['input'] %}}{with_input}{{% else %}}{plain}{{% endif %}}"


def _as_jinja(prompt: str) -> str:
    """A prompt in which \\0 stands for the instruction and \\1 for the input."""
    values = {"\0": "messages[0]['content']", "\1": "messages[0]['input']"}
    parts = [part for part in re.split("([\0\1])", prompt) if part]
    return f"{{{{ {' + '.join(values.get(part) or json.dumps(part, ensure_ascii=False) for part in parts)} }}}}"


def completion_of(response: str) -> str:
    """The response as it follows the prompt: after one space, as in running text."""
    return f" {response}"
