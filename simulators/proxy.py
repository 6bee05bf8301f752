"""A forward proxy: CONNECT tunnels and plain forwarding, optional Basic auth, and a journal of the requests.

Not for untrusted clients: it forwards to any address.
"""

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulators.kit.serving import listen, url_of

_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class ProxiedRequest:
    """One request that reached the proxy; `target` is host:port, `status` the proxy's own response or 200."""

    method: str
    target: str
    status: int


@dataclass
class ProxySimulator:
    """`user` and `password` empty: no auth. `resolve` replaces a host:port by another one, such as a simulator's."""

    user: str = ""
    password: str = ""
    resolve: dict[str, str] = field(default_factory=dict)
    journal: list[ProxiedRequest] = field(default_factory=list)

    def targets(self) -> set[str]:
        return {passed.target for passed in self.journal if passed.status == 200}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await self._respond(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client or a target that disconnects ends only its own tunnel
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _respond(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, address, _ = lines[0].split(" ", 2)
        url = urlsplit(address if "://" in address else f"//{address}")
        target = f"{url.hostname}:{url.port or 80}"
        if not self._authenticated(lines[1:]):
            refusal = b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n'
            await self._refuse(ProxiedRequest(method, target, 407), refusal, writer)
            return
        host, port = self.resolve.get(target, target).rsplit(":", 1)
        try:
            there = await asyncio.open_connection(host, int(port))
        except OSError:
            await self._refuse(ProxiedRequest(method, target, 502), b"HTTP/1.1 502 Bad Gateway\r\n", writer)
            return
        self.journal.append(ProxiedRequest(method, target, 200))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there[1].write(_forwarded(lines, address))
        await _tunnel((reader, writer), there)

    def _authenticated(self, headers: list[str]) -> bool:
        if not self.user:
            return True
        expected = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        given = [line.split(":", 1)[1].strip() for line in headers if line.lower().startswith("proxy-authorization:")]
        return given == [expected]

    async def _refuse(self, passed: ProxiedRequest, head: bytes, writer: asyncio.StreamWriter) -> None:
        self.journal.append(passed)
        writer.write(head + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()


def _forwarded(lines: list[str], address: str) -> bytes:
    """The request for the origin: its path instead of the whole URL, one request a connection."""
    url = urlsplit(address)
    method, _, version = lines[0].split(" ", 2)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    dropped = ("proxy-", "connection:")
    kept = [line for line in lines[1:] if line and not line.lower().startswith(dropped)]
    return "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""]).encode("latin-1")


async def _tunnel(
    here: tuple[asyncio.StreamReader, asyncio.StreamWriter], there: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Copies both ways until either side closes."""
    copies = [asyncio.ensure_future(_copy(here[0], there[1])), asyncio.ensure_future(_copy(there[0], here[1]))]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        there[1].close()  # before the first await: if the proxy is stopping, no code after the await runs
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        target.write(data)
        await target.drain()


@contextmanager
def proxying(proxy: ProxySimulator) -> Iterator[str]:
    """Runs the proxy in a thread on a free loopback port; yields its URL, without credentials."""
    listener = listen(0)
    runner, stop = asyncio.Runner(loop_factory=asyncio.new_event_loop), asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(proxy.handle, sock=listener):
            await stop.wait()

    def run() -> None:
        with runner:  # leaving it cancels tunnels that are still open
            runner.run(serve())

    loop = runner.get_loop()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield url_of(listener)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
