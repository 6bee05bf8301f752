"""A misbehaving network in front of an S3 server: forwards what it gets, spoilt by faults on demand."""

import requests
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented
from simulators.kit.journal import Journal

_OF_ONE_CONNECTION = {"connection", "content-encoding", "content-length", "host", "transfer-encoding"}


class S3Front:
    """Faults and journal entries are by HTTP method: `put`, `get`, `head`; the subject is the path."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.journal, self.faults = Journal(), Faults()
        self._watched = Instrumented(self._forward, self.journal, self.faults, lambda r: (r.method, r.url.path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._watched(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        answer = await run_in_threadpool(self._ask, request, body)
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        if request.method == "HEAD":
            headers["content-length"] = answer.headers.get("content-length", "0")
        await Response(answer.content, answer.status_code, headers)(scope, receive, send)

    def _ask(self, request: Request, body: bytes) -> requests.Response:
        path = request.scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
        kept = {name: value for name, value in request.headers.items() if name != "host"}
        return requests.request(request.method, self.behind + path, data=body, headers=kept, timeout=10)
