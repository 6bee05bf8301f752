"""A pace that never waits, and a server with prepared replies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.webhook import Webhook
from tests.kit.paths import DATA

TOKEN = "s3cr3tt0ken"
RECORDED = DATA / "bitrix24"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


@dataclass
class FakePace:
    """Counts permits and keeps refusals as (code, seconds, method)."""

    permits: int = 0
    refusals: list[tuple[str, float, str]] = field(default_factory=list)

    def acquire(self) -> None:
        self.permits += 1

    def refused(self, code: str, seconds: float, method: str) -> None:
        self.refusals.append((code, seconds, method))


@dataclass
class Reply:
    """`body` is JSON unless it is bytes; `cut` closes the connection after so many bytes of it."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Request:
    verb: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """Gives out `replies` in order, the last one for ever, and keeps the requests."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(*replies: Reply) -> Iterator[Server]:
    server = Server(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            server.requests.append(Request(self.command, self.path, dict(self.headers), body))
            reply = server.reply()
            self.send_response(reply.status)
            for name, value in ({"Content-Length": str(len(reply.payload))} | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.payload[: reply.cut])
            self.close_connection = reply.cut is not None

        do_GET = do_POST  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Tests look at `requests` instead."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


@contextmanager
def portal_at(url: str, pace: FakePace | None = None, *, token: str = TOKEN, **options: Any) -> Iterator[Portal]:
    portal = Portal(Webhook.of(url, "1", token), pace or FakePace(), **options)
    try:
        yield portal
    finally:
        portal.close()


def ok(result: Any, **more: Any) -> Reply:
    return Reply(200, {"result": result, **more})


def batch_response(results: Any = (), errors: Any = ()) -> Reply:
    """Empty parts are lists, as PHP writes them."""
    return ok({"result": results or [], "result_error": errors or [], "result_time": []})
