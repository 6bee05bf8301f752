"""What a database contains, in a form that two databases can be compared by."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.common.postgres_session import our_errors

_TABLES = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE relkind = 'r' AND relpersistence <> 't' AND nspname NOT IN ('pg_catalog', 'information_schema')
       AND nspname NOT LIKE 'pg\\_toast%'
     ORDER BY 1, 2
"""
# The sum does not depend on the rows' order. A row's text depends on these settings.
_ROWS = "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)::numeric), 0)::text FROM {} AS one"
_SAME_TEXT = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; \
SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = 0; \
SET LOCAL idle_in_transaction_session_timeout = 0"
_ANYTHING = """
    SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_toast%')
"""


@dataclass(frozen=True, slots=True)
class TableContents:
    """`digest` is a sum over hashes of all rows."""

    rows: int
    digest: str


@contextmanager
def frozen(url: str) -> "Iterator[tuple[psycopg.Connection[Any], str]]":
    """A connection that sees one moment while the block lasts, and the name of that snapshot for pg_dump."""
    with our_errors(), psycopg.connect(url, connect_timeout=10, application_name="call-export") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(_SAME_TEXT)
        found = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert found is not None
        yield connection, found[0]


def contents(connection: "psycopg.Connection[Any]") -> dict[str, TableContents]:
    """Every table by its name with its schema."""
    found = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        name = sql.Identifier(schema, table)
        row = connection.execute(sql.SQL(_ROWS).format(name)).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = TableContents(*row)
    return found


def contents_of(url: str) -> dict[str, TableContents]:
    with frozen(url) as (connection, _):
        return contents(connection)


def is_empty(url: str) -> bool:
    """Whether the database has no table, view or sequence."""
    with our_errors(), psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(_ANYTHING).fetchone()
        return row is not None and not row[0]
