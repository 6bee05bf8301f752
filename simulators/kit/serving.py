"""Runs a simulator under uvicorn, on loopback if no other address of this machine is asked for."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulators.kit.instrumentation import TRANSPORT


class _ReachableTransport(H11Protocol):
    """Lets the application reset its connection: ASGI itself has no message for that."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def server_of(app: ASGIApp, *, cert: Path | None = None, key: Path | None = None) -> uvicorn.Server:
    """A server not yet started; with `cert` and `key` (PEM files) it speaks TLS only."""
    config = uvicorn.Config(
        app,
        http=_ReachableTransport,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # damaged responses are on purpose; uvicorn would report each as our error
        ssl_certfile=cert,
        ssl_keyfile=key,
        timeout_keep_alive=75,
    )
    return uvicorn.Server(config)


LOOPBACK = "127.0.0.1"


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    listener = socket.socket(
        proto=socket.IPPROTO_TCP
    )  # asyncio's TCP_NODELAY needs it: otherwise 40 ms more for each response
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    host, port = listener.getsockname()
    return f"{'https' if tls else 'http'}://{host}:{port}"


def announce(**about: str) -> None:
    """One JSON line for the process that started the program and waits for it."""
    sys.stdout.write(json.dumps(about) + "\n")
    sys.stdout.flush()


def serve(app: ASGIApp, port: int, host: str = LOOPBACK) -> None:
    """Serves until SIGINT or SIGTERM; announces its URL once the port accepts connections."""
    sys.setswitchinterval(0.0005)  # a response must not wait while a thread measures the audio of another request
    listener = listen(port, host)
    announce(url=url_of(listener))
    server_of(app).run(sockets=[listener])
