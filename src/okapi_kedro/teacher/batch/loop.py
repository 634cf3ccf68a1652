"""Runs a coroutine to its end from anywhere, also from where an event loop runs already, as in a notebook."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, from an event loop in a thread of its own; Ctrl-C cancels it and waits for its end."""
    with closing(asyncio.new_event_loop()) as loop, ThreadPoolExecutor(1) as thread:
        task = loop.create_task(coroutine)
        running = thread.submit(loop.run_until_complete, task)
        try:
            return running.result()
        finally:
            if not running.done():
                loop.call_soon_threadsafe(task.cancel)
