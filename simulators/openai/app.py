"""The simulated recogniser as an ASGI application: the OpenAI wire format under `/v1`."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import av
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal
from simulators.openai import errors, responses, text_model
from simulators.openai.models import MAX_REQUEST_BYTES, MODELS
from simulators.openai.requests import TranscriptionRequest, check_length, read_request
from simulators.openai.speech import Segment, seconds_of, segments_of

KEY = "sk-simulated-key-0000"
_PLACES = {"/v1/audio/transcriptions": "transcriptions", "/v1/chat/completions": "chat", "/v1/responses": "responses"}
_FAR_TOO_LARGE = "<html><head><title>413 Request Entity Too Large</title></head><body>cloudflare</body></html>"


class RecogniserSimulator:
    """Everything public may be changed while it runs.

    `latency_per_minute` is in seconds per minute of audio, from the complete request until the response, its own
    work included. `requests_per_minute` refuses more than that with 429;
    `no_money` is the code of an empty account, for instance "insufficient_quota". `says`, by model, is the recognised
    text instead of our own sentences (None: those). An `obedient` language model follows instructions in any text;
    `writes` makes its response of the requested schema and the user's text (None: the simplest that the schema allows).
    """

    def __init__(self, *, key: str = KEY, latency_per_minute: float = 0.0, requests_per_minute: int = 5000) -> None:
        self.key, self.latency_per_minute = key, latency_per_minute
        self.requests_per_minute = requests_per_minute
        self.no_money: str | None = None
        self.says: Callable[[str], str | None] = lambda _model: None
        self.obedient = False
        self.writes: Callable[[dict[str, Any], str], Any] | None = None
        self.seconds = 0.0  # that the language model takes
        self.retired: set[str] = set()  # models that no longer exist
        self.journal, self.faults = Journal(), Faults()
        self._recent: deque[float] = deque()
        routes = [
            Route("/v1/audio/transcriptions", self._guarded(self._transcribe), methods=["POST"]),
            Route("/v1/chat/completions", self._guarded(self._chat), methods=["POST"]),
            Route("/v1/responses", self._guarded(self._response), methods=["POST"]),
            Route("/v1/models", self._guarded(self._models), methods=["GET"]),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            await request.body()  # the whole request is read before any refusal, as a proxy in front of a server does
            try:
                self._admit(request)
                response = await handler(request)
            except errors.RecogniserError as error:
                entry_of(request).error = error.code or error.kind
                response = JSONResponse(error.as_dict(), error.status, error.headers)
            response.headers.update(self._rate_headers())
            response.headers["x-request-id"] = f"req_{hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:32]}"
            return response

        return guarded

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not given:
            raise errors.no_key()
        if given != f"Bearer {self.key}":
            raise errors.wrong_key(given.removeprefix("Bearer "))
        if self.no_money:
            raise errors.no_money(self.no_money)
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 60:
            self._recent.popleft()
        if len(self._recent) >= self.requests_per_minute:
            wait = 60 - (now - self._recent[0]) if self._recent else 60.0
            raise errors.too_often("requests", self.requests_per_minute, wait)
        self._recent.append(now)

    def _rate_headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": str(self.requests_per_minute),
            "x-ratelimit-remaining-requests": str(max(0, self.requests_per_minute - len(self._recent))),
            "x-ratelimit-reset-requests": "1.2s",
        }

    async def _transcribe(self, request: Request) -> Response:
        size = len(await request.body())
        arrived = time.monotonic()
        if size > 4 * MAX_REQUEST_BYTES:
            return HTMLResponse(_FAR_TOO_LARGE, 413)
        if size > MAX_REQUEST_BYTES:
            raise errors.too_large(MAX_REQUEST_BYTES, size)
        async with request.form() as form:
            wanted = await read_request(form)
        entry = entry_of(request)
        entry.subject = hashlib.sha256(wanted.audio).hexdigest()
        entry.detail = {"model": wanted.model, "filename": wanted.filename, "fields": wanted.fields}
        if wanted.model in self.retired:
            raise errors.unknown_model(wanted.model)
        seconds = await run_in_threadpool(_measure, wanted)
        entry.detail["seconds"] = seconds
        check_length(wanted, seconds)
        said = self.says(wanted.model)
        segments = segments_of(wanted.audio, seconds) if said is None else [Segment(0.0, seconds, said)]
        response = responses.transcription(wanted.model, wanted.response_format, segments, seconds)
        await asyncio.sleep(arrived + self.latency_per_minute * seconds / 60 - time.monotonic())
        return response

    async def _chat(self, request: Request) -> Response:
        number = self.journal.count("chat")
        wanted = await request.json()
        entry_of(request).detail = {"model": wanted.get("model"), "request": wanted}
        if wanted["model"] in self.retired:
            raise errors.unknown_model(wanted["model"])
        await asyncio.sleep(self.seconds)
        return JSONResponse(
            text_model.chat_completion(wanted, number, time.time(), obedient=self.obedient, writes=self.writes)
        )

    async def _response(self, request: Request) -> Response:
        number = self.journal.count("responses")
        return JSONResponse(text_model.response(await request.json(), number, time.time()))

    async def _models(self, _request: Request) -> Response:
        listed = [{"id": name, "object": "model", "owned_by": "simulator"} for name in MODELS.keys() - self.retired]
        return JSONResponse({"object": "list", "data": listed})


def _locate(request: Request) -> tuple[str, str]:
    return _PLACES.get(request.url.path, request.url.path), ""


def _measure(wanted: TranscriptionRequest) -> float:
    try:
        return seconds_of(wanted.audio)
    except (av.FFmpegError, ValueError):
        raise errors.undecodable(wanted.model) from None
