"""One database of a ClickHouse server over its HTTP interface, by the maintained client `clickhouse-connect`.

Its errors become ours; a message of the server is kept to its first line, and an INSERT's message, which may quote a
row, to its code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import clickhouse_connect
import urllib3
from clickhouse_connect.driver import exceptions as foreign

from include.common.errors import AccessDenied, ExportError, LoadCode, NotConfigured, StopRun, Temporary

# What a server of today sets otherwise: the client must know that a row is there when an INSERT has been answered.
_ALWAYS = {"async_insert": 0}
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNKNOWN_TABLE, _UNKNOWN_DATABASE = 60, 81
_SCHEMA_CODES = frozenset({_UNKNOWN_TABLE, _UNKNOWN_DATABASE, 16, 47})  # table, database, column, identifier
_ACCESS_CODES = frozenset({192, 193, 194, 497, 516})
_FULL_CODES = frozenset({243, 164})  # no room on the disk, read-only
_BUSY_CODES = frozenset({159, 160, 202, 209, 210, 241, 252, 319, 242, 999, 439})


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Where the database is; `session_settings` are ClickHouse's own, such as limits of a query."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    secure: bool = True
    verify: bool = True
    read_seconds: float = 300.0
    connect_seconds: float = 5.0
    client_name: str = ""
    embedded: bool = False  # the engine of the demo: it has no users
    session_settings: Mapping[str, Any] = field(default_factory=dict)


class Warehouse:
    """Statements and rows; opened on first use, one connection of the client for each object.

    Table names in statements are without a database: they are of `database`. Parameters are ClickHouse's own,
    `{name:Type}` in the text. Raises Temporary (the server is away, busy or slow), StopRun (disk full, read-only),
    AccessDenied, NotConfigured (no such table or database), ExportError for a refused statement.
    """

    def __init__(self, settings: WarehouseSettings) -> None:
        if not _DATABASE.fullmatch(settings.database):
            raise NotConfigured(
                f"CH_DATABASE: {settings.database!r} is no name of a database",
                problem="warehouse_database_name",
                database=settings.database,
            )
        self._settings = settings
        self._client: Any = None

    @property
    def database(self) -> str:
        return self._settings.database

    @property
    def embedded(self) -> bool:
        return self._settings.embedded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def version(self) -> str:
        return str(self.value("SELECT version()"))

    def exists(self) -> bool:
        """Whether the server has the database."""
        with self._outside():
            return bool(
                self.value("SELECT count() FROM system.databases WHERE name = {name:String}", name=self.database)
            )

    def create(self) -> None:
        """The database, where it is missing."""
        with self._outside():
            self.run(f"CREATE DATABASE IF NOT EXISTS {self.database}")

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """A server refuses every statement that names a database which does not exist, as its default too."""
        with _our_errors():
            client = self._open()
        client.database = "default"
        try:
            yield
        finally:
            client.database = self.database

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows; instants are aware UTC, money is Decimal."""
        with _our_errors():
            result = self._open().query(statement, parameters=parameters or None, tz_mode="aware")
            return [tuple(row) for row in result.result_rows]

    def table(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """All rows, by the names of their columns."""
        with _our_errors():
            result = self._open().query(statement, parameters=parameters or None, tz_mode="aware")
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def value(self, statement: str, **parameters: Any) -> Any:
        """The first column of the first row; None without a row."""
        found = self.rows(statement, **parameters)
        return found[0][0] if found else None

    def stream(self, statement: str, **parameters: Any) -> Iterator[Sequence[Sequence[Any]]]:
        """Blocks of rows, for answers that are not to be in memory."""
        with (
            _our_errors(),
            self._open().query_row_block_stream(statement, parameters=parameters or None, tz_mode="aware") as blocks,
        ):
            yield from blocks

    def run(self, statement: str, **parameters: Any) -> None:
        """A statement without an answer."""
        with _our_errors():
            self._open().command(statement, parameters=parameters or None)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """One INSERT; the rows are in the table when it returns. Nothing is sent for no rows."""
        if rows:
            with _our_errors(quotes_rows=True):
                self._open().insert(table, rows, column_names=list(columns))

    def insert_text(self, table: str, columns: Sequence[str], text: bytes) -> None:
        """One INSERT of TabSeparated lines; the rows are in the table when it returns. Nothing is sent for no text."""
        if text:
            with _our_errors(quotes_rows=True):
                self._open().raw_insert(table, list(columns), text, fmt="TabSeparated")

    def _open(self) -> Any:
        if self._client is None:
            one = self._settings
            self._client = clickhouse_connect.get_client(
                host=one.host,
                port=one.port,
                username=one.user,
                password=one.password,
                secure=one.secure,
                verify=one.verify,
                connect_timeout=one.connect_seconds,
                send_receive_timeout=one.read_seconds,
                client_name=one.client_name or None,
                compress=one.secure,
                autogenerate_session_id=False,
                query_retries=0,
                settings={**_ALWAYS, **one.session_settings},
            )
            self._client.database = one.database  # not at the login: it may not exist yet
        return self._client


@contextmanager
def _our_errors(*, quotes_rows: bool = False) -> Iterator[None]:
    try:
        yield
    except (foreign.OperationalError, foreign.StreamFailureError) as error:
        if getattr(error, "code", None) is None:
            raise Temporary(
                f"ClickHouse does not answer ({type(error).__name__})",
                code=LoadCode.CLICKHOUSE_UNAVAILABLE,
                problem="warehouse_away",
            ) from None
        raise _translated(error, quotes_rows=quotes_rows) from None
    except foreign.Error as error:
        raise _translated(error, quotes_rows=quotes_rows) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Temporary(
            f"ClickHouse does not answer ({type(error).__name__})",
            code=LoadCode.CLICKHOUSE_UNAVAILABLE,
            problem="warehouse_away",
        ) from None


def _translated(error: Exception, *, quotes_rows: bool) -> ExportError:
    code = getattr(error, "code", None)
    name = getattr(error, "name", None) or type(error).__name__
    words = f"ClickHouse refused a statement: {code or '-'} {name}"
    refused = LoadCode.CLICKHOUSE_REFUSED
    if code in _BUSY_CODES:
        return Temporary(words, code=LoadCode.CLICKHOUSE_UNAVAILABLE, problem="warehouse_busy", reason=name)
    if code in _FULL_CODES:
        return StopRun(words, code=refused, problem="warehouse_full", reason=name)
    if code in _ACCESS_CODES:
        return AccessDenied(words, code=refused, problem="warehouse_access", reason=name)
    if code in _SCHEMA_CODES and not quotes_rows:
        return NotConfigured(
            f"{words}: {_first_line(error)}", code=refused, problem="warehouse_schema", reason=_first_line(error)
        )
    said = "" if quotes_rows else f": {_first_line(error)}"
    return ExportError(words + said, code=refused, problem="warehouse_refused", reason=name)


def _first_line(error: Exception) -> str:
    text = str(error).partition("DB::Exception: ")[2] or str(error)
    return text.splitlines()[0][:300] if text else ""
