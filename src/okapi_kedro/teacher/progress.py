"""Shows how far a long job with the teacher is: a bar on a terminal, a line now and then in a log."""

import logging
import time

from tqdm import tqdm

LOG_SECONDS = 60.0
"""Seconds between two lines where there is no terminal."""
BAR_SECONDS = 0.5
"""Seconds between two updates of the figures behind the bar."""

logger = logging.getLogger(__name__)


class Progress:
    """Counts answers and shows rate, spend and the time that is left.

    Args:
        name: what is asked for.
        total: requests in all; None when nobody knows.
    """

    def __init__(self, name: str, total: int | None) -> None:
        self.name = name
        self.total = total
        self.stored = self.asked = self.faults = 0
        self.usd = 0.0
        self._started = self._shown = time.monotonic()
        self._bar = tqdm(total=total, desc=name, unit="answer", disable=None, leave=False)

    def found(self) -> None:
        """One more answer that was stored before."""
        self.stored += 1
        self._bar.update()

    def answered(self, usd: float | None) -> None:
        """One more new answer, and its cost."""
        self.asked += 1
        self.usd += usd or 0.0
        self._bar.update()
        self._show()

    def failed(self) -> None:
        """One more request that has to be repeated, or is given up."""
        self.faults += 1
        self._show()

    def close(self) -> None:
        """Takes the bar away and says what was asked, if anything was."""
        self._bar.close()
        if self.asked or self.faults:
            logger.info("%s: %s", self.name, self._figures())

    def _show(self) -> None:
        now = time.monotonic()
        if not self._bar.disable and now - self._shown > BAR_SECONDS:
            self._shown = now
            self._bar.set_postfix_str(f"stored before {self.stored:,}, faults {self.faults:,}, ${self.usd:.2f}")
        elif self._bar.disable and now - self._shown > LOG_SECONDS:
            self._shown = now
            logger.info("%s: %s%s", self.name, self._figures(), self._time_left(now))

    def _figures(self) -> str:
        cost = f", ${self.usd:.2f}" if self.usd else ""
        repeated = f", {self.faults:,} faults" if self.faults else ""
        of = f" of {self.total:,}" if self.total is not None else ""
        return f"{self.asked + self.stored:,}{of} answers, {self.stored:,} of them stored before{repeated}{cost}"

    def _time_left(self, now: float) -> str:
        if self.total is None or not self.asked:
            return ""
        rate = self.asked / (now - self._started)
        left = (self.total - self.asked - self.stored) / rate
        return f", {rate:.1f} a second, {left / 60:.0f} min left"
