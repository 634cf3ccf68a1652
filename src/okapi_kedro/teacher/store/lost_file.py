"""The answers that may have been paid for and never came."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store.answer_line import to_picodollars
from okapi_kedro.teacher.store.line_file import LineFile


@dataclass(frozen=True)
class Lost:
    """An answer that never came.

    Args:
        stage: what was asked for.
        language: code of the language.
        model: who was asked.
        usd: what it cost at most; None when the price is unknown.
        cause: why there is no answer, for whoever reads the file.

    Raises:
        ValueError: for a price that is none.
    """

    stage: str
    language: str
    model: str
    usd: float | None
    cause: str

    def __post_init__(self) -> None:
        if self.usd is not None:
            to_picodollars(self.usd)

    @property
    def picodollars(self) -> int:
        """What it cost at most, 0 when unknown."""
        return to_picodollars(self.usd or 0.0)


class LostFile(LineFile):
    """A file of lost answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "lost.jsonl")

    def append_lost(self, lost: Lost) -> None:
        """Writes one down; see `append`."""
        line = json.dumps(asdict(lost), ensure_ascii=False, separators=(",", ":"))
        self.append([line.encode(errors="replace") + b"\n"])

    def read_lost(self) -> list[Lost]:
        """The next batch of them; empty at the end.

        Raises:
            UserError: when a line is no lost answer.
        """
        return self.read(self._parse)

    def _parse(self, start: int, line: bytes) -> Lost:
        try:
            return Lost(**json.loads(line))
        except (ValueError, TypeError):
            at = f"line {self.line_number(start)}, at byte {start}"
            raise UserError(f"{self.path}: {at}, is no lost answer; delete that line") from None
