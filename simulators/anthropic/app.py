"""The simulated language model behind Anthropic's Messages API, in the form of its documentation of autumn 2026.

`POST /v1/messages` with structured output (`output_config.format`), `GET /v1/models`; errors have the vendor's envelope
`{"type": "error", "error": {"type", "message"}, "request_id"}`.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.anthropic import errors
from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal
from simulators.openai.scorecard_judge import answer_by_text

KEY = "sk-ant-simulated-key-0000"
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5")
JsonDict = dict[str, Any]
Says = Callable[[JsonDict, str], Any]  # the schema and the text of the question -> the content of the response


class MessagesSimulator:
    """Everything public may be changed while it runs.

    `says` makes the content of a response of the requested schema and the user's text. `stop_reason` other than
    "end_turn" cuts or refuses. `no_money` is the empty account, which this vendor reports with 400.
    """

    def __init__(self, *, key: str = KEY) -> None:
        self.key = key
        self.says: Says = answer_by_text
        self.stop_reason = "end_turn"
        self.no_money = False
        self.retired: set[str] = set()
        self.seconds = 0.0  # that a response takes
        self.journal, self.faults = Journal(), Faults()
        routes = [
            Route("/v1/messages", self._guarded(self._message), methods=["POST"]),
            Route("/v1/models", self._guarded(self._models), methods=["GET"]),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            await request.body()
            identity = f"req_{hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:24]}"
            try:
                self._admit(request)
                response = await handler(request)
            except errors.MessagesError as error:
                entry_of(request).error = error.kind
                response = JSONResponse(error.as_dict(identity), error.status, error.headers)
            response.headers["request-id"] = identity
            return response

        return guarded

    def _admit(self, request: Request) -> None:
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if "anthropic-version" not in request.headers:
            raise errors.invalid("anthropic-version: header is required")
        if given != self.key:
            raise errors.wrong_key()
        if self.no_money:
            raise errors.no_money()

    async def _message(self, request: Request) -> Response:
        wanted = await request.json()
        entry = entry_of(request)
        entry.detail = {"model": wanted.get("model"), "request": wanted}
        _check(wanted)
        if wanted["model"] not in MODELS or wanted["model"] in self.retired:
            raise errors.unknown_model(wanted["model"])
        await asyncio.sleep(self.seconds)
        schema = wanted["output_config"]["format"]["schema"] if "output_config" in wanted else {"type": "string"}
        text = json.dumps(self.says(schema, _said_by_user(wanted)), ensure_ascii=False)
        if self.stop_reason == "max_tokens":
            text = text[: len(text) // 2]
        written = sum(len(str(part)) for part in (wanted.get("system", ""), wanted["messages"]))
        return JSONResponse(
            {
                "id": f"msg_simulated_{self.journal.count('messages')}",
                "type": "message",
                "role": "assistant",
                "model": wanted["model"],
                "content": [] if self.stop_reason == "refusal" else [{"type": "text", "text": text}],
                "stop_reason": self.stop_reason,
                "stop_sequence": None,
                "usage": {
                    "input_tokens": max(1, written // 3),
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "output_tokens": max(1, len(text) // 3),
                    "service_tier": "standard",
                },
            }
        )

    async def _models(self, _request: Request) -> Response:
        listed = [{"type": "model", "id": name, "display_name": name} for name in MODELS if name not in self.retired]
        return JSONResponse({"data": listed, "has_more": False, "first_id": None, "last_id": None})


def _check(wanted: JsonDict) -> None:
    for field in ("model", "max_tokens", "messages"):
        if field not in wanted:
            raise errors.invalid(f"{field}: Field required")
    if wanted["messages"][0].get("role") != "user":
        raise errors.invalid("messages: first message must use the user role")
    if "temperature" in wanted:
        raise errors.invalid("temperature: is not supported by this model")


def _said_by_user(wanted: JsonDict) -> str:
    content = wanted["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _locate(request: Request) -> tuple[str, str]:
    return request.url.path.removeprefix("/v1/"), ""
