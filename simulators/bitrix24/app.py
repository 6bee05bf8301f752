"""The simulated portal as an ASGI application."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.bitrix24.batch import run_batch
from simulators.bitrix24.downloads import drive_file, storage_file
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.links import Links
from simulators.bitrix24.methods import MethodCall, Methods, Rights
from simulators.bitrix24.php import Params, parse_query
from simulators.bitrix24.responses import PortalError, Result, envelope, time_block
from simulators.bitrix24.world import PortalWorld
from simulators.kit.faults import FaultKind, Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Entry, Journal

TOKEN = "simulated-token"


class PortalSimulator:
    """Serves a world under `/rest/{user}/{token}/{method}[.json]`, `/rest/download.json` and `/storage/...`.

    Everything public may be changed while it runs. `refuse_all` is the error of every call, for instance
    "expired_token" or "OVERLOAD_LIMIT".
    """

    def __init__(
        self,
        world: PortalWorld,
        *,
        user: str = "1",
        token: str = TOKEN,
        limits: Limits | None = None,
        rights: Rights | None = None,
        link_ttl: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.world, self.user, self.token, self.clock = world, user, token, clock
        self.limits = limits or Limits()
        self.rights = rights or Rights()
        self.links = Links(link_ttl)
        self.methods = Methods(world, self.rights, self.links, owner_id=user)
        self.journal, self.faults = Journal(), Faults()
        self.refuse_all: str | None = None
        self.picky_downloads = False
        self.zone = world.zone
        self._hooks: list[tuple[str, int, Callable[[], None]]] = []
        routes = [
            Route("/rest/download.json", self._download),
            Route("/rest/{method}", self._unauthorised, methods=["GET", "POST"]),
            Route("/rest/{user}/{token}/{method}", self._rest, methods=["GET", "POST"]),
            Route("/storage/{path:path}", self._storage),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, self._locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def webhook(self, base_url: str) -> str:
        """The webhook's address with its secret, as clients take it."""
        return f"{base_url}/rest/{self.user}/{self.token}/"

    def before(self, method: str, nth: int, action: Callable[[], None]) -> None:
        """Runs `action` right before the response to the `nth` call of `method` (from 1, batched calls included)."""
        self._hooks.append((method.lower(), nth, action))

    def _locate(self, request: Request) -> tuple[str, str]:
        path = request.url.path
        if path.startswith("/storage/"):
            return "storage", path.removeprefix("/storage/")
        if path == "/rest/download.json":
            opened = self.links.open(parse_qs(request.url.query).get("token", [""])[0])
            return "download", str(opened[0]) if opened else ""
        return path.rsplit("/", 1)[1].lower().removesuffix(".json"), ""

    async def _unauthorised(self, request: Request) -> Response:
        return _refusal(request, PortalError("NO_AUTH_FOUND"))

    async def _rest(self, request: Request) -> Response:
        started = self.clock()
        method = request.path_params["method"].lower().removesuffix(".json")
        try:
            self._admit(request)
            params = await _params_of(request)
            base_url = str(request.base_url).rstrip("/")
            body = run_in_threadpool(self._respond, method, params, base_url, started, entry_of(request))
            return JSONResponse(await body)
        except PortalError as refused:
            return _refusal(request, refused)

    def _admit(self, request: Request) -> None:
        if not self.limits.admit(self.clock()):
            raise PortalError("QUERY_LIMIT_EXCEEDED")
        if self.refuse_all:
            raise PortalError(self.refuse_all)
        if (request.path_params["user"], request.path_params["token"]) != (self.user, self.token):
            raise PortalError("INVALID_CREDENTIALS")

    def _respond(self, method: str, params: Params, base_url: str, started: float, entry: Entry) -> dict[str, Any]:
        if method != "batch":
            entry.detail["params"] = params
            result, timing = self._call(method, params, base_url, started)
            return envelope(result, timing)

        def inner(name: str, inner_params: Params) -> tuple[Result, dict[str, Any]]:
            note = self.journal.add(Entry(name, inner=True, status=200, detail={"params": inner_params}))
            try:
                return self._call(name, inner_params, base_url, self.clock())
            except PortalError as refused:
                note.status, note.error = refused.status, refused.error
                raise
            finally:
                note.finished_at = time.time()

        result = run_batch(params, inner)
        now = self.clock()
        return envelope(result, time_block(started, now, self.zone, 0.0, self.limits.reset_at("batch", now)))

    def _call(self, method: str, params: Params, base_url: str, started: float) -> tuple[Result, dict[str, Any]]:
        """Raises PortalError. The budget of a method is charged before it is known whether it succeeds."""
        self._run_hooks(method)
        fault = self.faults.take(method, of_method=True)
        if fault is not None and fault.kind is FaultKind.ERROR:
            raise PortalError(fault.body["error"], fault.body.get("error_description", ""), fault.status)
        if not self.limits.spend(method, started):
            raise PortalError("OPERATION_TIME_LIMIT")
        result = self.methods.call(method, MethodCall(params, base_url, started))
        finished = self.clock()
        operating, reset_at = self.limits.operating(method, finished), self.limits.reset_at(method, finished)
        return result, time_block(started, finished, self.zone, operating, reset_at)

    def _run_hooks(self, method: str) -> None:
        # the journal already has the entry of this call; the request around a batch has another name
        nth = self.journal.count(method)
        for hook in [hook for hook in self._hooks if hook[:2] == (method, nth)]:
            self._hooks.remove(hook)
            hook[2]()

    async def _download(self, request: Request) -> Response:
        if not self.limits.admit(self.clock()):
            return _refusal(request, PortalError("QUERY_LIMIT_EXCEEDED"))
        return await drive_file(request, self.world, self.links, self.clock(), picky=self.picky_downloads)

    async def _storage(self, request: Request) -> Response:
        return await storage_file(request, self.world, request.path_params["path"])


def _refusal(request: Request, refused: PortalError) -> Response:
    entry_of(request).error = refused.error
    return JSONResponse(refused.as_dict(), refused.status)


async def _params_of(request: Request) -> Params:
    """Query and body together, the body's values last; the body is JSON or a form."""
    params = parse_query(request.url.query)
    body = await request.body()
    if "json" in request.headers.get("content-type", "") or body[:1] in (b"{", b"["):
        given = await request.json() if body else {}
        return {**params, **given} if isinstance(given, dict) else params
    return {**params, **parse_query(body.decode())}
