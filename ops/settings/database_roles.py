"""The roles of the database server: what each may do is in `include/calls/state/rights.py`; here they are made.

`DATABASE_URL`, or the embedded server's `postgres`, makes them and is used for nothing else but migrations, backups and
restoring. Processes of the system log in as the application and as Airflow.
"""

import hashlib
import hmac
import json
import logging
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from include.calls.state.rights import LOGINS, Role, role_name
from include.common.errors import NotConfigured
from ops.settings.databases import CONNECT_SECONDS, Databases
from ops.settings.generated_secrets import Generated, write_private
from ops.settings.profile import Runtime

log = logging.getLogger(__name__)

Admin = psycopg.Connection[tuple[object, ...]]

_MAY_MAKE_ROLES = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
# What the connecting user owns; sequences of columns follow their tables, indexes and constraints too.
_OWN_RELATIONS = """
SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
       format('%I.%I', nspname, relname)
  FROM pg_class own JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname IN ('public', 'sales', 'callcenter') AND relkind IN ('r', 'p', 'v', 'm', 'S')
   AND pg_get_userbyid(relowner) = current_user
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = own.oid AND relkind = 'S' AND deptype IN ('a', 'i'))
UNION ALL
SELECT 'SCHEMA', nspname FROM pg_namespace
 WHERE nspname IN ('sales', 'callcenter') AND pg_get_userbyid(nspowner) = current_user
UNION ALL
SELECT 'FUNCTION', oid::regprocedure::text
  FROM pg_proc own
 WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) = current_user
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = own.oid AND deptype = 'e')
UNION ALL
SELECT 'TYPE', quote_ident(typname)
  FROM pg_type
 WHERE typnamespace = 'public'::regnamespace AND typtype = 'e' AND pg_get_userbyid(typowner) = current_user
"""


def make_roles(databases: Databases, runtime: Runtime, keys: Generated) -> bool:
    """Makes the roles where they are missing, renews their passwords and gives both databases to them.

    False where the user of DATABASE_URL may not make roles: then that user does everything, as before. Safe to repeat.
    """
    found: list[Role] = []
    try:
        found = _make(databases, keys)
    except psycopg.errors.InsufficientPrivilege as error:
        log.warning("the roles of the database were not made: %s", error.diag.message_primary)
    except psycopg.OperationalError:
        raise NotConfigured(
            "DATABASE_URL: the server does not answer or refuses the login", problem="database_unreachable"
        ) from None
    write_private(_file(runtime), json.dumps(found))
    return bool(found)


def made(runtime: Runtime) -> frozenset[Role]:
    """The roles with which processes log in, as the last `make_roles` left them."""
    file = _file(runtime)
    return frozenset(map(Role, json.loads(file.read_text(encoding="utf-8")))) if file.exists() else frozenset()


def find_roles(databases: Databases, runtime: Runtime, keys: Generated) -> None:
    """On a host that has not made the roles: those that another host has made with the same secret."""
    if _file(runtime).exists():
        return
    state = str(conninfo_to_dict(databases.state_url)["dbname"])
    names = {role_name(state, role): role for role in LOGINS}
    try:
        with psycopg.connect(as_role(databases, Role.APPLICATION, keys), connect_timeout=CONNECT_SECONDS) as connection:
            found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(names)]).fetchall()
    except psycopg.OperationalError:
        return  # not made yet, or not made at all: `init` does it, or says that it may not
    write_private(_file(runtime), json.dumps([names[name] for (name,) in found]))


def in_use(databases: Databases, runtime: Runtime, keys: Generated) -> Databases:
    """The URLs with which processes of the system log in: those of the roles, where `make_roles` has made them."""
    roles = made(runtime)
    if not roles:
        return databases
    state = str(conninfo_to_dict(databases.state_url)["dbname"])
    found = replace(databases, state_url=_as(databases.state_url, state, Role.APPLICATION, keys))
    if Role.AIRFLOW in roles:
        found = replace(found, metadata_url=_as(databases.metadata_url, state, Role.AIRFLOW, keys))
    return found


