"""The HTTP side of the offline teacher's Files and Batch API."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from okapi_kedro.teacher.offline.batch_input import CHAT
from okapi_kedro.teacher.offline.batches import WINDOW, Batches
from okapi_kedro.teacher.offline.chat_route import refuse
from okapi_kedro.teacher.offline.fault_plan import FaultPlan
from okapi_kedro.teacher.offline.files import FileStore
from okapi_kedro.teacher.offline.ledger import Ledger
from okapi_kedro.teacher.offline.server import error_body, read_payload

_BATCHES_ON_A_PAGE = 20
_FILES_ON_A_PAGE = 10_000


class BatchRoutes:
    """Answers requests about files and batches.

    Args:
        files: the files, those of clients and those of batches.
        batches: the batches.
        plan: says when the quota is used up.
        ledger: counts what was answered.
    """

    def __init__(self, files: FileStore, batches: Batches, plan: FaultPlan, ledger: Ledger) -> None:
        self._files = files
        self._batches = batches
        self._plan = plan
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/files", self._add_file),
            web.get("/v1/files", self._list_files),
            web.get("/v1/files/{id}", self._show_file),
            web.get("/v1/files/{id}/content", self._send_content),
            web.delete("/v1/files/{id}", self._delete_file),
            web.post("/v1/batches", self._create_batch),
            web.get("/v1/batches", self._list_batches),
            web.get("/v1/batches/{id}", self._show_batch),
            web.post("/v1/batches/{id}/cancel", self._cancel_batch),
        ]

    async def _add_file(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, web.FileField) or not isinstance(purpose, str):
            return _refuse("a file needs the fields file and purpose")
        with file.file:
            return web.json_response(self._files.add(file.file.read(), file.filename, purpose))

    async def _list_files(self, request: web.Request) -> web.Response:
        purpose = request.query.get("purpose")
        found = [file for file in self._files.newest_first() if purpose in (None, file["purpose"])]
        return _page(found[::-1] if request.query.get("order") == "asc" else found, request, _FILES_ON_A_PAGE)

    async def _show_file(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        return web.json_response(self._files[file_id]) if file_id in self._files else _missing("file", file_id)

    async def _send_content(self, request: web.Request) -> web.StreamResponse:
        file_id = request.match_info["id"]
        return web.FileResponse(self._files.path(file_id)) if file_id in self._files else _missing("file", file_id)

    async def _delete_file(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        if file_id not in self._files:
            return _missing("file", file_id)
        self._files.delete(file_id)
        return web.json_response({"id": file_id, "object": "file", "deleted": True})

    async def _create_batch(self, request: web.Request) -> web.Response:
        if self._plan.quota_is_used_up(self._ledger.answered):
            return refuse(self._plan, "quota_after")
        try:
            asked = read_payload(await request.read())
        except ValueError as error:
            return _refuse(str(error))
        file_id, metadata = asked.get("input_file_id"), asked.get("metadata")
        if not isinstance(file_id, str) or file_id not in self._files or self._files[file_id]["purpose"] != "batch":
            return _refuse(f"input_file_id {file_id!r} names no file whose purpose is batch")
        if asked.get("endpoint") != CHAT or asked.get("completion_window") != WINDOW:
            return _refuse(f"endpoint has to be {CHAT} and completion_window {WINDOW}")
        if metadata is not None and not _is_metadata(metadata):
            return _refuse("metadata may have 16 keys of up to 64 characters, with texts of up to 512")
        return web.json_response(self._batches.create(file_id, metadata))

    async def _list_batches(self, request: web.Request) -> web.Response:
        return _page(self._batches.newest_first(), request, _BATCHES_ON_A_PAGE)

    async def _show_batch(self, request: web.Request) -> web.Response:
        batch_id = request.match_info["id"]
        return web.json_response(self._batches[batch_id]) if batch_id in self._batches else _missing("batch", batch_id)

    async def _cancel_batch(self, request: web.Request) -> web.Response:
        batch_id = request.match_info["id"]
        if batch_id not in self._batches:
            return _missing("batch", batch_id)
        try:
            return web.json_response(self._batches.cancel(batch_id))
        except ValueError as error:
            return _refuse(str(error))


def _is_metadata(value: Any) -> bool:
    """Whether OpenAI would keep this with a batch."""
    return (
        isinstance(value, dict)
        and len(value) <= 16
        and all(len(key) <= 64 and isinstance(text, str) and len(text) <= 512 for key, text in value.items())
    )


def _page(items: Sequence[dict[str, Any]], request: web.Request, default_limit: int) -> web.Response:
    """The part of a list that the query's `after` and `limit` ask for."""
    limit, after = request.query.get("limit", str(default_limit)), request.query.get("after")
    ids = [item["id"] for item in items]
    if not limit.isdecimal() or not 1 <= int(limit) <= _FILES_ON_A_PAGE:
        return _refuse(f"limit has to be a number from 1 to {_FILES_ON_A_PAGE}")
    if after is not None and after not in ids:
        return _refuse(f"after={after} is not in the list")
    start = 0 if after is None else ids.index(after) + 1
    shown = items[start : start + int(limit)]
    return web.json_response(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": start + len(shown) < len(items),
        }
    )


def _missing(kind: str, name: str) -> web.Response:
    return web.json_response(error_body(f"there is no {kind} {name}"), status=404)


def _refuse(message: str) -> web.Response:
    return web.json_response(error_body(message), status=400)
