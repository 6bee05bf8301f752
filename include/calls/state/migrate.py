"""The schema of the state: where it is, where it should be, and how it gets there.

Alembic does the work; its script folder lies beside this file, so no alembic.ini is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool

from include.common.errors import NotConfigured, Temporary

VERSION_TABLE = "call_export_version"
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str, revision: str = "head") -> None:
    """Brings the database at `url` (a libpq URL or conninfo) to the newest schema, or as far as `revision`.

    Nothing to do is no error.
    Two processes may start at once: the second waits for the first and then finds nothing to do.
    Raises Temporary where the database does not answer.
    """
    with _connection(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def current(url: str) -> str | None:
    """The revision the database is at; None where the schema was never created."""
    with _connection(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def head() -> str:
    """The newest revision this code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise NotConfigured("the package is incomplete: it has no migrations; install it again")
    return revision


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
    except psycopg.OperationalError:
        # libpq's sentence may quote the conninfo, password included
        raise Temporary("the state database does not answer; check its address, user and password") from None
