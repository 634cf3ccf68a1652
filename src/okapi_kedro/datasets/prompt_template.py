"""The template of a language's prompts as a catalog entry."""

from functools import partial
from pathlib import Path
from typing import Any, Literal

from kedro.io import AbstractDataset, DatasetError

from okapi_kedro.training.prompt import PromptTemplate, prompt_template


class PromptTemplateDataset(AbstractDataset[None, PromptTemplate]):
    """Loads the frame that stands around a language's instructions.

    Args:
        frame: `english` for all languages, as in the paper, or `native`, in the language of the row.
        language: its code.
        path: the folder of the native frames, a JSON file per language.
    """

    def __init__(
        self,
        *,
        frame: Literal["english", "native"],
        language: str,
        path: str,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if frame not in ("english", "native"):
            raise DatasetError(f"prompt_frame={frame}: it has to be english or native")
        self._frame, self._language, self._folder = frame, language, Path(path)
        self.metadata = metadata

    def load(self) -> PromptTemplate:
        files = {path.stem: partial(path.read_text, encoding="utf-8") for path in self._folder.glob("*.json")}
        return prompt_template(self._frame, self._language, files)

    def save(self, data: None) -> None:
        raise DatasetError("the prompt template is an input; a node cannot save it")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"frame": self._frame, "language": self._language}
