"""The history: appended to, never changed, kept by months."""

import logging
from datetime import date

import psycopg
import pytest

from include.calls.state.state import State
from include.common.errors import ErrorCode
from tests.kit.state_samples import call, executed, one, opened, rows, selected, to_text

pytestmark = pytest.mark.postgres


def test_an_event_about_a_recording_names_its_call(state: State) -> None:
    run = opened(state, "1", call(1))
    row = one(state, run)
    state.events.add(run.run_id, stage="download", event="skipped", recording_id=row.recording_id,
                     duration_ms=7, error_code=ErrorCode.BAD_ROW, detail={"why": "а\0б"})  # fmt: skip
    state.events.add(run.run_id, stage="plan", event="planned")
    *_, skipped, planned = state.events.of_run(run.run_id)
    assert (skipped.call_id, skipped.record_id, skipped.duration_ms) == (*row.key, 7)
    assert (skipped.error_code, skipped.detail) == ("bad_row", {"why": "а\ufffdб"})
    assert (planned.call_id, planned.record_id) == (None, None)


def test_failed_summaries_count_since_the_last_fresh_start(state: State) -> None:
    run = opened(state, "1", call(1), call(2))
    first, second = rows(state, run)
    state.work.assign(run.run_id, [[first.recording_id, second.recording_id]])
    for row in (first, second):
        to_text(state, run, row, checksum=row.record_id)

    def failed(recording_id: int, *, final: bool = False, stage: str = "summarize") -> None:
        detail = {"final": final}
        state.events.add(run.run_id, stage=stage, event="summary_failed", recording_id=recording_id, detail=detail)

    failed(first.recording_id)
    state.events.add(run.run_id, stage="summarize", event="started_afresh", detail={"batch_no": 1})
    state.events.add(run.run_id, stage="summarize", event="started_afresh", detail={"batch_no": 2})
    failed(first.recording_id)
    failed(first.recording_id, final=True)
    failed(second.recording_id, stage="elsewhere")
    found = state.events.summary_failures(run.run_id, 1, stage="summarize")
    assert found == {first.recording_id: (2, True, 0)}
    assert state.events.summary_failures(run.run_id, 2, stage="summarize") == {}


class TestMonths:
    def test_an_event_cannot_be_changed_in_any_month(self, database: str) -> None:
        for month in ("2026-01", "2026-02"):
            selected(database, "SELECT call_events_months(%s, 0)", date.fromisoformat(f"{month}-01"))
            executed(
                database, "INSERT INTO call_events (at, stage, event) VALUES (%s, 'preflight', 'passed')", f"{month}-15"
            )
        with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("UPDATE call_events SET event = 'other' WHERE at < '2026-02-01'")

    def test_a_years_partitions_are_created_once(self, state: State, database: str) -> None:
        counted = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'call_events'::regclass"
        assert selected(database, counted) == [(13,)]
        state.events.ensure_months()
        assert selected(database, counted) == [(13,)]
        executed(database, "DROP TABLE " + selected(
            database, "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'call_events'::regclass"
        )[0][0])  # fmt: skip
        state.events.ensure_months()
        assert selected(database, counted) == [(13,)]

    def test_months_meet_in_utc(self, database: str) -> None:
        selected(database, "SELECT call_events_months('2025-12-31', 1)")
        for at in ("2025-12-31T23:59:59.999+00", "2026-01-01T00:00:00+00", "2026-01-01T02:59:59+03"):
            executed(database, "INSERT INTO call_events (at, stage, event) VALUES (%s, 'a', 'b')", at)
        counts = [
            selected(database, f"SELECT count(*) FROM call_events_{month}")[0][0] for month in ("2025_12", "2026_01")
        ]
        assert counts == [2, 1]

    def test_a_busy_table_is_a_warning_and_no_failure_of_the_run(
        self, state: State, database: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with psycopg.connect(database) as other, caplog.at_level(logging.WARNING):
            last = "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'call_events'::regclass"
            executed(database, f"DROP TABLE {selected(database, last)[0][0]}")
            other.execute("LOCK TABLE call_events IN ACCESS EXCLUSIVE MODE")
            state.events.ensure_months()
        assert "partitions" in caplog.text
        state.events.ensure_months()
