"""One connection to the state: short transactions, a statement timeout, foreign errors turned into ours."""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, Self, TypeVar

import aiosql
import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from include.common.errors import ExportError, NotConfigured, Temporary

Row = TypeVar("Row")

_STATEMENT_TIMEOUT_SEC = 120
_SURELY_ALIVE_SEC = 10
_IDLE_TIMEOUT_SEC = 600  # a transaction that its process forgot must not hold its rows for ever


def connect(conninfo: str) -> Connection[Any]:
    """A connection in autocommit mode; `conninfo` is a libpq URL or keyword string."""
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=10,
        keepalives_idle=30,
        application_name="call-export",
        options=(
            f"-c statement_timeout={_STATEMENT_TIMEOUT_SEC}s"
            f" -c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_SEC}s -c timezone=UTC"
        ),
    )


@contextmanager
def our_errors() -> Iterator[None]:
    """psycopg's exceptions as ours. Their text may quote the conninfo or a row, so only its first line is kept at most.

    Temporary: the database went away, refused a connection, timed out, chose us as the deadlock's victim.
    NotConfigured: the schema is missing. Anything else is a defect: ExportError.
    """
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Temporary(f"the state database did not do its work ({type(error).__name__})") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise NotConfigured("the state's schema is missing or old; run the migrations (make up does)") from None
    except psycopg.Error as error:
        reason = error.diag.message_primary or "no details"
        raise ExportError(f"the state database refused a statement: {type(error).__name__}: {reason}") from None


def statement(file: str, name: str) -> bytes:
    """The statement `name` of `queries/<file>.sql`, its `:parameters` in psycopg's form."""
    text: str = getattr(_queries(file), name).sql
    return text.encode()


@cache
def _queries(file: str) -> Any:
    return aiosql.from_path(Path(__file__).parent / "queries" / f"{file}.sql", "psycopg", mandatory_parameters=False)


class Session:
    """Opens its connection on first use and again after a loss; may be shared by threads, which take turns."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: Connection[Any] | None = None
        self._turn = RLock()
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

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """Committed at the end of the block, rolled back by an exception; inside another one it is a savepoint."""
        with self._turn, our_errors():
            # inside another transaction a lost connection must fail it, never be replaced under its feet
            connection = self._connection if self._depth and self._connection else self._alive()
            self._depth += 1
            try:
                with connection.transaction():
                    yield connection
            finally:
                self._depth -= 1

    @contextmanager
    def _single(self) -> Iterator[Connection[Any]]:
        """For one statement: a transaction of its own without BEGIN and COMMIT, which would be two round trips more."""
        with self._turn:
            if self._depth:
                with self.transaction() as connection:
                    yield connection
            else:
                with our_errors():
                    yield self._alive()

    def _alive(self) -> Connection[Any]:
        """Asked before each transaction: a recognition takes minutes, in which a firewall or a restart of the server
        may cut the idle connection, and the paid answer that comes next must find a way into the table."""
        if self._connection is not None and not self._answers(self._connection):
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = connect(self._conninfo)
        self._used_at = time.monotonic()
        return self._connection

    def _answers(self, connection: Connection[Any]) -> bool:
        """A server that goes says so: until it has spoken, a connection just used is not asked whether it lives."""
        if time.monotonic() - self._used_at < _SURELY_ALIVE_SEC and not _has_spoken(connection):
            return True
        try:
            connection.execute("SELECT 1")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False
        return True

    def _rows(self, file: str, name: str, row: type[Row], **parameters: Any) -> list[Row]:
        with self._single() as connection, connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(statement(file, name), parameters).fetchall()

    def _values(self, file: str, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self._single() as connection:
            return connection.execute(statement(file, name), parameters).fetchall()

    def _count(self, file: str, name: str, **parameters: Any) -> int:
        """How many rows the statement touched, or the number that it selects."""
        with self._single() as connection:
            cursor = connection.execute(statement(file, name), parameters)
            return int(cursor.fetchall()[0][0]) if cursor.description else cursor.rowcount


def _has_spoken(connection: Connection[Any]) -> bool:
    """Whether something unread has come, the end of the connection say."""
    try:
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    except (psycopg.OperationalError, ValueError, OSError):
        return True


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL and halves of surrogate pairs, both seen in hostile JSON."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def storable_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {key: storable(value) if isinstance(value, str) else value for key, value in detail.items()}
