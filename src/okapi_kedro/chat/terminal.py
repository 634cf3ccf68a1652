"""A conversation in the terminal."""

import readline
import sys
from collections.abc import Mapping

from okapi_kedro.chat.assistant import Assistant
from okapi_kedro.errors import UserError

GREETING = "Every instruction stands alone. Ctrl-C stops an answer, arrow up brings back an instruction, Ctrl-D leaves."


def converse(assistants: Mapping[str, Assistant]) -> None:
    """Reads instructions and writes each assistant's answer, until the input ends.

    Args:
        assistants: by the label that stands before their answers; a single one needs none.
    """
    # With readline, `input` has editing and a history; a pasted text of several lines is to be one instruction.
    readline.parse_and_bind("set enable-bracketed-paste on")
    # A letter in another encoding is no reason to leave.
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    print(GREETING)
    while True:
        try:
            instruction = input("> ").strip()
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        if instruction:
            for label, assistant in assistants.items():
                _write_answer(assistant, instruction, f"{label}: " if len(assistants) > 1 else "")


def _write_answer(assistant: Assistant, instruction: str, label: str) -> None:
    print(label, end="", flush=True)
    try:
        for piece in assistant.stream(instruction):
            print(piece, end="", flush=True)
    except KeyboardInterrupt:
        print(" [stopped]", end="")
    except UserError as error:
        print(f"[{error}]", end="")
    print()
