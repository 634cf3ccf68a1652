"""A conversation, in a terminal and from a pipe."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from okapi_kedro.chat.__main__ import main
from okapi_kedro.chat.terminal import converse
from okapi_kedro.errors import UserError

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"
PASTED = "\x1b[200~{}\x1b[201~"


def test_a_conversation_in_a_terminal() -> None:
    talk = pexpect.spawn(sys.executable, [str(Path(__file__).with_name("talking.py"))], encoding="utf-8", timeout=120)
    talk.expect("Ctrl-D leaves.*> ")
    talk.send("नमस्ते\r")
    talk.expect("<नमस्ते>.*> ")
    # An answer appears while it is written, and Ctrl-C ends it alone.
    talk.send("count\r")
    talk.expect("3 4 5")
    talk.send(CTRL_C)
    talk.expect(r"\[stopped\].*> ")
    # An empty line and a line that is given up ask nothing.
    talk.send("\r")
    talk.expect("> ")
    talk.send("half" + CTRL_C)
    talk.expect("> ")
    # Pasted lines are one instruction, and one entry of the history.
    talk.send(PASTED.format("one\ntwo") + "\r")
    talk.expect("<one\r\ntwo>.*> ")
    talk.send(UP + UP + UP + "\r")
    talk.expect("<नमस्ते>.*> ")
    talk.send("x" * 20_000 + "\r")
    talk.expect("<x{20000}>")
    talk.send(CTRL_D)
    talk.expect(pexpect.EOF)
    talk.close()
    assert talk.exitstatus == 0


class Fixed:
    """Writes the same whatever it is asked, or fails."""

    def __init__(self, *pieces: str | Exception | type[BaseException]) -> None:
        self.pieces = pieces

    def stream(self, instruction: str) -> Iterator[str]:
        for piece in self.pieces:
            if not isinstance(piece, str):
                raise piece
            yield piece


def written(monkeypatch, capsys, *instructions: str, **assistants: Fixed) -> list[str]:
    """What comes after the greeting, by lines, when these instructions are typed."""
    lines = iter(instructions)

    def type_next(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", type_next)
    converse(assistants)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()[1:-1]


def test_a_single_model_needs_no_label_and_two_have_theirs(monkeypatch, capsys) -> None:
    assert written(monkeypatch, capsys, "hello", sft=Fixed("good ", "day")) == ["good day"]
    both = written(monkeypatch, capsys, "hello", "  ", sft=Fixed("good"), rlhf=Fixed("better"))
    assert both == ["sft: good", "rlhf: better"]


def test_what_one_model_cannot_answer_the_other_still_may(monkeypatch, capsys) -> None:
    lines = written(monkeypatch, capsys, "hello", sft=Fixed(UserError("too long")), rlhf=Fixed("fine"))
    assert lines == ["sft: [too long]", "rlhf: fine"]


def test_ctrl_c_stops_one_answer_and_the_next_model_goes_on(monkeypatch, capsys) -> None:
    lines = written(monkeypatch, capsys, "hello", sft=Fixed("one ", KeyboardInterrupt), rlhf=Fixed("fine"))
    assert lines == ["sft: one  [stopped]", "rlhf: fine"]


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["chat", *arguments])
    return main()


def test_a_model_is_loaded_and_answers_the_same_for_the_same_seed(model_folder, monkeypatch, capsys) -> None:
    answers = []
    for seed in ("1", "1", "2"):
        instructions = iter(["What is it?"])
        monkeypatch.setattr("builtins.input", lambda _, lines=instructions: next(lines, None) or _end())
        assert run(monkeypatch, "--model", str(model_folder), "--seed", seed) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1] != answers[2]


def _end() -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "./gone"], "there is no model directory './gone'"),
        (["--lang", "xx"], "--lang xx is no language"),
        (["--model", "{folder}"], "cannot load the model"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_code_1(tmp_path, monkeypatch, capsys, arguments, said) -> None:
    assert run(monkeypatch, *(each.format(folder=tmp_path) for each in arguments)) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_help_shows_the_ways_to_call_it(monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(each in shown for each in ("--lang CODE", "--compare", "--web", "--seed", "examples:"))
