"""Runs a function in one process or in several that train together."""

import json
import logging
import os
import signal
import tempfile
import threading
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import datasets
import torch
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from transformers.utils import logging as transformers_logging

from okapi_kedro.errors import UserError
from okapi_kedro.training.freed_memory import keep_freed_memory

Result = TypeVar("Result")

# Processes that wait for a dead one in a collective do not hear a polite signal.
_SECONDS_TO_STOP = 5
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class WorkerError(RuntimeError):
    """A process that trains with others failed; the message is its traceback."""


def launch(function: Callable[..., Result], *arguments: Any, processes: int) -> Result:
    """What the function returns, in the first process when there are several.

    One process is this one. Several are started on this machine and find each other through torch's elastic launch; an
    error in one of them, or an interruption of this one, ends them all.

    Args:
        function: importable by its name.
        arguments: small ones: paths and names rather than tables and models.
        processes: how many run the function at once.

    Raises:
        UserError: as a process has raised it, or when there are fewer accelerators than processes.
        WorkerError: with the traceback of the process that failed first.
        KeyboardInterrupt: after all processes have ended.
    """
    if processes == 1:
        return function(*arguments)
    if torch.accelerator.is_available() and processes > torch.accelerator.device_count():
        raise UserError(
            f"training.processes is {processes} and there are {torch.accelerator.device_count()} accelerators: "
            "lower it, each process trains on one of its own"
        )
    configuration = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        start_method="spawn",
        shutdown_timeout=_SECONDS_TO_STOP,
    )
    with tempfile.TemporaryDirectory(prefix="okapi-errors-") as folder, _signals_as_before(), _without_its_log():
        try:
            results = elastic_launch(configuration, _work)(function, arguments, Path(folder), processes)
        except SignalException as stopped:
            if stopped.sigval == signal.SIGINT:
                raise KeyboardInterrupt from None
            raise SystemExit(128 + stopped.sigval) from None
        except ChildFailedError as failed:
            raise _error_of(Path(folder), failed) from None
    first: Result = results[0]
    return first


def _work(function: Callable[..., Result], arguments: tuple[Any, ...], errors: Path, processes: int) -> Result:
    """One process's part; an error is written down before it ends the process."""
    rank = int(os.environ["RANK"])
    # An interruption is for the process that has started this one to tell of.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if rank > 0:
        logging.disable(logging.INFO)
    # transformers 5 deprecates arguments that TRL 1.16 still takes.
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    keep_freed_memory()
    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
    try:
        result = function(*arguments)
    except Exception as error:
        _write_down(error, errors / f"{rank}.json")
        raise
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return result


def _write_down(error: Exception, path: Path) -> None:
    told = {"is_users": isinstance(error, UserError), "message": str(error), "traceback": traceback.format_exc()}
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.rename(path)


def _error_of(folder: Path, failed: ChildFailedError) -> Exception:
    """The first error that was written down: those of the others follow from it."""
    written = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    if not written:
        rank, failure = failed.get_first_failure()
        return WorkerError(f"process {rank} ended without a word: {failure.message}")
    first = json.loads(written[0].read_text(encoding="utf-8"))
    if first["is_users"]:
        return UserError(first["message"])
    return WorkerError(f"process {written[0].stem} failed:\n{first['traceback']}")


@contextmanager
def _signals_as_before() -> Iterator[None]:
    """Gives signals back to whom they belonged: in the main thread, the launch takes them and keeps them."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _SIGNALS if in_main_thread}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _without_its_log() -> Iterator[None]:
    """Silences what the launch says of processes that it closes; we say it in one line."""
    logs = [logging.getLogger(name) for name in ("torch.distributed.elastic", "torch.multiprocessing.spawn")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
