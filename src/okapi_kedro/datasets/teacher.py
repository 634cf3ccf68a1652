"""The teacher as a catalog entry, so that nodes receive it and stay pure."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import Account, Price
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.client import Teacher
from okapi_kedro.teacher.endpoint import Endpoint, ResponseFormat
from okapi_kedro.teacher.pace import Pace
from okapi_kedro.teacher.store import CompletionStore


class TeacherDataset(AbstractDataset[None, Teacher]):
    """Loads a `Teacher`, the same for all nodes of a run; there is nothing to save.

    Args:
        model: name of the model at the endpoint.
        base_url: OpenAI-compatible endpoint, or `offline` for the embedded offline teacher.
        path: folder in which every answer is kept.
        concurrency: requests in flight at once.
        timeout: seconds that one request may take.
        retries: how often a request is repeated after a fault that may pass.
        requests_per_minute, tokens_per_minute: limits of the endpoint; None for none.
        response_format: `none`, `json_object` or `json_schema`, whatever the endpoint can hold a model to.
        extra_body: fields laid over the body of every request; a field that is null is left out.
        prices: US dollars per million tokens by model, each `{prompt: ..., completion: ...}`.
        budget_usd: what all answers in `path` may cost together; None for no limit.
        max_requests: requests that one run may have answered; None for no limit.
        mode: `sync` asks requests one by one; `batch` through the provider's Batch API, which takes up to a day.
        batch_price: what an answer costs through the Batch API, as a share of the model's price.
        batch_requests, batch_bytes: what one file of the Batch API may hold.
        batch_files: files that one node has at the provider at once.
        batch_poll_seconds: longest pause before the provider is asked again how far it is.
        credentials: `api_key`; named in the catalog, never written there. Without it the endpoint asks for no key.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        path: str,
        concurrency: int,
        timeout: float,
        retries: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        response_format: ResponseFormat = "none",
        extra_body: dict[str, Any] | None = None,
        prices: dict[str, dict[str, float]] | None = None,
        budget_usd: float | None = None,
        max_requests: int | None = None,
        mode: str = "sync",
        batch_price: float = 0.5,
        batch_requests: int = 50_000,
        batch_bytes: int = 200_000_000,
        batch_files: int = 8,
        batch_poll_seconds: float = 60.0,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        api_key = (credentials or {}).get("api_key") or None
        self._endpoint = Endpoint(model, base_url, api_key, timeout, response_format, extra_body or {})
        self._names_a_key = credentials is not None
        self._path = Path(path)
        self._pace = Pace(requests_per_minute, tokens_per_minute)
        self._concurrency = concurrency
        self._retries = retries
        self._price = _price(model, prices or {})
        self._batch: BatchSettings | None = None
        if mode == "batch":
            self._batch = BatchSettings(batch_requests, batch_bytes, batch_files, batch_poll_seconds)
            self._price = _share(self._price, batch_price)
        elif mode != "sync":
            raise UserError(f"teacher.mode is {mode!r}; it has to be sync or batch")
        self._budget_usd = budget_usd
        self._max_requests = max_requests
        self._teacher: Teacher | None = None
        self.metadata = metadata

    def load(self) -> Teacher:
        if self._teacher is None:
            store = CompletionStore(self._path)
            account = Account(self._price, self._budget_usd, self._max_requests, store)
            self._teacher = Teacher(
                self._endpoint, store, account, self._pace, self._concurrency, self._retries, self._batch
            )
        return self._teacher

    def save(self, data: None) -> None:
        raise DatasetError("the teacher is an input; a node cannot save it")

    def require_key(self) -> None:
        """Raises a UserError that names the way out when the endpoint needs a key and there is none."""
        if self._names_a_key and self._endpoint.api_key is None:
            raise UserError(
                f"OPENAI_API_KEY is not set, and the teacher {self._endpoint.model} needs it; "
                "export it, or run the default environment (without --env), which is free and offline"
            )

    def label(self) -> str:
        """The teacher in a few words, with what it costs and what it may cost."""
        if self._endpoint.is_offline:
            return "embedded offline teacher (a stand-in: phrasebook only, free)"
        way = "through its Batch API, " if self._batch else ""
        return f"{self._endpoint.model} at {self._endpoint.base_url}, {way}{self._cost()}"

    def _cost(self) -> str:
        if self._price is None:
            return "no price known (teacher.prices), so spend is counted in tokens only"
        price = f"${self._price.prompt:g} + ${self._price.completion:g} per million tokens read + written"
        limit = "no budget set" if self._budget_usd is None else f"budget ${self._budget_usd:,.2f}"
        return f"{price}, {limit}, ${self.load().store.spent_usd:,.2f} spent so far"

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {
            "model": self._endpoint.model,
            "base_url": self._endpoint.base_url,
            "path": str(self._path),
            "mode": "batch" if self._batch else "sync",
            "concurrency": self._concurrency,
            "budget_usd": self._budget_usd,
            "max_requests": self._max_requests,
        }


def _price(model: str, prices: dict[str, dict[str, float]]) -> Price | None:
    if model not in prices:
        return None
    try:
        return Price(**prices[model])
    except TypeError:
        raise UserError(
            f"teacher.prices.{model} has to give prompt and completion, in USD per million tokens"
        ) from None


def _share(price: Price | None, share: float) -> Price | None:
    if not 0 <= share <= 1:
        raise UserError(f"teacher.batch_price is {share}; it has to be a share of the price, from 0 to 1")
    return price and Price(price.prompt * share, price.completion * share)
