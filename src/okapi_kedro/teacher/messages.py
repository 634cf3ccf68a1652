"""What is sent to a teacher and what comes back, in the words of the OpenAI chat API."""

from collections.abc import Mapping
from dataclasses import dataclass

Message = dict[str, str]
"""One message of a dialogue: `role` (system, user or assistant) and `content`."""


@dataclass(frozen=True)
class Sampling:
    """How the teacher draws its words.

    Args:
        temperature: 0 always takes the likeliest token.
        top_p: share of the probability mass that tokens are drawn from.
        max_tokens: longest answer, in the teacher's tokens.
    """

    temperature: float
    top_p: float
    max_tokens: int


@dataclass(frozen=True)
class Request:
    """One question to the teacher.

    Args:
        messages: the dialogue so far.
        sampling: how the answer is drawn.
        sample: which of several answers to the same question this is; sent as the API's `seed`.
        schema: JSON schema of the answer, for endpoints that can hold the model to one; None asks for free text.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    sample: int = 0
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Completion:
    """One answer of the teacher.

    Args:
        text: what it wrote; empty when it refused to write.
        finish_reason: the API's `stop`, `length` (cut at max_tokens) or `content_filter`.
        prompt_tokens: tokens read, as the endpoint counted them.
        completion_tokens: tokens written.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
