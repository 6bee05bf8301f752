"""A sink for Slack's incoming webhooks: keeps the posted messages, responds "ok" as Slack does."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal


class SlackSimulator:
    """Takes POSTs under `/services/...`; `messages` are their JSON bodies in order."""

    def __init__(self) -> None:
        self.journal, self.faults = Journal(), Faults()
        self.messages: list[dict[str, Any]] = []
        routes = [Route("/services/{path:path}", self._take, methods=["POST"])]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, lambda _request: ("slack", ""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _take(self, request: Request) -> Response:
        message = await request.json()
        if not message.get("text") and not message.get("blocks"):
            return PlainTextResponse("no_text", 400)
        self.messages.append(message)
        entry_of(request).detail = message
        return PlainTextResponse("ok")
