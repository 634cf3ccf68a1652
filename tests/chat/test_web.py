"""The page: what it shows while models write, and what is said where it cannot be made."""

import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from okapi_kedro.chat.__main__ import main
from okapi_kedro.chat.web import answers_so_far, build_page
from okapi_kedro.errors import UserError


class Fixed:
    """Writes the same pieces whatever it is asked, and remembers what that was."""

    def __init__(self, *pieces: str | UserError) -> None:
        self.pieces = pieces
        self.asked: list[tuple[str, str]] = []

    def stream(self, instruction: str, prompt_input: str) -> Iterator[str]:
        self.asked.append((instruction, prompt_input))
        for piece in self.pieces:
            if isinstance(piece, UserError):
                raise piece
            yield piece


def test_two_models_write_one_after_the_other_each_in_its_place() -> None:
    first, second = Fixed("a", "b"), Fixed("c")
    shown = list(answers_so_far([first, second], " what \n", " with "))  # type: ignore[list-item]
    assert shown == [("a", ""), ("ab", ""), ("ab", "c")]
    assert first.asked == second.asked == [("what", "with")]


def test_a_refusal_stands_where_the_answer_would() -> None:
    shown = list(answers_so_far([Fixed(UserError("too long")), Fixed("c")], "what", ""))  # type: ignore[list-item]
    assert shown[-1] == ("[too long]", "c")


def test_an_empty_instruction_asks_nobody_and_clears_the_answers() -> None:
    model = Fixed("a")
    assert list(answers_so_far([model], " \n", "input")) == [("",)]  # type: ignore[list-item]
    assert model.asked == []


def test_without_gradio_it_is_one_line_before_any_model_is_loaded(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setattr(sys, "argv", ["chat", "--model", "owner/never-loaded", "--web"])
    assert main() == 1
    assert capsys.readouterr().err == "--web needs gradio, which is not installed: pip install 'okapi-kedro[web]'\n"


@pytest.mark.skipif("gradio" not in packages_distributions(), reason="gradio is an extra")
def test_the_page_has_a_column_for_each_model() -> None:
    page = build_page({"sft": Fixed("a"), "rlhf": Fixed("b")})  # type: ignore[dict-item]
    labels = [getattr(block, "label", None) for block in page.blocks.values()]
    assert {"Instruction", "sft", "rlhf"} <= set(labels)
