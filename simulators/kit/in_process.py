"""Simulators inside a test's own process: `with running(PortalSimulator(world)) as url:`."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from simulators.kit.serving import listen, server_of, url_of


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])
    for connection in list(server.server_state.connections):
        connection.transport.abort()  # clients keep connections alive; an open one would be a warning in a later test
    await asyncio.sleep(0.01)  # the loop closes them in its next iterations


@contextmanager
def running(app: ASGIApp, *, port: int = 0, cert: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """Serves `app` from a thread on loopback; yields its base URL without a slash at the end.

    With `cert` and `key` (PEM files) it speaks TLS only.
    """
    listener = listen(port)
    server = server_of(app, cert=cert, key=key)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, listener)), daemon=True)
    thread.start()
    try:
        # the socket already listens: a request sent before the loop runs waits in its queue
        yield url_of(listener, tls=cert is not None)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=10)
        listener.close()
