"""Databases made and removed beside the one of a URL: to restore into, never over one that is in use."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from include.common.errors import NotConfigured, Temporary

SCRATCH_PREFIX = "call_export_scratch_"
_OLD_SECONDS = 24 * 3600  # a verification this old is dead


def beside(url: str, database: str) -> str:
    """The same server and user, another database."""
    return make_conninfo(url, dbname=database)


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The URL of an empty database on the same server, dropped at the end. What killed processes left is dropped too.

    Raises NotConfigured if the user may not create one.
    """
    with _server(url) as server:
        _sweep(server)
        (now,) = server.execute("SELECT extract(epoch FROM now())::bigint").fetchone() or (0,)
        name = f"{SCRATCH_PREFIX}{now}_{secrets.token_hex(3)}"
        _create(server, name)
        try:
            yield beside(url, name)
        finally:
            _drop(server, name)


def create_if_missing(url: str) -> None:
    name = name_of(url)
    with _server(url) as server:
        if not _exists(server, name):
            _create(server, name)


def sessions(url: str) -> int:
    """How many others are connected to the database; 0 where there is none.

    The server's own workers do not count: autovacuum often begins when the server has started, and gives way.
    """
    with _server(url) as server:
        found = server.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            (name_of(url),),
        ).fetchone()
        return int(found[0]) if found else 0


def set_aside(url: str, suffix: str) -> str:
    """Renames the database and makes an empty one of its name; returns the old one's new name.

    Raises NotConfigured for a database in use; PostgreSQL itself would wait five seconds for its users first.
    """
    name = name_of(url)
    if sessions(url):
        raise database_in_use(name)
    aside = f"{name}_{suffix}"
    with _server(url) as server:
        try:
            server.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(aside))
            )
        except psycopg.errors.ObjectInUse:
            raise database_in_use(name) from None
        _create(server, name)
    return aside


def database_in_use(name: str) -> NotConfigured:
    return NotConfigured(
        f"the database {name} is in use: stop the system with make down and close other connections",
        problem="database_in_use",
        database=name,
    )


def size_of(url: str) -> int:
    """Bytes of the database on the server's disk."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(found[0]) if found else 0


def _create(server: "psycopg.Connection[Any]", name: str) -> None:
    try:
        # template0: what an administrator has put into template1 is no part of the dump
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege:
        raise NotConfigured(
            f"the user of the database may not run CREATE DATABASE {name}: give it CREATEDB",
            problem="no_scratch_database",
        ) from None


def _drop(server: "psycopg.Connection[Any]", name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _exists(server: "psycopg.Connection[Any]", name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _sweep(server: "psycopg.Connection[Any]") -> None:
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE datname ~ %s"
        " AND split_part(substr(datname, %s), '_', 1)::bigint < extract(epoch FROM now()) - %s",
        (f"^{SCRATCH_PREFIX}[0-9]+_", len(SCRATCH_PREFIX) + 1, _OLD_SECONDS),
    ).fetchall()
    for (name,) in rows:
        _drop(server, name)


@contextmanager
def _server(url: str) -> "Iterator[psycopg.Connection[Any]]":
    """A connection to the maintenance database: one cannot create, rename or drop from inside."""
    try:
        connection = psycopg.connect(beside(url, "postgres"), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        raise Temporary(
            "the database server does not respond: check its address, user and password", problem="no_database_server"
        ) from None
    with connection:
        yield connection
