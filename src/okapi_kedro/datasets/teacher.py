"""The teacher as a catalog entry, so that nodes receive it and stay pure."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.client import OFFLINE, Teacher
from okapi_kedro.teacher.store import CompletionStore


class TeacherDataset(AbstractDataset[None, Teacher]):
    """Loads a `Teacher`; there is nothing to save.

    Args:
        model: name of the model at the endpoint.
        base_url: OpenAI-compatible endpoint, or `offline` for the embedded offline teacher.
        path: folder in which every answer is kept.
        concurrency: requests in flight at once.
        timeout: seconds that one request may take.
        retries: how often a request is repeated after a fault that may pass.
        credentials: `api_key`; named in the catalog, never written there.
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
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "model": model,
            "base_url": base_url,
            "concurrency": concurrency,
            "timeout": timeout,
            "retries": retries,
        }
        self._path = Path(path)
        self._api_key: str | None = (credentials or {}).get("api_key") or None
        self.metadata = metadata

    def load(self) -> Teacher:
        return Teacher(**self._options, api_key=self._api_key, store=CompletionStore(self._path))

    def save(self, data: None) -> None:
        raise DatasetError("the teacher is an input; a node cannot save it")

    def require_key(self) -> None:
        """Raises a UserError that names the way out when the endpoint needs a key and there is none."""
        if self._options["base_url"] != OFFLINE and self._api_key is None:
            raise UserError(
                f"OPENAI_API_KEY is not set, and the teacher {self._options['model']} needs it; "
                "export it, or run the default environment (without --env), which is free and offline"
            )

    def label(self) -> str:
        """The teacher in a few words."""
        if self._options["base_url"] == OFFLINE:
            return "embedded offline teacher (a stand-in: phrasebook only, free)"
        return f"{self._options['model']} at {self._options['base_url']}"

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {**self._options, "path": str(self._path)}
