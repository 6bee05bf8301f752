"""Roles of the database: each can do its work and no more. One server's roles are made once for this module."""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiosql
import psycopg
import pytest
from psycopg import sql
from rich.console import Console

from include.calls.domain.audit_chain import Action
from include.calls.domain.erasure import ErasureStatus
from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.states import RunStatus
from include.calls.state.audit import AuditLog
from include.calls.state.metrics import MetricsReader
from include.calls.state.migrate import current, head, migrate
from include.calls.state.rights import FUNCTIONS, LOGINS, TABLES, Role, as_owner, grant, role_name
from include.calls.state.state import State
from include.calls.steps import erase
from include.calls.steps.qa_review import record_checks
from include.calls.steps.rebuild import rebuild_texts
from include.clients.postgresql.contents import contents, contents_of, frozen
from include.clients.postgresql.dumps import dumping, restoring
from include.clients.postgresql.scratch import scratch_database
from include.common.errors import ExportError
from ops.prepare import make_roles
from ops.settings import database_roles
from ops.settings.databases import Databases
from ops.settings.generated_secrets import Generated
from ops.settings.profile import REPOSITORY, Runtime
from simulators.bitrix24.seeded import brief, seeded_world
from tests.conftest import PostgresServer, _as_administrator, _create_database, _drop_database
from tests.integration.calls.test_erasure import ERASED
from tests.integration.calls.test_erasure import world as world_of_three
from tests.integration.calls.test_export_s3 import END, START
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

KEYS = Generated(
    "jwt", "api", "fernet", "admin", "embedded", "metrics", "erasure", "security", "a key of this test", "tasks"
)
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_OURS = "IN ('public', 'sales', 'callcenter')"


@dataclass(frozen=True)
class Roled:
    """A state and a database of Airflow's on one server, prepared as `make up` does."""

    state: str
    databases: Databases
    runtime: Runtime

    def url(self, role: Role) -> str:
        return database_roles.as_role(self.databases, role, KEYS)

    def run(self, role: Role, statement: str) -> None:
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
def roled(pg_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roled]:
    state, airflow = (_create_database(pg_server, template="template0") for _ in range(2))
    databases = Databases(pg_server.get_uri(database=state), pg_server.get_uri(database=airflow))
    runtime = Runtime(root=tmp_path_factory.mktemp("roles"))
    runtime.make()
    migrate(databases.state_url, "0003")  # a state of 1.0: everything belongs to one superuser
    with psycopg.connect(databases.metadata_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE kind AS ENUM ('a'); CREATE TABLE old_one (id serial PRIMARY KEY, kind kind)")
    for _ in range(2):  # each make up repeats it
        make_roles(databases, runtime, KEYS, Console(quiet=True))
        migrate(as_owner(databases.state_url))
        grant(databases.state_url)
    yield Roled(state, databases, runtime)
    for name in (state, airflow):
        _drop_database(pg_server, name)
    for role in Role:
        _as_administrator(pg_server, f"DROP ROLE {role_name(state, role)}")


def test_processes_log_in_as_the_roles(roled: Roled) -> None:
    used = database_roles.in_use(roled.databases, roled.runtime, KEYS)
    assert urlsplit(used.state_url).username == f"{roled.state}_app"
    assert urlsplit(used.metadata_url).username == f"{roled.state}_airflow"
    assert current(used.state_url) == head()
    with psycopg.connect(roled.databases.state_url) as connection:
        superusers = connection.execute(
            "SELECT rolname FROM pg_roles"
            " WHERE starts_with(rolname, %s) AND (rolsuper OR rolcreaterole OR rolcreatedb AND rolname !~ '_backup$')",
            [roled.state],
        ).fetchall()
        logins = connection.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s) AND rolcanlogin", [roled.state]
        ).fetchall()
    assert superusers == []
    assert {name for (name,) in logins} == {role_name(roled.state, role) for role in LOGINS}


def test_no_process_sees_another_database(roled: Roled) -> None:
    for role, other in ((Role.APPLICATION, roled.databases.metadata_url), (Role.READER, roled.databases.metadata_url),
                        (Role.AIRFLOW, roled.databases.state_url)):  # fmt: skip
        own = urlsplit(roled.url(role))
        url = urlunsplit(own._replace(path=urlsplit(other).path))
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url)


