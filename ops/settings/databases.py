"""The two databases of a system, and how both are found on the server of DATABASE_URL."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from include.common.errors import NotConfigured

METADATA_DATABASE = "airflow"
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Databases:
    """libpq URLs; both contain a password."""

    state_url: str
    metadata_url: str


def located(url: str) -> Databases:
    """The databases of a prepared server; opens no connection."""
    return Databases(url, urlunsplit(urlsplit(url)._replace(path=f"/{METADATA_DATABASE}")))


def prepared(url: str) -> Databases:
    """The same, after Airflow's database was created where it is missing. Raises NotConfigured where it cannot be."""
    if str(conninfo_to_dict(url)["dbname"]) == METADATA_DATABASE:
        raise NotConfigured(
            f"DATABASE_URL: the database {METADATA_DATABASE} belongs to Airflow, name another one",
            problem="database_reserved",
            database=METADATA_DATABASE,
        )
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as admin:
            create_database(admin, METADATA_DATABASE)
    except psycopg.errors.InsufficientPrivilege:
        raise NotConfigured(
            f"DATABASE_URL: the user may not run CREATE DATABASE {METADATA_DATABASE}",
            problem="database_right",
            database=METADATA_DATABASE,
        ) from None
    except psycopg.OperationalError:
        raise NotConfigured(
            "DATABASE_URL: the server does not answer or refuses the login", problem="database_unreachable"
        ) from None
    return located(url)


def create_database(admin: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    """Creates the database where it is missing."""
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if found is None:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
