"""What the answers of a folder have cost."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields

from okapi_kedro.teacher.store.answer_line import PICODOLLARS, Head
from okapi_kedro.teacher.store.lost_file import Lost


@dataclass(frozen=True)
class Spending:
    """What one model has cost in one stage and language.

    Args:
        stage: what was asked for.
        language: code of the language.
        model: who answered.
        answers: how many are stored.
        prompt_tokens: tokens read for them.
        completion_tokens: tokens written for them.
        usd: dollars for those with a known price.
        unpriced: answers without a known price.
        lost: requests that may have been paid for and brought no answer.
        lost_usd: dollars for those, at most.
    """

    stage: str
    language: str
    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
    unpriced: int
    lost: int
    lost_usd: float


@dataclass
class _Sums:
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    picodollars: int = 0
    unpriced: int = 0
    lost: int = 0
    lost_picodollars: int = 0


_ANSWER_SUMS = [field.name for field in fields(_Sums) if "lost" not in field.name]


class Ledger:
    """Sums per stage, language and model, in whole numbers."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str, str], _Sums] = defaultdict(_Sums)
        self._picodollars = 0

    @property
    def spent_usd(self) -> float:
        """Dollars for all answers, stored and lost."""
        return self._picodollars / PICODOLLARS

    def add_answers(self, stage: str, language: str, heads: Iterable[Head]) -> None:
        """Counts stored answers."""
        for head in heads:
            sums = self._sums[stage, language, head.model]
            sums.answers += 1
            sums.prompt_tokens += head.prompt_tokens
            sums.completion_tokens += head.completion_tokens
            if head.picodollars is None:
                sums.unpriced += 1
            else:
                sums.picodollars += head.picodollars
                self._picodollars += head.picodollars

    def add_lost(self, lost: Lost) -> None:
        """Counts an answer that never came."""
        sums = self._sums[lost.stage, lost.language, lost.model]
        sums.lost += 1
        sums.lost_picodollars += lost.picodollars
        self._picodollars += lost.picodollars

    def spending(self) -> list[Spending]:
        """The sums in dollars, by stage, language and model."""
        return [
            Spending(
                *of,
                answers=sums.answers,
                prompt_tokens=sums.prompt_tokens,
                completion_tokens=sums.completion_tokens,
                usd=sums.picodollars / PICODOLLARS,
                unpriced=sums.unpriced,
                lost=sums.lost,
                lost_usd=sums.lost_picodollars / PICODOLLARS,
            )
            for of, sums in sorted(self._sums.items())
        ]

    def answer_rows(self) -> list[list[str | int]]:
        """The sums of the stored answers, for a file."""
        return [[*of, *(getattr(sums, name) for name in _ANSWER_SUMS)] for of, sums in self._sums.items()]

    @classmethod
    def of_answer_rows(cls, rows: Iterable[list[str | int]]) -> "Ledger":
        """The ledger that `answer_rows` came from, without what was lost."""
        ledger = cls()
        for stage, language, model, *sums in rows:
            ledger._sums[str(stage), str(language), str(model)] = _Sums(*map(int, sums))
        ledger._picodollars = sum(sums.picodollars for sums in ledger._sums.values())
        return ledger