def backup_login(databases: Databases, runtime: Runtime, keys: Generated) -> tuple[str, str] | None:
    """User and password for backups; None where the roles were not made."""
    if Role.BACKUP not in made(runtime):
        return None
    state = str(conninfo_to_dict(databases.state_url)["dbname"])
    return role_name(state, Role.BACKUP), password(keys, Role.BACKUP)


def as_role(databases: Databases, role: Role, keys: Generated) -> str:
    """The URL of the state as this role logs in."""
    return _as(databases.state_url, str(conninfo_to_dict(databases.state_url)["dbname"]), role, keys)


def password(keys: Generated, role: Role) -> str:
    """Derived, so that a role of a later release needs no secret of its own."""
    return hmac.new(keys.database_roles_key.encode(), role.encode(), hashlib.sha256).hexdigest()[:40]


def _file(runtime: Runtime) -> Path:
    return runtime.home / "database_roles"


def _make(databases: Databases, keys: Generated) -> list[Role]:
    with psycopg.connect(databases.state_url, autocommit=True, connect_timeout=CONNECT_SECONDS) as admin:
        (may,) = _row(admin, _MAY_MAKE_ROLES)
        if not may:
            return []
        state = str(admin.info.dbname)
        for role in Role:
            _make_role(admin, role_name(state, role), password(keys, role) if role in LOGINS else None)
        _let_back_up(admin, state)
        _hand_over(admin, state, Role.OWNER)
        found = [Role.APPLICATION, Role.METRICS, Role.READER, Role.BACKUP]
        return [*found, Role.AIRFLOW] if _own_metadata(databases, state) else found


def _as(url: str, state: str, role: Role, keys: Generated) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{quote(role_name(state, role), safe='')}:{password(keys, role)}"
    return urlunsplit(parts._replace(netloc=f"{login}@{address}"))


def _make_role(admin: Admin, name: str, secret: str | None) -> None:
    role = sql.Identifier(name)
    if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    if secret is None:
        # the maker gives tables and functions to it, which takes membership where the maker is no superuser
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        return
    # hashed here: the server's log may show the statement
    hashed = admin.pgconn.encrypt_password(secret.encode(), name.encode(), b"scram-sha-256").decode()
    admin.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(hashed)))


def _let_back_up(admin: Admin, state: str) -> None:
    """Reads everything; a maker of roles who is no superuser can lend only what it has made itself."""
    backup = sql.Identifier(role_name(state, Role.BACKUP))
    admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(backup))
    (superuser,) = _row(admin, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    lent = ["pg_read_all_data"] if superuser else [role_name(state, Role.OWNER), role_name(state, Role.AIRFLOW)]
    for name in lent:
        admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(name), backup))


def _own_metadata(databases: Databases, state: str) -> bool:
    """Airflow's database belongs to Airflow's role; False where it is another user's and stays so."""
    role = role_name(state, Role.AIRFLOW)
    with psycopg.connect(databases.metadata_url, autocommit=True, connect_timeout=CONNECT_SECONDS) as admin:
        (owner, ours) = _row(
            admin, "SELECT pg_get_userbyid(datdba), current_user FROM pg_database WHERE datname = current_database()"
        )
        if owner not in (ours, role):
            return False
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        _hand_over(admin, state, Role.AIRFLOW)
        return True


def _hand_over(admin: Admin, state: str, role: Role) -> None:
    """Gives the database and what the connecting user owns in it to the role."""
    owner, backup = (sql.Identifier(role_name(state, one)) for one in (role, Role.BACKUP))
    with admin.transaction():
        database = sql.Identifier(str(admin.info.dbname))
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))
        # a schema that a person made anew to restore a copy belongs to that person
        admin.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, backup))
        for kind, name in admin.execute(_OWN_RELATIONS.encode()).fetchall():
            admin.execute(sql.SQL(f"ALTER {kind} {name} OWNER TO {{}}").format(owner))


def _row(admin: Admin, query: str) -> tuple[object, ...]:
    row = admin.execute(query.encode()).fetchone()
    if row is None:
        raise LookupError(query)
    return row
