"""Prompt templates: text with a line `[system]` or `[user]` before each message and `$name` where a value goes."""

import re
from string import Template

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Message

_SECTION = re.compile(r"^\[(system|user|assistant)\][ \t]*$", re.MULTILINE)


def render(template: str, **values: str) -> tuple[Message, ...]:
    """The messages of a template with its values put in.

    Sections are split before values are put in, so no value can open a section or name another placeholder.

    Args:
        template: the text of a template; `$$` stands for a dollar sign.
        values: the text for each placeholder, put in as it is.

    Raises:
        UserError: for a placeholder without a value, a stray dollar sign, or text outside the sections.
    """
    before, *sections = _SECTION.split(template)
    if before.strip() or not sections:
        raise UserError("prompt template: the first line has to open a section, [system] or [user]")
    roles, contents = sections[::2], sections[1::2]
    return tuple(
        {"role": role, "content": _fill(content.strip(), values)} for role, content in zip(roles, contents, strict=True)
    )


def _fill(content: str, values: dict[str, str]) -> str:
    try:
        return Template(content).substitute(values)
    except KeyError as error:
        name = error.args[0]
        raise UserError(f"prompt template: ${name} has no value here; known: {', '.join(sorted(values))}") from None
    except ValueError as error:
        raise UserError(f"prompt template: {error}; write $$ for a dollar sign") from None
