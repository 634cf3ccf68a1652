"""Asks an endpoint many questions by one of several clients, and says what that took; `benchmarks/teacher.py` runs it.

    python benchmarks/teacher_clients.py ours http://127.0.0.1:8000/v1 20000 64 texts.jsonl

Writes the texts in the order of the questions. CPU time is that of the process and its children, user and system, from
the first question to the last text written; imports are left out.
"""

import asyncio
import json
import resource
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peak_memory import peak_mb

MODEL = "offline-teacher"
SAMPLING: dict[str, Any] = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 64}
Messages = list[dict[str, str]]


def question(number: int) -> Messages:
    """One that the offline teacher answers fast, each by a text of its own."""
    return [{"role": "user", "content": f"Question {number}: write tasks until there are 1\nTask 1"}]


class NoStore:
    """What our client needs of a store: it knows which requests were answered; the answers go to the reader only."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.spent_usd = 0.0

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def get(self, key: str) -> None:
        """An answer of an earlier run: there are none."""

    def add_all(self, stage: str, language: str, answers: Any) -> None:
        for answer in answers:
            self.keys.add(answer.key)
            self.spent_usd += answer.usd

    @contextmanager
    def asking(self, stage: str, language: str) -> Iterator[None]:
        yield

    def refresh(self) -> None:
        """Nobody else writes here."""

    def sync(self) -> None:
        """There is nothing to wait for."""


Texts = Callable[[str, int, int], Iterable[str]]
"""The answers' texts, given the base_url, how many questions, and how many in flight at once."""


def ours(store: Any) -> Texts:
    """Our client, with a price and a budget."""
    from okapi_kedro.teacher.account import Account, Price  # noqa: PLC0415
    from okapi_kedro.teacher.client import Teacher  # noqa: PLC0415
    from okapi_kedro.teacher.endpoint import Endpoint  # noqa: PLC0415
    from okapi_kedro.teacher.messages import Request, Sampling  # noqa: PLC0415
    from okapi_kedro.teacher.pace import Pace  # noqa: PLC0415

    def texts(base_url: str, count: int, concurrency: int) -> Iterator[str]:
        endpoint, account = Endpoint(MODEL, base_url, None, timeout=60.0), Account(Price(0.5, 1.5), 1000.0, None, store)
        teacher = Teacher(endpoint, store, account, Pace(None, None), concurrency, retries=5)
        requests = (Request(tuple(question(number)), Sampling(**SAMPLING)) for number in range(count))
        return (completion.text for completion in teacher.stream(requests, "benchmark", "en"))

    return texts


def ours_stored() -> Texts:
    """Our client as it is, with a new store."""
    from okapi_kedro.teacher.store import CompletionStore  # noqa: PLC0415

    return ours(CompletionStore(Path(tempfile.mkdtemp(dir=Path.cwd()))))


def typed(transport: str | None) -> Texts:
    """The SDK's own way: all requests gathered, a semaphore around each."""
    import openai  # noqa: PLC0415

    async def gather(base_url: str, count: int, concurrency: int) -> list[str]:
        http_client = openai.DefaultAioHttpClient() if transport == "aiohttp" else None
        places = asyncio.Semaphore(concurrency)
        async with openai.AsyncOpenAI(base_url=base_url, api_key="none", http_client=http_client) as client:

            async def ask(number: int) -> str:
                messages: Any = question(number)
                async with places:
                    answer = await client.chat.completions.create(model=MODEL, messages=messages, seed=0, **SAMPLING)
                    return answer.choices[0].message.content or ""

            return await asyncio.gather(*map(ask, range(count)))

    return lambda *arguments: asyncio.run(gather(*arguments))


DISTILABEL_SAMPLING = {"temperature": 0.7, "top_p": 1.0, "max_new_tokens": 64, "extra_body": {"seed": 0}}


def distilabel_model() -> Texts:
    """distilabel's model asked directly, batch after batch: its fastest way, which keeps nothing."""
    from distilabel.models.llms import OpenAILLM  # noqa: PLC0415

    def texts(base_url: str, count: int, concurrency: int) -> Iterator[str]:
        model = OpenAILLM(model=MODEL, base_url=base_url, api_key="none")
        model.load()
        for first in range(0, count, concurrency):
            inputs = [question(number) for number in range(first, min(first + concurrency, count))]
            for output in model.generate(inputs=inputs, **DISTILABEL_SAMPLING):
                yield output["generations"][0]

    return texts


def distilabel_pipeline() -> Texts:
    """A pipeline of one step, which like ours keeps the answers; most of it runs in processes of its own."""
    from distilabel.models.llms import OpenAILLM  # noqa: PLC0415
    from distilabel.pipeline import Pipeline  # noqa: PLC0415
    from distilabel.steps.tasks import TextGeneration  # noqa: PLC0415

    def texts(base_url: str, count: int, concurrency: int) -> Iterable[str]:
        model = OpenAILLM(model=MODEL, base_url=base_url, api_key="none", generation_kwargs=DISTILABEL_SAMPLING)
        with Pipeline(cache_dir=tempfile.mkdtemp(dir=Path.cwd())) as pipeline:
            TextGeneration(llm=model, input_batch_size=concurrency)
        questions = [{"instruction": question(number)[0]["content"]} for number in range(count)]
        rows: Any = pipeline.run(dataset=questions, use_cache=False)
        generated: list[str] = rows["default"]["train"]["generation"]
        return generated

    return texts


CLIENTS: dict[str, Callable[[], Texts]] = {
    "ours": ours_stored,
    "ours_without_store": lambda: ours(NoStore()),
    "bare": lambda: typed(None),
    "bare_aiohttp": lambda: typed("aiohttp"),
    "distilabel": distilabel_pipeline,
    "distilabel_model": distilabel_model,
}


def cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    name, base_url, count, concurrency, path = sys.argv[1:]
    texts = CLIENTS[name]()
    start = cpu_seconds()
    with Path(path).open("w", encoding="utf-8") as file:
        for text in texts(base_url, int(count), int(concurrency)):
            file.write(json.dumps(text) + "\n")
    print(json.dumps({"cpu_seconds": cpu_seconds() - start, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
