"""The rows of a registry: streamed in the order of the calls, of the recordings of a scope alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.calls.state.registry import Registry
from include.calls.state.state import State
from include.calls.state.types import Scope
from tests.integration.calls.state.test_figures import (
    EARLIER,
    LISTED,
    RUN_ID,
    START,
    add_charge,
    add_recording,
    add_run,
    insert,
)

pytestmark = pytest.mark.postgres

SCOPE = Scope(1, datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))


@pytest.fixture
def conn(database):
    with psycopg.connect(database, autocommit=True) as connection:
        insert(connection, "portals", {"host": "portal.example"})
        insert(connection, "portals", {"host": "other.example"})
        for run_id in (EARLIER, RUN_ID):
            add_run(connection, run_id, metadata=Jsonb(LISTED))
        yield connection


@pytest.fixture
def state(database):
    with State.open(database) as state:
        yield state


def calls(state, scope=SCOPE):
    return [row.call_id for row in Registry(state.session).rows(scope, RUN_ID)]


def test_rows_are_streamed_in_the_order_of_the_calls(conn, state):
    for number in (3, 1, 2):
        add_recording(conn, number, tags=["оплата"])
    rows = Registry(state.session).rows(SCOPE, RUN_ID)
    first = next(rows)
    with state.session.transaction() as connection:
        assert connection.execute("SELECT name FROM pg_cursors").fetchall() == [("rows",)], "not read at once"
    assert [first.call_id, *(row.call_id for row in rows)] == ["call.1", "call.2", "call.3"]
    assert (first.run_id, first.tags, first.cost, first.text_preview) == (RUN_ID, ["оплата"], Decimal("0.009"), "Да.")


def test_rows_of_one_second_keep_their_order(conn, state):
    for number in (3, 1, 2):
        add_recording(conn, number, call_started_at=START)
    assert calls(state) == ["call.1", "call.2", "call.3"]


def test_a_scope_has_its_portal_its_period_and_the_end_of_a_trial(conn, state):
    second = timedelta(seconds=1)
    add_recording(conn, 1, call_started_at=SCOPE.period_from)
    add_recording(conn, 2, call_started_at=SCOPE.period_to)
    add_recording(conn, 3, call_started_at=SCOPE.period_from - second)
    add_recording(conn, 4, call_started_at=SCOPE.period_to + second)
    add_recording(conn, 5, portal_id=2)
    add_recording(conn, 6)
    assert calls(state) == ["call.1", "call.6", "call.2"]
    assert calls(state, replace_scope(last_statistics_id=2)) == ["call.1", "call.2"]
    assert calls(state, replace_scope(portal_id=2)) == ["call.5"]


def replace_scope(**values):
    return SCOPE._replace(**values)


def test_the_cost_is_that_of_the_current_text_whoever_paid(conn, state):
    """Not of an earlier text that was sent back, and not of its summary."""
    add_recording(conn, 1, bought_by=EARLIER)
    recording = add_recording(conn, 2)
    add_charge(conn, recording, Decimal("0.5"), purpose="summary")
    add_charge(conn, recording, Decimal("0.7"), purchase_no=2)
    add_recording(conn, 3, status="error")
    costs = [row.cost for row in Registry(state.session).rows(SCOPE, RUN_ID)]
    assert costs == [Decimal("0.009"), Decimal("0.009"), None]


def test_what_the_portal_lost_is_a_row_while_it_has_a_text(conn, state):
    add_recording(conn, 1, gone_at=START)
    add_recording(conn, 2, gone_at=START, status="pending")
    assert calls(state) == ["call.1"]


def test_the_rows_come_from_the_index_without_a_sort(conn, state):
    """So the first row is there at once, and a hundred thousand need no memory."""
    conn.execute(
        """INSERT INTO recordings (portal_id, call_id, record_id, statistics_id, status, direction, from_number,
                                   to_number, call_started_at, duration_sec)
           SELECT 1, 'call.' || n, n, n, 'pending', 'inbound', '1', '2', %s + n * interval '1 s', 60
             FROM generate_series(1, 20000) AS n""",
        [SCOPE.period_from],
    )
    conn.execute("ANALYZE recordings")
    statement = state.session.statement("registry", "rows")
    conn.execute("SET cursor_tuple_fraction = 0.1")  # as for a cursor: the plan is made for the first rows
    with psycopg.ClientCursor(conn) as cursor:
        query = cursor.mogrify(statement, {"run_id": RUN_ID, **SCOPE._asdict()})
        plan = "\n".join(line for (line,) in cursor.execute(f"EXPLAIN {query}").fetchall())
    assert "recordings_by_start" in plan
    assert "Sort" not in plan


def test_files_are_those_of_recordings_with_audio_or_a_text(conn, state):
    add_recording(conn, 1)
    add_recording(conn, 2, status="pending")
    add_recording(conn, 3, status="error", raw_path="raw/2025/08/01/call_3.mp3")
    files = [(each.raw_path, each.transcript_path) for each in Registry(state.session).files(SCOPE)]
    assert files == [
        ("raw/2025/08/01/call_1.mp3", "transcripts/2025/08/01/call_1.txt"),
        ("raw/2025/08/01/call_3.mp3", None),
    ]
