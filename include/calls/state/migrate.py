"""The schema of the state: the revision it has, the one it should have, and the way there.

Alembic does the work; its script folder is beside this file, so no alembic.ini is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool, text

from include.common.errors import NotConfigured, Temporary
from include.common.postgres_session import POOLER_REFUSES

VERSION_TABLE = "calls_state_version"
UNRELEASED_VERSION_TABLE = "call_export_version"  # of the schema before the first release
OLDEST_POSTGRESQL = 15  # NULLS NOT DISTINCT
# A few names, so that a person sees whose they are. Tables of an extension do not count.
_TABLES = """
SELECT current_database(), to_regclass(:ours) IS NOT NULL,
       (SELECT string_agg(relname, ', ' ORDER BY relname) FROM
         (SELECT relname FROM pg_class own
           WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
             AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = own.oid AND deptype = 'e')
           ORDER BY relname LIMIT 3) AS first)
"""
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str, revision: str = "head") -> None:
    """Brings the database at `url` (a libpq URL or conninfo) to the newest schema, or to `revision`.

    A database that has it already is left alone. Two processes may start at once: the second waits for the first.
    Raises Temporary if the database does not respond, and NotConfigured if it holds tables of another system, has a
    schema from before the first release or its PostgreSQL is too old; then nothing is changed.
    """
    with _connection(url) as connection:
        _check(connection)
        _refuse_foreign(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def refuse_foreign(url: str) -> None:
    """Raises NotConfigured if the database has tables and none of them is ours; writes nothing."""
    with _connection(url) as connection:
        _refuse_foreign(connection)


def current(url: str) -> str | None:
    """The revision of the database; None if the schema was never created."""
    with _connection(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def head() -> str:
    """The newest revision that this code contains."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise NotConfigured("the package has no migrations: install it again", problem="no_migrations")
    return revision


def _check(connection: Connection) -> None:
    row = connection.execute(
        text("SELECT to_regclass(:table) IS NOT NULL, current_database(), current_setting('server_version_num')::int"),
        {"table": UNRELEASED_VERSION_TABLE},
    ).one()
    connection.rollback()  # ends the transaction of the SELECT: Alembic commits only transactions of its own
    unreleased, database, version = row
    if version < OLDEST_POSTGRESQL * 10_000:
        found = version // 10_000
        raise NotConfigured(
            f"PostgreSQL {found} is too old: at least {OLDEST_POSTGRESQL} is needed",
            problem="postgresql_too_old",
            found=found,
            needed=OLDEST_POSTGRESQL,
        )
    if unreleased:
        raise NotConfigured(
            f"the database {database} has a schema from before the first release: use an empty database",
            problem="database_before_release",
            database=database,
        )


def _refuse_foreign(connection: Connection) -> None:
    row = connection.execute(text(_TABLES), {"ours": VERSION_TABLE}).one()
    connection.rollback()
    database, ours, tables = row
    if tables and not ours:
        raise NotConfigured(
            f"the database {database} has tables of another system ({tables}): give the state a database of its own",
            problem="foreign_state_database",
            database=database,
            tables=tables,
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        yield connection


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        if POOLER_REFUSES in str(error):
            raise NotConfigured(
                "DATABASE_URL leads to a pooler: the server itself is needed here", problem="pooler_in_between"
            ) from None
        # libpq's message may quote the conninfo with the password
        raise Temporary(
            "the state database does not respond: check its address, user and password", problem="no_state_database"
        ) from None