def test_airflow_owns_what_was_there_before(roled: Roled) -> None:
    with psycopg.connect(database_roles.in_use(roled.databases, roled.runtime, KEYS).metadata_url) as connection:
        connection.execute("ALTER TABLE old_one ADD COLUMN more integer")
        connection.execute("ALTER TYPE kind ADD VALUE 'b'")
        connection.execute("INSERT INTO old_one (kind) VALUES ('a')")
        connection.execute("CREATE TABLE new_one (id integer)")


def test_the_matrix_is_the_catalogue(roled: Roled) -> None:
    """Every table and view has its rights, and every role has those and no others."""
    listed = (
        "SELECT class.oid::regclass::text FROM pg_class class"
        f" WHERE relnamespace::regnamespace::text {_OURS} AND relkind IN ('r', 'p', 'v', 'm')"
    )
    rights = f"""
        SELECT grantee.rolname, class.oid::regclass::text, string_agg(DISTINCT acl.privilege_type, ', ')
          FROM pg_class class,
               aclexplode(class.relacl) acl JOIN pg_roles grantee ON grantee.oid = acl.grantee
         WHERE class.relnamespace::regnamespace::text {_OURS} AND acl.grantee <> class.relowner GROUP BY 1, 2
        UNION ALL
        SELECT grantee.rolname, class.oid::regclass::text,
               string_agg(DISTINCT acl.privilege_type || '.' || attname, ', ')
          FROM pg_class class JOIN pg_attribute ON attrelid = class.oid,
               aclexplode(attacl) acl JOIN pg_roles grantee ON grantee.oid = acl.grantee
         WHERE class.relnamespace::regnamespace::text {_OURS} GROUP BY 1, 2"""
    with psycopg.connect(roled.databases.state_url) as connection:
        tables = {name for (name,) in connection.execute(listed) if not name.startswith("call_events_2")}
        assert tables == set(TABLES), "a table without rights: name it in include/calls/state/rights.py"
        found: dict[tuple[str, str], set[str]] = {}
        for role, table, named in connection.execute(rights.encode()):
            found.setdefault((role, table), set()).update(named.split(", "))
        public = connection.execute(
            "SELECT relname FROM pg_class, aclexplode(relacl) acl"
            f" WHERE relnamespace::regnamespace::text {_OURS} AND acl.grantee = 0"
        ).fetchall()
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
            f" WHERE relnamespace::regnamespace::text {_OURS} AND relkind <> 'i'"
        ).fetchall()
        may_execute = {
            (name, role)
            for name in FUNCTIONS
            for role in Role
            if connection.execute(
                "SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role_name(roled.state, role), name]
            ).fetchone()
            == (True,)
        }
    wanted = {
        (role_name(roled.state, role), table): _privileges(right)
        for table, rights_of in TABLES.items()
        for role, right in rights_of.items()
    }
    wanted[role_name(roled.state, Role.APPLICATION), "recordings"] |= {"MAINTAIN"}
    assert found == wanted
    assert public == []
    assert owners == [(role_name(roled.state, Role.OWNER),)]
    of_owner = {(name, Role.OWNER) for name in FUNCTIONS if not name.startswith("audit_")}
    assert may_execute == of_owner | {(name, role) for name, roles in FUNCTIONS.items() for role in roles}


def _privileges(right: str) -> set[str]:
    """`SELECT, UPDATE (a, b)` -> SELECT, UPDATE.a, UPDATE.b."""
    found = set()
    for privilege, columns in re.findall(r"([A-Z]+)(?: \(([^)]*)\))?", right):
        found |= {f"{privilege}.{column}" for column in columns.split(", ")} if columns else {privilege}
    return found


def test_the_application_adds_to_the_audit_log_and_changes_nothing_in_it(roled: Roled) -> None:
    with State.open(roled.url(Role.APPLICATION)) as state:
        AuditLog(state.session).record(Action.EXPORT_STARTED, actor="Operator")
        *_, entry = AuditLog(state.session).entries()
    assert entry.database_role == f"{roled.state}_app"
    refused = (
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "INSERT INTO audit_log SELECT * FROM audit_log",
        "UPDATE audit_head SET last_no = 0",
        "ALTER TABLE audit_log DISABLE TRIGGER USER",
        "DROP TABLE audit_log",
        "CREATE OR REPLACE FUNCTION audit_hash(entry audit_log) RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
        "DELETE FROM call_events",
        "UPDATE call_events SET event = 'x'",
        "CREATE TABLE mine (id integer)",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        f"SET ROLE {roled.state}_owner",
        f"SET ROLE {roled.state}_audit",
    )
    for statement in refused:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidObjectDefinition)):
            roled.run(Role.APPLICATION, statement)


