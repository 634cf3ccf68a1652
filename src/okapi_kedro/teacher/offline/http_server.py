"""The offline teacher on loopback HTTP, with the faults of a plan and a count of all that it was asked."""

import asyncio
import json
import signal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from okapi_kedro.teacher.offline.batch_input import CHAT
from okapi_kedro.teacher.offline.batch_routes import BatchRoutes
from okapi_kedro.teacher.offline.batches import Batches
from okapi_kedro.teacher.offline.chat_route import ChatRoute, refuse
from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.files import FileStore
from okapi_kedro.teacher.offline.ledger import Ledger
from okapi_kedro.teacher.offline.server import NOTICE, handle

_LARGEST_UPLOAD = 512 * 1024**2
_DUMP = partial(json.dumps, separators=(",", ":"))


def application(plan: FaultPlan, latency: float, batch_seconds: float, folder: Path) -> web.Application:
    """The server's routes.

    Args:
        plan: what goes wrong, and when.
        latency: seconds that every chat answer takes.
        batch_seconds: seconds from the creation of a batch to its end.
        folder: an empty folder for uploaded files and for the output of batches.
    """
    ledger = Ledger()

    async def show_counts(request: web.Request) -> web.Response:
        return web.json_response(ledger.counts())

    async def show_received(request: web.Request) -> web.Response:
        return web.json_response(ledger.received(), dumps=_DUMP)

    files = FileStore(folder)
    chat = ChatRoute(plan, latency, ledger)
    batches = BatchRoutes(files, Batches(plan, ledger, files, batch_seconds), plan, ledger)
    routes = web.Application(client_max_size=_LARGEST_UPLOAD)
    routes.add_routes([web.post(CHAT, chat.answer)])
    routes.add_routes([web.get("/counts", show_counts), web.get("/received", show_received)])
    if plan.status is None:
        routes.add_routes([*batches.routes(), web.route("*", "/{rest:.*}", _answer_others)])
    else:
        routes.add_routes([web.route("*", "/{rest:.*}", partial(_refuse_all, plan))])
    return routes


async def _refuse_all(plan: FaultPlan, request: web.Request) -> web.Response:
    return refuse(plan, "status")


async def _answer_others(request: web.Request) -> web.Response:
    status, body = handle(request.method, request.path, b"")
    return web.json_response(body, status=status)


async def serve(port: int, plan: FaultPlan, latency: float, batch_seconds: float) -> None:
    """Answers on loopback until SIGINT or SIGTERM, after saying where.

    Args:
        port: port on 127.0.0.1; 0 takes a free one.
        plan: what goes wrong, and when.
        latency: seconds that every chat answer takes.
        batch_seconds: seconds from the creation of a batch to its end.

    Raises:
        OSError: when the port cannot be had.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with TemporaryDirectory(prefix="offline-teacher-") as folder:
        runner = web.AppRunner(
            application(plan, latency, batch_seconds, Path(folder)), access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
            print(f"{NOTICE}\nbase_url: http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
            await stop.wait()
        finally:
            await runner.cleanup()
