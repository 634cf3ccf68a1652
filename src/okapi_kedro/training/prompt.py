"""The one prompt template: Alpaca's English frame around an instruction in any language."""

_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
_WITHOUT_INPUT = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)


def prompt_of(instruction: str, input: str) -> str:
    """The prompt that asks for a response; it ends where the response begins."""
    frame = _WITH_INPUT if input else _WITHOUT_INPUT
    return frame.format(instruction=instruction, input=input)


def completion_of(response: str) -> str:
    """The response as it follows the prompt: after one space, as in running text."""
    return f" {response}"