STATEMENTS = sorted(
    file
    for file in (REPOSITORY / "include").rglob("*.sql")
    if "migrations" not in file.parts
    and "warehouse" not in file.parts  # ClickHouse
    and file.name != "browsing.sql"  # fragments; the tests of the running system read what is made of them
)
OF_METRICS = {"metrics.sql", "quality_metrics.sql"}
OF_THE_APPLICATION = {"add_totals", "lock_totals"}  # of the files above; the scheduler's work
# They use a table of their own session, or the types of their parameters come with the values.
NOT_PLANNED = {"clear_incoming", "refresh_known", "insert_new", "shared", "take_permit", "refused"}


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: file.stem)
def test_the_role_that_runs_a_statement_may_run_it(roled: Roled, file: Path) -> None:
    """PostgreSQL checks the rights to every table and column of a plan before it shows it."""
    refused, not_planned = list[str](), set[str]()
    for name, statement in _statements(file):
        role = Role.METRICS if file.name in OF_METRICS and name not in OF_THE_APPLICATION else Role.APPLICATION
        with psycopg.connect(roled.url(role), autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            try:
                connection.execute(f"EXPLAIN {statement}".encode(), defaultdict(lambda: None))
            except psycopg.errors.InsufficientPrivilege as error:
                refused.append(f"{name}: {error}")
            except psycopg.Error:
                not_planned.add(name)
    assert refused == []
    assert not_planned <= NOT_PLANNED


def _statements(file: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each statement; a fragment that others are made of is none."""
    queries = aiosql.from_path(file, "psycopg", mandatory_parameters=False)
    for name in queries.available_queries:
        text = getattr(queries, name).sql
        if not name.endswith("_cursor") and re.match(r"(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE)\b", text.lstrip()):
            yield name, text


def test_a_whole_export_runs_as_the_application(roled: Roled, tmp_path: Path) -> None:
    world = seeded_world(3, START, END, 6, brief())
    with export_over(world, roled.url(Role.APPLICATION), tmp_path, CALL_SUMMARY_ENABLED="true") as export:
        outcome = export.run(deliver_texts=True)
        assert outcome.verdict.status is RunStatus.COMPLETED, outcome.verdict.in_english
        record = export.records(outcome.run_id)[0]
        with export.state() as state:
            rebuild_texts(outcome.run_id, state, export.storage, export.policy, actor="analyst")
            check = QaCheck(record.call_id, record.record_id, "ok", "", where="CALL_ID")
            assert record_checks(outcome.run_id, [check], state, by="analyst") == 1
            actions = [entry.action for entry in AuditLog(state.session).entries()]
    assert actions[-5:] == [
        Action.EXPORT_STARTED,
        Action.TEXTS_DELIVERED,
        Action.EXPORT_ENDED,
        Action.TEXTS_REBUILT,
        Action.CALL_CHECKED,
    ]
    roled.run(Role.APPLICATION, "SELECT call_events_months((now() - interval '70 days')::date, 0)")  # makes a month
    with MetricsReader.open(roled.url(Role.METRICS)) as reader:
        figures = reader.figures(run_limit=Decimal(54))
    assert figures.run_ends == {"completed": 1}
    assert (figures.audit_breaks, figures.audit_entries) == (0, len(actions))


def test_an_erasure_runs_as_the_application(roled: Roled, tmp_path: Path) -> None:
    """From the demand to the proof."""
    key = ErasureKey.of("the key of this installation")
    with export_over(world_of_three(), roled.url(Role.APPLICATION), tmp_path) as export:
        export.erasure_key = key
        outcome = export.run(dag_run_id="erasure__1", deliver_texts=True)
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert {record.call_id for record in export.records(outcome.run_id)} >= {"call-1", ERASED}
        with export.state() as state:
            demand = {"erase_call_id": ERASED, "reason": "обращение 12", "asked_by": "сам человек"}
            erasure_id = erase.register(demand, "manual__1", "officer", state, key)
            erase.record_decision(erasure_id, state, approved=True, by="second", at=END)
            settled = erase.erase(erasure_id, state, export.storage, export.policy, key)
            assert settled.status is ErasureStatus.SETTLED
        with psycopg.connect(roled.url(Role.APPLICATION)) as connection:
            texts = "SELECT call_id FROM recordings JOIN transcripts USING (recording_id) WHERE call_id = ANY(%s)"
            assert connection.execute(texts, [["call-1", ERASED]]).fetchall() == [("call-1",)]


def test_a_reader_gets_figures_and_nothing_personal(roled: Roled) -> None:
    personal = {"number", "name", "employee", "preview", "body", "tags", "path", "url", "message", "actor", "record_id"}
    with psycopg.connect(roled.url(Role.READER), autocommit=True) as connection:
        for view in ("call_facts", "run_facts", "charges"):
            shown = (
                connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*view.split(".")))).description
                or []
            )
            assert not [column.name for column in shown for word in personal if word in column.name]
        for table in set(TABLES) - {table for table, rights in TABLES.items() if Role.READER in rights}:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split("."))))
    with MetricsReader.open(roled.url(Role.READER)) as reader, pytest.raises(ExportError):
        reader.figures(run_limit=Decimal(54))
    for statement in (
        "SELECT from_number FROM recordings",
        "SELECT body FROM transcripts",
        "SELECT * FROM call_records",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roled.run(Role.METRICS, statement)


def test_a_backup_reads_everything_and_changes_nothing(roled: Roled) -> None:
    """As the DAG does: both databases dumped, and the state restored beside them."""
    state = roled.url(Role.BACKUP)
    for url in (state, urlunsplit(urlsplit(state)._replace(path=urlsplit(roled.databases.metadata_url).path))):
        with frozen(url) as (connection, snapshot), dumping(connection, url, snapshot) as stream:
            dump, before = stream.read(), contents(connection)
        with scratch_database(url) as scratch:
            with restoring(scratch) as restored:
                restored.write(dump)
            assert contents_of(scratch) == before
    for statement in ("DELETE FROM audit_log", "UPDATE recordings SET status = 'error'", "DROP TABLE charges"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roled.run(Role.BACKUP, statement)


def test_a_month_of_the_history_is_the_only_table_that_the_application_may_drop(roled: Roled) -> None:
    for name in ("call_events", "audit_log", "call_events_2025_01; DROP TABLE charges"):
        with psycopg.connect(roled.url(Role.APPLICATION)) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute("SELECT end_event_month(%s)", [name])
    roled.run(Role.APPLICATION, "SELECT call_events_months('2024-01-15', 0)")
    roled.run(Role.APPLICATION, "SELECT end_event_month('call_events_2024_01')")
    with psycopg.connect(roled.databases.state_url) as connection:
        assert connection.execute("SELECT to_regclass('call_events_2024_01')").fetchone() == (None,)


def test_a_user_who_may_make_no_role_does_everything_as_before(pg_server: PostgresServer, tmp_path: Path) -> None:
    name = f"poor_{secrets.token_hex(4)}"
    _as_administrator(pg_server, f"CREATE ROLE {name} LOGIN")
    database = _create_database(pg_server, template="template0")
    _as_administrator(pg_server, f"ALTER DATABASE {database} OWNER TO {name}")
    runtime = Runtime(root=tmp_path)
    runtime.make()
    url = urlunsplit(urlsplit(pg_server.get_uri(database=database))._replace(netloc=f"{name}@"))
    databases = Databases(url, url)
    try:
        assert not database_roles.make_roles(databases, runtime, KEYS)
        assert database_roles.in_use(databases, runtime, KEYS) == databases
        migrate(url)
        with State.open(url) as state:
            AuditLog(state.session).record(Action.EXPORT_STARTED, actor="Operator", run_id=uuid4())
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute("DELETE FROM audit_log")
    finally:
        _drop_database(pg_server, database)
        _as_administrator(pg_server, f"DROP ROLE {name}")
