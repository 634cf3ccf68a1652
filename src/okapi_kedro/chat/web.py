"""A page to talk to one model or two in the browser, for this machine alone."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from okapi_kedro.chat.assistant import Assistant
from okapi_kedro.errors import UserError

LOOPBACK = "127.0.0.1"
_FROM_THE_START = "textarea { unicode-bidi: plaintext; text-align: start; }"
"""Each text runs as its own script does."""


def require_gradio() -> Any:
    """The library that makes the page, told to report nothing about its use.

    Raises:
        UserError: when it is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio  # noqa: PLC0415  # an extra that few install
    except ImportError as error:
        raise UserError("--web needs gradio, which is not installed: pip install 'okapi-kedro[web]'") from error
    return gradio


def serve(assistants: Mapping[str, Assistant], port: int) -> None:
    """Serves the page on the loopback address until Ctrl-C.

    Args:
        assistants: by their labels; each has a column of its own.
        port: of the page.

    Raises:
        UserError: when gradio is not installed, or the port is taken.
    """
    gradio = require_gradio()
    page = build_page(assistants)
    print(f"http://{LOOPBACK}:{port} (Ctrl-C ends it)")
    # Fonts of the system: the usual ones would be fetched from a server.
    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    try:
        page.launch(
            server_name=LOOPBACK,
            server_port=port,
            share=False,
            quiet=True,
            ssr_mode=False,
            footer_links=[],
            theme=theme,
            css=_FROM_THE_START,
        )
    except OSError as error:
        raise UserError(f"port {port} is not free; name another one: --port {port + 1}") from error


def build_page(assistants: Mapping[str, Assistant]) -> Any:
    """The page: an instruction and its input above, the models' answers below, side by side."""
    gradio = require_gradio()
    with gradio.Blocks(title="Okapi", analytics_enabled=False) as page:
        instruction = gradio.Textbox(label="Instruction", lines=2, autofocus=True)
        prompt_input = gradio.Textbox(label="Input (most instructions need none)", lines=2)
        with gradio.Row():
            ask = gradio.Button("Answer", variant="primary")
            stop = gradio.Button("Stop")
        with gradio.Row():
            answers = [gradio.Textbox(label=label, lines=8, interactive=False) for label in assistants]

        def write(instruction: str, prompt_input: str) -> Iterator[dict[Any, str]]:
            for texts in answers_so_far(list(assistants.values()), instruction, prompt_input):
                yield dict(zip(answers, texts, strict=True))

        writing = gradio.on(
            [ask.click, instruction.submit], write, [instruction, prompt_input], answers, show_progress="hidden"
        )
        stop.click(None, cancels=[writing])
    return page


def answers_so_far(assistants: list[Assistant], instruction: str, prompt_input: str) -> Iterator[tuple[str, ...]]:
    """What each model has written, again and again while they write one after the other."""
    texts = [""] * len(assistants)
    if not instruction.strip():
        yield tuple(texts)
        return
    for place, assistant in enumerate(assistants):
        try:
            for piece in assistant.stream(instruction.strip(), prompt_input.strip()):
                texts[place] += piece
                yield tuple(texts)
        except UserError as error:
            texts[place] = f"[{error}]"
            yield tuple(texts)
