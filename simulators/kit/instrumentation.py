"""The outermost layer of every simulator: writes the journal, applies the faults, serves `/__control__/`."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulators.kit.faults import Fault, FaultKind, Faults
from simulators.kit.journal import Entry, Journal

PAGE = "<!DOCTYPE html><html><head><title>Simulator</title></head><body>This is a page, not data.</body></html>"
TRANSPORT = "simulators.transport"  # put into scope["state"] by simulators.kit.serving
ENTRY = "simulators.entry"


def entry_of(request: Request) -> Entry:
    """The journal's entry of this request, so that a handler can add facts to it."""
    entry: Entry = request.scope["state"][ENTRY]
    return entry


class Instrumented:
    """ASGI application around `app`; `locate(request)` returns its (where, subject) before it is handled."""

    def __init__(
        self, app: ASGIApp, journal: Journal, faults: Faults, locate: Callable[[Request], tuple[str, str]]
    ) -> None:
        self._app, self._journal, self._faults, self._locate = app, journal, faults, locate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith("/__control__/"):
            await (await self._control(request))(scope, receive, send)
            return
        where, subject = self._locate(request)
        entry = self._journal.add(Entry(where.lower(), subject))
        scope.setdefault("state", {})[ENTRY] = entry

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            elif not message.get("more_body"):
                entry.finished_at = time.time()  # before the client can see the end and ask the journal
            await send(message)

        fault = self._faults.take(entry.where, subject)
        try:
            await self._apply(fault, scope, receive, noted)
        finally:
            entry.finished_at = entry.finished_at or time.time()

    async def _apply(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope["state"][ENTRY].fault = fault.kind.value
        if fault.kind in (FaultKind.TRUNCATE, FaultKind.SHORT, FaultKind.WRONG_LENGTH):
            await _damaged_body(fault.kind, self._app, scope, receive, send)
            return
        if fault.kind in (FaultKind.DELAY, FaultKind.HANG):
            await _held(fault)
        if fault.kind is FaultKind.DELAY:
            await self._app(scope, receive, send)
            return
        await Request(scope, receive).body()  # a client that is still sending would get a broken pipe instead
        if fault.kind in (FaultKind.HANG, FaultKind.DROP_CONNECTION):
            scope["state"][TRANSPORT].abort()
        else:
            await _ready_response(fault)(scope, receive, send)

    async def _control(self, request: Request) -> Response:
        """`/__control__/journal` and `/__control__/faults`: GET reads, DELETE clears, POST adds a fault."""
        books: dict[str, Journal | Faults] = {"journal": self._journal, "faults": self._faults}
        book = books.get(request.url.path.rsplit("/", 1)[1])
        if book is None:
            return JSONResponse({"error": "there are /__control__/journal and /__control__/faults"}, 404)
        if request.method == "DELETE":
            book.clear()
        elif request.method == "POST" and isinstance(book, Faults):
            try:
                book.add(**await request.json())
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(book.as_dicts())


def _ready_response(fault: Fault) -> Response:
    if fault.kind is FaultKind.REDIRECT:
        status = fault.status if 300 <= fault.status < 400 else 302
        return RedirectResponse(fault.url, status, headers=fault.headers)
    if fault.kind is FaultKind.HTML200:
        return HTMLResponse(PAGE, headers=fault.headers)
    if fault.kind is FaultKind.EMPTY:
        return Response(b"", headers=fault.headers)
    status = 200 if fault.kind is FaultKind.BODY else fault.status
    if isinstance(fault.body, str):
        kind = HTMLResponse if fault.body.lstrip().startswith("<") else PlainTextResponse
        return kind(fault.body, status, headers=fault.headers)
    return JSONResponse(fault.body, status, headers=fault.headers)


async def _damaged_body(kind: FaultKind, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Runs the application and damages its response."""
    start: dict[str, Any] = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    announced, sent = len(body), bytes(body)
    if kind in (FaultKind.TRUNCATE, FaultKind.SHORT):
        sent = sent[: len(sent) // 2]
    if kind is FaultKind.SHORT:
        announced = len(sent)
    if kind is FaultKind.WRONG_LENGTH:
        announced += 1000
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(announced).encode())]})
    await send({"type": "http.response.body", "body": sent, "more_body": announced != len(sent)})


async def _held(fault: Fault) -> None:
    """Waits for the fault's seconds; a test that lowers them lets go a request that already waits."""
    began = time.monotonic()
    while (left := began + fault.seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 0.05))
