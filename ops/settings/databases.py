"""The two databases of a system, and how both are found on the server of DATABASE_URL.

Airflow's has a name made of the state's, so that two systems on one server never share one, nor does a system take the
database `airflow` of the company's own Airflow. Whatever holds tables of another system is refused before a write.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from include.calls.state.migrate import refuse_foreign
from include.calls.state.rights import Role, role_name
from include.clients.postgresql.scratch import name_of
from include.common.errors import NotConfigured, Temporary

CONNECT_SECONDS = 10
# In Airflow's database, so that it comes back with a restored copy; a comment on the database would not.
_MARK = "CREATE TABLE IF NOT EXISTS call_export_installation (state_database text PRIMARY KEY)"
_ADD_MARK = "INSERT INTO call_export_installation VALUES (%s) ON CONFLICT DO NOTHING"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
_OWNER = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"

Admin = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Databases:
    """libpq URLs; both contain a password."""

    state_url: str
    metadata_url: str


def metadata_database(state_database: str, chosen: str = "") -> str:
    """The name of Airflow's database; `chosen` is AIRFLOW_DATABASE."""
    return chosen or f"{state_database}_airflow"


def located(url: str, airflow_database: str = "") -> Databases:
    """The databases of a prepared server; opens no connection."""
    name = metadata_database(name_of(url), airflow_database)
    return Databases(url, urlunsplit(urlsplit(url)._replace(path=f"/{name}")))


def prepared(url: str, airflow_database: str = "") -> Databases:
    """The same, after Airflow's database was created where it is missing.

    Raises NotConfigured where it cannot be, and where one of the two holds tables that are not this system's.
    """
    found = located(url, airflow_database)
    state, name = name_of(found.state_url), name_of(found.metadata_url)
    if state == name:
        raise NotConfigured(
            f"DATABASE_URL and AIRFLOW_DATABASE name the same database {name}: name two",
            problem="database_reserved",
            database=name,
        )
    try:
        refuse_foreign(url)
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as admin:
            there = _exists(admin, name)
            if there:
                _refuse_foreign_metadata(found.metadata_url, state)
            else:
                create_database(admin, name)
    except psycopg.errors.InsufficientPrivilege:
        raise NotConfigured(
            f"DATABASE_URL: the user may not run CREATE DATABASE {name}", problem="database_right", database=name
        ) from None
    except (psycopg.OperationalError, Temporary):
        raise NotConfigured(
            "DATABASE_URL: the server does not answer or refuses the login", problem="database_unreachable"
        ) from None
    return found


def create_database(admin: Admin, name: str) -> None:
    """Creates the database where it is missing."""
    if not _exists(admin, name):
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _exists(admin: Admin, name: str) -> bool:
    return admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _refuse_foreign_metadata(url: str, state: str) -> None:
    """An existing database is ours if it is empty, names our state, or belongs to the role that is named by it."""
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
        (tables,) = connection.execute(_TABLES).fetchone() or (0,)
        if not tables or connection.execute(_OWNER).fetchone() == (role_name(state, Role.AIRFLOW),):
            return
        marked = connection.execute("SELECT to_regclass('call_export_installation') IS NOT NULL").fetchone() == (True,)
        if marked and connection.execute("SELECT state_database FROM call_export_installation").fetchall() == [
            (state,)
        ]:
            return
    name = name_of(url)
    raise NotConfigured(
        f"the database {name} has tables of another system: name another one for Airflow in AIRFLOW_DATABASE",
        problem="foreign_airflow_database",
        database=name,
    )


def mark(databases: Databases) -> None:
    """Says in Airflow's database whose it is. Not in `prepared`: a backup is restored into an empty database."""
    state = name_of(databases.state_url)
    with psycopg.connect(databases.metadata_url, connect_timeout=CONNECT_SECONDS) as connection:
        if connection.execute("SELECT to_regclass('call_export_installation') IS NULL").fetchone() == (True,):
            connection.execute(_MARK)
            connection.execute(_ADD_MARK, (state,))
