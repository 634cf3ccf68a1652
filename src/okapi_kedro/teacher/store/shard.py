"""The answers of one stage in one language."""

import json
from pathlib import Path
from typing import Any

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store.answer_line import FIELDS, Head, read_head
from okapi_kedro.teacher.store.line_file import LineFile

_KEY = slice(len('{"key":"'), len('{"key":"') + 64)


def shard_name(stage: str, language: str) -> str:
    """The file name of a shard.

    Raises:
        ValueError: for a stage or language that no file can be named by.
    """
    name = f"{stage}.{language}.jsonl"
    if not stage or not language or "." in language or Path(name).name != name or "\0" in name:
        raise ValueError(f"no shard can be named by stage {stage!r} and language {language!r}")
    return name


def stage_and_language(path: Path) -> tuple[str, str]:
    """What a shard's name says."""
    stage, _, language = path.stem.rpartition(".")
    return stage, language


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder, by name; `lost.jsonl`, which has no language, is none, and so is no hidden file."""
    return sorted(path for path in folder.glob("*.jsonl") if "." in path.stem and path.name[0] != ".")


class Shard(LineFile):
    """A file of answers.

    Args:
        path: `<stage>.<language>.jsonl`.
        end: bytes whose answers are known already.
    """

    def __init__(self, path: Path, end: int = 0) -> None:
        super().__init__(path, end)
        self.stage, self.language = stage_and_language(path)

    def read_heads(self) -> list[tuple[int, Head]]:
        """The byte and the head of every answer in the next batch of lines; empty at the end.

        Raises:
            UserError: when a line is no stored answer.
        """
        return self.read(self._head)

    def read_answers(self) -> list[dict[str, Any]]:
        """All fields of every answer in the next batch of lines; empty at the end.

        Raises:
            UserError: when a line is no stored answer.
        """
        return self.read(self._parse)

    def key_at(self, start: int) -> str:
        """What stands in the place of the key of the answer that begins at a byte."""
        return self.bytes_at(start, _KEY.stop)[_KEY].decode("latin-1")

    def completion_at(self, start: int, key: str) -> Completion:
        """The answer that begins at a byte.

        Raises:
            UserError: when it is broken, or not the answer to this key.
        """
        line = self.line_at(start)
        if line[_KEY] != key.encode():
            raise self.changed()
        answer = self._parse(start, line)
        return Completion(
            text=answer["text"],
            finish_reason=answer["finish_reason"],
            prompt_tokens=answer["prompt_tokens"],
            completion_tokens=answer["completion_tokens"],
        )

    def _head(self, start: int, line: bytes) -> tuple[int, Head]:
        head = read_head(line)
        if head is None:
            raise self._no_answer(start)
        return start, head

    def _parse(self, start: int, line: bytes) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(line.decode())
        except ValueError:
            raise self._no_answer(start) from None
        if tuple(answer) != FIELDS:
            raise self._no_answer(start)
        return answer

    def _no_answer(self, start: int) -> UserError:
        return UserError(
            f"{self.path}: line {self.line_number(start)}, at byte {start}, is no stored answer; delete that line"
        )
