"""Teachers for tests: the offline one, and one whose every answer the test writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.store import CompletionStore

PROMPTS = Path(__file__).parents[2] / "data" / "01_raw" / "prompts"


def prompt(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8")


def offline_teacher(folder: Path) -> Teacher:
    return Teacher(
        model="offline-teacher",
        base_url="offline",
        api_key=None,
        concurrency=4,
        timeout=30,
        retries=2,
        store=CompletionStore(folder),
    )


@dataclass
class ScriptedTeacher:
    """Answers by a function of the request; an answer that was cut comes as a Completion."""

    answer: Callable[[Request], str | Completion]
    asked: list[Request] = field(default_factory=list)

    def complete(self, requests: Iterable[Request], stage: str, language: str) -> list[Completion]:
        questions = list(requests)
        self.asked += questions
        return [
            text if isinstance(text, Completion) else Completion(text, "stop", 1, 1)
            for text in map(self.answer, questions)
        ]
