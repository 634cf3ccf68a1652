"""Shows how far the batches of a job are while nothing can be done but wait."""

import logging
import time
from collections import Counter
from collections.abc import Sequence

from openai.types import Batch

from okapi_kedro.teacher.progress import LOG_SECONDS, Progress

logger = logging.getLogger(__name__)


class BatchProgress(Progress):
    """A `Progress` that also tells what the provider says of batches that are still there.

    Args:
        name: what is asked for.
        total: requests in all; None when nobody knows.
    """

    def __init__(self, name: str, total: int | None) -> None:
        super().__init__(name, total)
        self._statuses = ""
        self._logged = 0.0

    def waiting(self, batches: Sequence[Batch]) -> None:
        """Shows the provider's own counts; in a log when a status changes, and now and then."""
        if not batches:
            return
        self._bar.set_postfix_str(_counts(batches))
        statuses, now = _statuses(batches), time.monotonic()
        if self._bar.disable and (statuses != self._statuses or now - self._logged > LOG_SECONDS):
            self._statuses, self._logged = statuses, now
            logger.info("%s: %s: %s", self.name, statuses, _counts(batches))


def _statuses(batches: Sequence[Batch]) -> str:
    return ", ".join(f"{number} {status}" for status, number in Counter(batch.status for batch in batches).items())


def _counts(batches: Sequence[Batch]) -> str:
    counts = [batch.request_counts for batch in batches if batch.request_counts]
    total, done = sum(count.total for count in counts), sum(count.completed for count in counts)
    failed = sum(count.failed for count in counts)
    return f"{done:,} of {total:,} requests done, {failed:,} failed at the provider"
