"""Prompt templates: text with a line `[system]` or `[user]` before each message and `$name` where a value goes."""

import re
from collections import defaultdict
from functools import lru_cache
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
    return tuple(
        {"role": role, "content": _fill(content, tuple((name, _value(name, values)) for name in names))}
        for role, content, names in _sections(template)
    )


@lru_cache(16)
def _sections(template: str) -> tuple[tuple[str, Template, tuple[str, ...]], ...]:
    """Role, text and the names of the placeholders of each section."""
    before, *sections = _SECTION.split(template)
    if before.strip() or not sections:
        raise UserError("prompt template: the first line has to open a section, [system] or [user]")
    contents = [Template(content.strip()) for content in sections[1::2]]
    return tuple((role, content, _names(content)) for role, content in zip(sections[::2], contents, strict=True))


def _names(content: Template) -> tuple[str, ...]:
    try:
        content.substitute(defaultdict(str))
    except ValueError as error:
        raise UserError(f"prompt template: {error}; write $$ for a dollar sign") from None
    return tuple(content.get_identifiers())


def _value(name: str, values: dict[str, str]) -> str:
    if name not in values:
        raise UserError(f"prompt template: ${name} has no value here; known: {', '.join(sorted(values))}")
    return values[name]


@lru_cache(16)
def _fill(content: Template, values: tuple[tuple[str, str], ...]) -> str:
    """The text with its values; a message that many requests share is one and the same text."""
    return content.substitute(dict(values))
