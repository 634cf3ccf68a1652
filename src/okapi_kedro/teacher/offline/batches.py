"""The offline teacher's Batch API: files of requests, answered while the client does something else."""

import asyncio
import hashlib
import random
import time
import uuid
from collections import Counter
from typing import Any

from okapi_kedro.teacher.offline.batch_input import CHAT, batch_error, find_errors, request_lines
from okapi_kedro.teacher.offline.batch_work import BatchWork
from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.files import FileStore
from okapi_kedro.teacher.offline.ledger import Ledger

WINDOW = "24h"
_DAY = 24 * 60 * 60
_AT_ONCE = 20
"""Requests that are answered before others get their turn."""

BatchObject = dict[str, Any]


class Batches:
    """Batches in OpenAI's form, each worked on by a task of the running event loop.

    Args:
        plan: the faults that strike batches, and the limits of their input.
        ledger: where each request of a batch is counted.
        files: where input is read and output is written.
        seconds: time from the creation of a batch to its end, a quarter of it for validation and one for finalizing.
    """

    def __init__(self, plan: FaultPlan, ledger: Ledger, files: FileStore, seconds: float) -> None:
        self._plan = plan
        self._ledger = ledger
        self._files = files
        self._seconds = seconds
        self._batches: dict[str, BatchObject] = {}
        self._times_submitted: Counter[bytes] = Counter()
        # The event loop alone would let go of a task before its end.
        self._tasks: set[asyncio.Task[None]] = set()

    def create(self, input_file_id: str, metadata: dict[str, str] | None) -> BatchObject:
        """A new batch of the requests in a file that is there."""
        now = int(time.time())
        batch_id = f"batch_{uuid.uuid4().hex}"
        self._batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "endpoint": CHAT,
            "completion_window": WINDOW,
            "input_file_id": input_file_id,
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "created_at": now,
            "expires_at": now + _DAY,
            "status": "validating",
            "metadata": metadata,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        task = asyncio.create_task(self._run(batch_id, self._files.path(input_file_id).read_bytes()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self[batch_id]

    def __contains__(self, batch_id: object) -> bool:
        return batch_id in self._batches

    def __getitem__(self, batch_id: str) -> BatchObject:
        return self._batches[batch_id]

    def newest_first(self) -> list[BatchObject]:
        return list(reversed(self._batches.values()))

    def cancel(self, batch_id: str) -> BatchObject:
        """Lets a batch end early; what is answered by then is in its output file.

        Raises:
            ValueError: when it has ended already, or is about to.
        """
        status = self[batch_id]["status"]
        if status not in ("validating", "in_progress"):
            raise ValueError(f"a batch that is {status} cannot be cancelled")
        self._advance(batch_id, "cancelling")
        return self[batch_id]

    def _advance(self, batch_id: str, status: str, **changes: object) -> None:
        stamp = {f"{status}_at": int(time.time())}
        self._batches[batch_id] = {**self[batch_id], "status": status, **stamp, **changes}

    def _is_cancelled(self, batch_id: str) -> bool:
        return bool(self[batch_id]["status"] == "cancelling")

    async def _run(self, batch_id: str, content: bytes) -> None:
        """Takes a batch from validation to its end."""
        digest = hashlib.sha256(content).digest()
        fault = self._plan.batch_fault(digest, self._times_submitted[digest])
        self._times_submitted[digest] += 1
        await asyncio.sleep(self._seconds / 4)
        errors = await asyncio.to_thread(find_errors, content, self._plan)
        if fault == "batch_failed":
            errors = [batch_error(fault, "the fault plan finds this input invalid")]
        if errors:
            self._advance(batch_id, "failed", errors={"object": "list", "data": errors})
            return
        lines = request_lines(content)
        if not self._is_cancelled(batch_id):
            self._advance(batch_id, "in_progress")
        work = BatchWork(self._plan, self._ledger)
        await self._answer(batch_id, work, lines, len(lines) // 2 if fault == "batch_expired" else len(lines))
        end = "expired" if fault == "batch_expired" else "completed"
        if self._is_cancelled(batch_id):
            end = "cancelled"
        else:
            self._advance(batch_id, "finalizing")
        for line in lines[work.executed :]:
            work.leave_out(line, end)
        await asyncio.sleep(self._seconds / 4)
        random.Random(digest).shuffle(work.output)
        self._advance(
            batch_id,
            end,
            request_counts=work.counts(len(lines)),
            usage=work.usage(),
            output_file_id=self._write(work.output, f"{batch_id}_output.jsonl"),
            error_file_id=self._write(work.errors, f"{batch_id}_error.jsonl"),
        )

    async def _answer(self, batch_id: str, work: BatchWork, lines: list[bytes], most: int) -> None:
        """Executes up to so many requests, evenly over the half of the batch's time that is for it."""
        while work.executed < most and not self._is_cancelled(batch_id):
            some = lines[work.executed : min(most, work.executed + _AT_ONCE)]
            await asyncio.sleep(self._seconds / 2 * len(some) / len(lines))
            for line in some:
                work.execute(line)
            self._batches[batch_id] = {**self[batch_id], "request_counts": work.counts(len(lines))}

    def _write(self, lines: list[bytes], filename: str) -> str | None:
        """The id of a new file with these lines; without any there is no file."""
        return str(self._files.add(b"".join(lines), filename, "batch_output")["id"]) if lines else None
