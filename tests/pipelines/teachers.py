"""Teachers for tests: the offline one, and one whose every answer the test writes."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from okapi_kedro.pipelines.translation.translate_rows import TranslationParameters
from okapi_kedro.teacher.account import Account
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint
from okapi_kedro.teacher.messages import Completion, Request
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore
from okapi_kedro.text.protected_spans import USUAL_KINDS

PROMPTS = Path(__file__).parents[2] / "data" / "01_raw" / "prompts"

TRANSLATION = TranslationParameters(
    attempts=2,
    temperature=0.0,
    top_p=1.0,
    max_tokens=500,
    protected=frozenset(USUAL_KINDS),
    most_characters=4000,
    notes="Be polite.",
)


def prompt(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8")


def offline_teacher(folder: Path) -> Teacher:
    store = CompletionStore(folder)
    endpoint = Endpoint(model="offline-teacher", base_url="offline", api_key=None, timeout=30)
    return Teacher(endpoint, store, Account(None, None, None, store), Pace(None, None), concurrency=4, retries=2)


@dataclass
class ScriptedTeacher:
    """Answers by a function of the request; an answer that was cut comes as a Completion."""

    answer: Callable[[Request], str | Completion]
    asked: list[Request] = field(default_factory=list)

    def stream(
        self, requests: Iterable[Request], stage: str, language: str, ahead: int | None = None
    ) -> Generator[Completion]:
        for request in requests:
            self.asked.append(request)
            text = self.answer(request)
            yield text if isinstance(text, Completion) else Completion(text, "stop", 1, 1)
