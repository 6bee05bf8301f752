"""The schema gets from nothing to the newest revision, and says what the code says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state import migrate as migrations
from include.calls.state.migrate import current, head, migrate
from include.common.errors import Temporary
from tests.kit.paths import ROOT

pytestmark = pytest.mark.postgres

_VERSIONS = Path(migrations.__file__).parent / "migrations" / "versions"


def _schema(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()


def test_from_empty_to_head(empty_database: str) -> None:
    assert current(empty_database) is None
    migrate(empty_database)
    assert current(empty_database) == head()
    tables = {row[0] for row in _schema(empty_database)}
    assert tables == {
        "call_exports",
        "call_records",
        "call_events",
        "call_export_dlq",
        "call_dead_letters",
        "call_qa_checks",
        "portal_pace",
        "recognition_answers",
        "call_export_version",
    }


def test_migrating_twice_changes_nothing_and_keeps_data(empty_database: str) -> None:
    migrate(empty_database)
    before = _schema(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO portal_pace (portal, next_permit_at) VALUES ('portal.example', now())")
    migrate(empty_database)
    assert _schema(empty_database) == before
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT portal FROM portal_pace").fetchall() == [("portal.example",)]


def test_no_list_of_the_most_common_runs_outlives_its_migration(empty_database: str) -> None:
    """ANALYZE leaves alone what it no longer counts: an old list would be believed for ever."""
    migrate(empty_database, "0003")
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO call_events (run_id, stage, event) SELECT gen_random_uuid(), 'a', 'b'")
        connection.execute("ANALYZE call_events")
        assert _columns_counted(connection) == {"run_id"}
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("ANALYZE call_events")
        assert _columns_counted(connection) == set()


def _columns_counted(connection: psycopg.Connection[Any]) -> set[str]:
    counted = "SELECT attname FROM pg_stats WHERE tablename = 'call_events' AND attname = 'run_id'"
    return {str(name) for (name,) in connection.execute(counted).fetchall()}


def test_two_processes_may_migrate_at_once(empty_database: str) -> None:
    program = "import sys; from include.calls.state.migrate import migrate; migrate(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", program, empty_database], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert current(empty_database) == head()


def test_revisions_are_numbered_without_gaps() -> None:
    script = ScriptDirectory.from_config(migrations._config())
    revisions = [revision.revision for revision in script.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert head() == revisions[-1]
    names = sorted(path.stem for path in _VERSIONS.glob("*.py"))
    assert [name[:4] for name in names] == revisions
    assert sorted(path.stem for path in _VERSIONS.glob("*.sql")) == names


@pytest.mark.parametrize(("table", "statuses"), [("call_exports", RunStatus), ("call_records", RecordStatus)])
def test_checks_of_statuses_equal_the_state_machines(
    database: str, table: str, statuses: type[RunStatus] | type[RecordStatus]
) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (f"{table}_status_check",)
        ).fetchone()
    assert row is not None
    assert set(re.findall(r"'(\w+)'::text", row[0])) == {status.value for status in statuses}


def test_events_cannot_be_rewritten(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO call_events (stage, event) VALUES ('preflight', 'passed')")
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("UPDATE call_events SET event = 'other'")


def test_an_unreachable_database_is_temporary_and_its_password_stays_secret() -> None:
    with pytest.raises(Temporary) as caught:
        migrate("postgresql://someone:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
