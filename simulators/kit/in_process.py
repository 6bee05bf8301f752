"""Simulators inside a test's own process: `with running(PortalSimulator(world)) as url:`."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from simulators.kit.serving import listen, server_of, url_of


class _InThread:
    """A uvicorn server with a thread and a loop of its own.

    uvicorn looks ten times a second whether it is to end, and a suite starts thousands: here its task is cancelled.
    """

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended: the server failed
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # kept alive by a client, it would be a warning in a later test
        await asyncio.sleep(0.01)  # the loop closes them in its next iterations


@contextmanager
def running(app: ASGIApp, *, port: int = 0, cert: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """Serves `app` from a thread on loopback; yields its base URL without a slash at the end.

    With `cert` and `key` (PEM files) it speaks TLS only.
    """
    listener = listen(port)
    server = _InThread(server_of(app, cert=cert, key=key), listener)
    try:
        # the socket already listens: a request sent before the loop runs waits in its queue
        yield url_of(listener, tls=cert is not None)
    finally:
        server.stop()
