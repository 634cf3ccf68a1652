"""The offline teacher's HTTP server in a thread of the test's own process, where it starts at once."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.http_server import application


@contextmanager
def serving(plan: FaultPlan | None = None, latency: float = 0.0, batch_seconds: float = 0.0) -> Iterator[str]:
    """Serves while the context lasts, and gives the base_url; the arguments are those of `running_server`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    with TemporaryDirectory() as folder:
        app = application(plan or FaultPlan(), latency, batch_seconds, Path(folder))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        try:
            run(runner.setup())
            run(web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start())
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            run(runner.cleanup())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
