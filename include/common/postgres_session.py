"""One connection to PostgreSQL: short transactions, a statement timeout, the driver's errors turned into ours.

The connection may go through a pooler in transaction mode (PgBouncer): nothing of it outlives a transaction.

Statements are in `.sql` files, one file per family of statements, each statement with a name (aiosql).
"""

import select
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, Self, TypeVar

import aiosql
import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from include.common.errors import ExportError, NotConfigured, Temporary

Row = TypeVar("Row")

_STATEMENT_TIMEOUT_SEC = 120
_SURELY_ALIVE_SEC = 10
_IDLE_TIMEOUT_SEC = 600  # ends a transaction that its process has abandoned, and its locks
_ROWS_PER_FETCH = 2000


# A host that vanishes closes nothing: its connections, with the locks of an open transaction, end after 25 seconds.
_KEEPALIVES = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_SETTINGS = {
    "statement_timeout": f"{_STATEMENT_TIMEOUT_SEC}s",
    "idle_in_transaction_session_timeout": f"{_IDLE_TIMEOUT_SEC}s",
    "timezone": "UTC",
}
_MARK = "call_export.direct"  # a setting that only a server which has taken our settings knows
POOLER_REFUSES = "unsupported startup parameter"  # what PgBouncer says to settings


class Connected(NamedTuple):
    """`pooled`: between here and the server is a pooler that took no settings, so each transaction must bring them."""

    connection: Connection[Any]
    pooled: bool


def connect(conninfo: str, settings: Mapping[str, str] | None = None) -> Connected:
    """A connection in autocommit mode; `conninfo` is a libpq URL or keyword string.

    `settings` are further ones of the server; they win over ours.
    """
    wanted = {**_SETTINGS, **_KEEPALIVES, _MARK: "on", **(settings or {})}
    try:
        connection = _connected(conninfo, options=" ".join(f"-c {name}={value}" for name, value in wanted.items()))
    except psycopg.OperationalError as error:
        if POOLER_REFUSES not in str(error):
            raise
        connection = _connected(conninfo, options="")
    (mark,) = connection.execute("SELECT current_setting(%s, true)", [_MARK]).fetchone() or (None,)
    if mark != "on":
        connection.prepare_threshold = None  # the next transaction may be on another server connection
    return Connected(connection, pooled=mark != "on")


def _connected(conninfo: str, options: str) -> Connection[Any]:
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=10,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=25_000,
        application_name="call-export",
        options=options,
    )


@contextmanager
def our_errors() -> Iterator[None]:
    """Turns psycopg's exceptions into ours. At most the first line of their text is kept: the rest may quote a row.

    Temporary: the database stopped, refused a connection, timed out or chose this transaction to break a deadlock.
    NotConfigured: the schema is missing. Any other error is a defect: ExportError.
    """
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise Temporary("a statement took longer than it may", problem="statement_took_too_long") from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Temporary(f"the database did not execute a statement ({type(error).__name__})") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise NotConfigured(
            "the database schema is missing or old: run the migrations (make up runs them)", problem="schema_missing"
        ) from None
    except psycopg.Error as error:
        reason = error.diag.message_primary or "no details"
        raise ExportError(f"the database refused a statement: {type(error).__name__}: {reason}") from None


@cache
def _statements(file: Path) -> Any:
    return aiosql.from_path(file, "psycopg", mandatory_parameters=False)


class Session:
    """Opens its connection on first use and again after a loss. Threads may share it: they wait for each other.

    `queries` is the folder of the `.sql` files; `settings` as in `connect`.
    """

    def __init__(self, conninfo: str, queries: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.conninfo = conninfo
        self._settings = settings or {}
        self._pooled = False
        self._queries = queries
        self._connection: Connection[Any] | None = None
        self._lock = RLock()
        self._depth = 0
        self._used_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def statement(self, file: str, name: str) -> bytes:
        """The statement `name` of `<file>.sql`, its `:parameters` in psycopg's form."""
        text: str = getattr(_statements(self._queries / f"{file}.sql"), name).sql
        return text.encode()

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """Commits at the end of the block, rolls back on an exception; a nested block is a savepoint."""
        with self._lock, our_errors():
            # a connection lost inside a transaction must fail the transaction: a new one would lose its first half
            connection = self._connection if self._depth and self._connection else self._alive()
            self._depth += 1
            try:
                with connection.transaction():
                    if self._pooled and self._depth == 1:
                        self._set(connection)
                    yield connection
            finally:
                self._depth -= 1

    def rows(self, file: str, name: str, row: type[Row], **parameters: Any) -> list[Row]:
        """The statement's rows as objects of the class `row`."""
        with self._single() as connection, connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(self.statement(file, name), parameters).fetchall()

    def values(self, file: str, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The statement's rows as tuples."""
        with self._single() as connection:
            return connection.execute(self.statement(file, name), parameters).fetchall()

    def value(self, file: str, name: str, **parameters: Any) -> Any:
        """The first column of the statement's first row; None without a row."""
        found = self.values(file, name, **parameters)
        return found[0][0] if found else None

    def count(self, file: str, name: str, **parameters: Any) -> int:
        """How many rows the statement changed, or the number that it selects."""
        with self._single() as connection:
            cursor = connection.execute(self.statement(file, name), parameters)
            return int(cursor.fetchall()[0][0]) if cursor.description else cursor.rowcount

    def stream(self, file: str, name: str, row: type[Row], **parameters: Any) -> Generator[Row]:
        """The rows, a few thousand at a time. Inside, the session is in a transaction: close a stream you leave early.

        Other threads of the session wait until the stream ends.
        """
        with self.transaction() as connection, connection.cursor(name=name, row_factory=class_row(row)) as cursor:
            cursor.itersize = _ROWS_PER_FETCH
            yield from cursor.execute(self.statement(file, name), parameters)

    @contextmanager
    def _single(self) -> Iterator[Connection[Any]]:
        """For one statement: without BEGIN and COMMIT, which would be two round trips more."""
        with self._lock:
            if not self._depth:
                with our_errors():
                    connection = self._alive()
                    if not self._pooled:
                        yield connection
                        return
            with self.transaction() as connection:
                yield connection

    def _alive(self) -> Connection[Any]:
        """Checked before each transaction: a recognition takes minutes, and in that time a firewall or a restart of the
        server may cut the idle connection. The paid response that comes next must reach its table."""
        if self._connection is not None and not self._responds(self._connection):
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection, self._pooled = connect(self.conninfo, self._settings)
        self._used_at = time.monotonic()
        return self._connection

    def _set(self, connection: Connection[Any]) -> None:
        """The settings for the transaction that has begun."""
        wanted = {**_SETTINGS, **self._settings}
        each = ", ".join(["set_config(%s, %s, true)"] * len(wanted))
        connection.execute(f"SELECT {each}".encode(), [part for pair in wanted.items() for part in pair])

    def _responds(self, connection: Connection[Any]) -> bool:
        """A server that shuts down sends a message first: a connection used just now without one needs no question."""
        if time.monotonic() - self._used_at < _SURELY_ALIVE_SEC and not _has_unread_data(connection):
            return True
        try:
            connection.execute("SELECT 1")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False
        return True


def _has_unread_data(connection: Connection[Any]) -> bool:
    """Whether data without a question has arrived, for example the end of the connection."""
    try:
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    except (psycopg.OperationalError, ValueError, OSError):
        return True


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and halves of surrogate pairs; hostile JSON contains both."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def storable_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the text values of a mapping."""
    return {key: storable(value) if isinstance(value, str) else value for key, value in detail.items()}
