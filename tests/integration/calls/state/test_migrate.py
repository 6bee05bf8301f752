"""The schema gets from nothing to the newest revision, and agrees with the code."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from include.calls.domain.states import BY_HAND, RECORD_MOVES, RecordStatus, RunStatus
from include.calls.state import migrate as migrations
from include.calls.state.migrate import current, head, migrate
from include.calls.wording.problems import sentence
from include.common.errors import NotConfigured, Temporary
from tests.kit.paths import ROOT
from tests.kit.state_samples import executed, selected

pytestmark = pytest.mark.postgres

_VERSIONS = Path(migrations.__file__).parent / "migrations" / "versions"


def _schema(url: str) -> list[tuple[object, ...]]:
    return selected(
        url,
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
    )


def _before_release(url: str) -> None:
    """The schema of the four migrations before the first release."""
    with psycopg.connect(url) as connection:
        connection.execute((ROOT / "tests/data/v1_state.sql").read_bytes())
        connection.execute("CREATE TABLE call_export_version (version_num text)")
        connection.execute("INSERT INTO call_export_version VALUES ('0004')")


def test_from_empty_to_head(empty_database: str) -> None:
    assert current(empty_database) is None
    migrate(empty_database)
    assert current(empty_database) == head()
    tables = {str(row[0]) for row in _schema(empty_database)}
    assert {name for name in tables if not name.startswith("call_events_2")} == {
        "audit_head",
        "audit_log",
        "backups",
        "call_bundles",
        "call_claims",
        "call_events",
        "call_export_dlq",
        "call_exports",
        "call_facts",
        "call_role_overrides",
        "call_scopes",
        "call_search",
        "call_search_backfill",
        "shared_searches",
        "llm_provider_changes",
        "llm_provider_state",
        "llm_routing_versions",
        "llm_spending",
        "installation",
        "llm_day_ceilings",
        "llm_requests",
        "call_qa_checks",
        "call_records",
        "calls_state_version",
        "charges",
        "dead_letters",
        "deliveries",
        "file_removals",
        "holds",
        "holds_in_force",
        "erased_recordings",
        "erasure_tombstones",
        "erasures",
        "metric_totals",
        "metric_totals_up_to",
        "portal_hosts",
        "portal_pace",
        "portals",
        "publications",
        "recognition_responses",
        "recordings",
        "replay_responses",
        "replays",
        "reported_recordings",
        "run_facts",
        "run_spending",
        "run_work",
        "secrets_seen",
        "stt_smoke_results",
        "transcripts",
        "work_in_progress",
    }


def test_migrating_twice_changes_nothing_and_keeps_data(empty_database: str) -> None:
    migrate(empty_database)
    before = _schema(empty_database)
    executed(empty_database, "INSERT INTO portal_pace (portal, next_permit_at) VALUES ('portal.example', now())")
    migrate(empty_database)
    assert _schema(empty_database) == before
    assert selected(empty_database, "SELECT portal FROM portal_pace") == [("portal.example",)]


def test_a_database_from_before_the_release_is_unchanged(empty_database: str) -> None:
    """It is refused in one sentence that says how to start afresh."""
    _before_release(empty_database)
    before = _schema(empty_database)
    with pytest.raises(NotConfigured, match="from before the first release") as caught:
        migrate(empty_database)
    assert _schema(empty_database) == before
    ((name,),) = selected(empty_database, "SELECT current_database()")
    told = sentence(caught.value)
    assert name in told
    assert "make down" in told
    assert "DATABASE_URL" in told


def test_an_old_postgresql_is_refused(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(NotConfigured, match="at least 99 is needed") as caught:
        migrate(empty_database)
    assert "99" in sentence(caught.value)
    assert _schema(empty_database) == []


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


@pytest.mark.parametrize(("table", "statuses"), [("call_exports", RunStatus), ("recordings", RecordStatus)])
def test_checks_of_statuses_equal_the_state_machines(
    database: str, table: str, statuses: type[RunStatus] | type[RecordStatus]
) -> None:
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
    ((definition,),) = selected(database, query, f"{table}_status_check")
    assert set(re.findall(r"'(\w+)'::text", definition)) == {status.value for status in statuses}


def test_the_view_sends_back_what_the_state_machine_allows(database: str) -> None:
    ((trigger,),) = selected(database, "SELECT prosrc FROM pg_proc WHERE proname = 'call_records_by_hand'")
    listed = re.search(r"OLD\.status NOT IN \(([^)]+)\)", trigger)
    assert listed
    assert set(re.findall(r"'(\w+)'", listed[1])) == {status.value for status in BY_HAND}
    assert all(RecordStatus.PENDING in RECORD_MOVES[status] for status in BY_HAND)


@pytest.mark.parametrize("table", ["call_events", "run_work"])
def test_no_list_of_common_runs_misleads_about_a_new_one(database: str, table: str) -> None:
    """A run that is in no list would be taken for one row."""
    executed(
        database,
        "INSERT INTO call_events (run_id, stage, event) SELECT gen_random_uuid(), 'a', 'b' FROM generate_series(1, 9)",
    )
    executed(database, f"ANALYZE {table}")
    counted = "SELECT attname FROM pg_stats WHERE tablename LIKE %s AND attname = 'run_id'"
    assert selected(database, counted, f"{table}%") == []


def test_an_unreachable_database_is_temporary() -> None:
    """Its password stays secret."""
    with pytest.raises(Temporary) as caught:
        migrate("postgresql://someone:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_runs_have_spent_is_summed_up_for_a_ledger_that_exists(empty_database: str) -> None:
    migrate(empty_database, "0001")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("INSERT INTO portals (host) VALUES ('portal.example')")
        connection.execute(
            "INSERT INTO recordings (portal_id, statistics_id, call_id, record_id, status, direction, from_number,"
            " to_number, call_started_at, duration_sec)"
            " SELECT 1, n, 'c', 'r' || n, 'completed', 'inbound', '', '', now(), 60 FROM generate_series(1, 3) n"
        )
        connection.execute(
            "INSERT INTO call_exports (run_id, dag_run_id, idempotency_key, period_from, period_to, actor, trigger,"
            " due_at) VALUES (gen_random_uuid(), 'd', 'k', now(), now(), 'a', 'manual', now())"
        )
        connection.execute(
            "INSERT INTO charges (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)"
            " SELECT CASE WHEN recording_id < 3 THEN run_id END, recording_id, 1, 'recognition', 'm', 'second', 60,"
            " 0.25, true FROM recordings, call_exports"
        )
        migrate(empty_database)
        assert connection.execute("SELECT usd FROM run_spending").fetchall() == [(Decimal("0.5"),)]


def test_a_proof_of_before_tells_no_copy_any_more(empty_database: str) -> None:
    """The name of a copy has the call's id in it; registries, reports and logs stay told."""
    migrate(empty_database, "0022")
    told = {f"exports/2025-08-01_2025-08-02/{key}": "f" for key in ("summary/call_1.md", "registry/calls.csv")}
    executed(
        empty_database,
        "INSERT INTO erasures (erasure_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by,"
        " demanded_at, rewritten) VALUES (gen_random_uuid(), 'call', 'h', 'k', '***', 'r', 'a', 't', now(), %s::jsonb)",
        json.dumps(told),
    )
    migrate(empty_database)
    (rewritten,) = selected(empty_database, "SELECT rewritten FROM erasures")[0]
    assert list(rewritten) == ["exports/2025-08-01_2025-08-02/registry/calls.csv"]
