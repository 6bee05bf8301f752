"""Runs are opened once, calls become rows once, a lost connection costs nothing twice."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.rows import RecordKey, Run, Saved
from include.calls.state.state import State
from include.calls.wording.notes import progress
from include.common.errors import NotConfigured, Temporary
from tests.kit.state_samples import (
    call,
    cut_connections,
    events,
    new_run,
    one,
    opened,
    rows,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus


@pytest.fixture
def state(database: str) -> Iterator[State]:
    with State(database) as state:
        yield state


class TestRuns:
    def test_a_retried_task_finds_the_run_it_opened(self, state: State) -> None:
        first = state.open_run(new_run())
        again = state.open_run(new_run())
        assert first.created
        assert not again.created
        assert replace(again, created=True) == first

    def test_a_key_that_was_used_answers_with_its_run_and_creates_nothing(self, state: State) -> None:
        first = state.open_run(new_run(dag_run_id="dag-1"))
        other = state.open_run(new_run(dag_run_id="dag-2"))
        assert (other.run_id, other.dag_run_id) == (first.run_id, "dag-1")
        assert state.run_of_key("key-1") == replace(first, created=False)
        assert state.run(uuid4()) is None

    def test_the_own_dag_run_wins_over_somebody_elses_key(self, state: State) -> None:
        state.open_run(new_run("key-1", "dag-1"))
        own = state.open_run(new_run("key-2", "dag-2"))
        assert state.open_run(new_run("key-1", "dag-2")).run_id == own.run_id

    def test_a_run_moves_only_from_the_expected_state_and_only_as_the_state_machine_says(
        self, state: State, database: str
    ) -> None:
        run = opened(state)
        assert not state.move_run(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
        with pytest.raises(ValueError, match="no move from completed to cancelled"):
            state.move_run(run.run_id, RunStatus.CANCELLED, expected={RunStatus.COMPLETED}, stage="x")
        now = state.run(run.run_id)
        assert now is not None
        assert now.status is RunStatus.RUNNING
        assert now.started_at is not None
        assert now.finished_at is None
        assert [event for _, event, _ in events(database, run)] == ["pending", "running"]

    def test_notes_are_merged_key_by_key(self, state: State) -> None:
        run = opened(state)
        state.note_run(run.run_id, {"stop": "why", "portal_total": 5})
        state.note_run(run.run_id, {"stop": None})
        now = state.run(run.run_id)
        assert now is not None
        assert now.metadata == {"limit_calls": 0, "stop": None, "portal_total": 5}

    def test_finishing_sums_up_exactly_and_counts_own_spending_apart(self, state: State) -> None:
        earlier = opened(state, "1", call(1), call(2))
        for row, cost in zip(rows(state, earlier), ("0.0090", "0.000001"), strict=True):
            to_text(state, row, checksum=row.record_id, cost=cost)
        later = opened(state, "2", call(1), call(3), call(4, file_id=None))
        assert state.reuse_earlier(later.run_id) == 1
        fresh = next(row for row in rows(state, later) if row.status is S.PENDING)
        to_text(state, fresh, checksum="cc", cost="0.5")
        assert state.finish_run(later.run_id, RunStatus.COMPLETED)
        assert not state.finish_run(later.run_id, RunStatus.COMPLETED)
        done = state.run(later.run_id)
        assert done is not None
        assert (done.total_calls, done.completed_calls, done.error_calls) == (3, 2, 0)
        assert done.total_minutes == (Decimal(181) / 60).quantize(Decimal("0.0001"))
        assert (done.total_cost, done.spent_cost) == (Decimal("0.509"), Decimal("0.5"))
        assert done.finished_at is not None


def scans(connection: psycopg.Connection[Any]) -> Counter[str]:
    """How often each index of call_records was asked so far; a session's share is counted when it has ended."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    deadline = time.monotonic() + 30
    while connection.execute(others).fetchone() != (1,):
        assert time.monotonic() < deadline, "somebody else uses this database"
        time.sleep(0.02)
    connection.execute("SELECT pg_stat_clear_snapshot()")
    asked = "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname = 'call_records'"
    return Counter({str(name): int(times) for name, times in connection.execute(asked).fetchall()})


class TestListing:
    def test_every_call_is_a_row_with_or_without_a_recording(self, state: State, database: str) -> None:
        run = opened(state)
        saved = state.save_calls(run.run_id, [call(1), call(2, file_id=None)], {"1269": "Оператор 12"})
        assert saved == Saved(new=2, changed=0, shared=0)
        with_recording, without = rows(state, run)
        assert (with_recording.status, without.status) == (S.PENDING, S.NO_RECORDING)
        assert with_recording.employee_name == "Оператор 12"
        assert with_recording.portal_offset_sec == 3 * 3600
        assert with_recording.call_started_at == datetime(2025, 8, 6, 9, 1, tzinfo=UTC)
        assert (with_recording.from_number, with_recording.to_number) == ("+79997654321", "+74951234567")
        listed = [detail for _, event, detail in events(database, run) if event == "calls_saved"]
        assert listed == [{"new": 2, "changed": 0, "shared": 0}]

    def test_the_same_calls_again_change_nothing(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, file_id=None))
        before = rows(state, run)
        assert state.save_calls(run.run_id, [call(1), call(2, file_id=None)], {}) == Saved(0, 0, 0)
        assert rows(state, run) == before

    def test_a_call_listed_twice_in_one_go_is_one_row(self, state: State) -> None:
        run = opened(state)
        assert state.save_calls(run.run_id, [call(1), call(1)], {}) == Saved(1, 0, 0)

    def test_rows_of_one_call_with_different_recordings_stay_apart(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, call_id=call(1).call_id), call(3))
        assert [row.several for row in rows(state, run)] == [True, True, False]

    def test_two_statistics_rows_of_one_recording_are_one_record_and_counted(self, state: State) -> None:
        run = opened(state)
        twin = replace(call(1), statistics_id=2)
        assert state.save_calls(run.run_id, [call(1), twin], {}) == Saved(new=1, changed=0, shared=1)

    def test_a_call_is_looked_up_without_reading_its_run(self, database: str) -> None:
        """A run that is being listed is in no statistics, and earlier runs are: any index might seem good enough."""
        calls = [call(number) for number in range(3_000)]
        with psycopg.connect(database, autocommit=True) as connection:
            with State(database) as earlier:
                for name in ("1", "2", "3"):
                    opened(earlier, name, *calls)
            connection.execute("ANALYZE")
            before = scans(connection)
            with State(database) as state:
                later = opened(state, "4", *calls)
                state.save_calls(later.run_id, calls, {})
            asked = scans(connection) - before
            assert asked["call_records_by_row"] >= len(calls)
            assert not asked["call_records_by_batch"]

    def test_a_late_recording_takes_the_place_of_none(self, state: State) -> None:
        run = opened(state, "1", call(1, file_id=None))
        assert state.save_calls(run.run_id, [call(1)], {}) == Saved(new=0, changed=1, shared=0)
        row = one(state, run)
        assert (row.status, row.record_id, row.file_id) == (S.PENDING, "501", 501)

    def test_a_recording_that_is_gone_from_the_list_keeps_its_row(self, state: State) -> None:
        run = opened(state, "1", call(1))
        state.save_calls(run.run_id, [call(1, file_id=None)], {})
        assert (one(state, run).status, one(state, run).record_id) == (S.PENDING, "501")

    def test_finished_work_keeps_its_name_and_state_while_figures_follow_the_portal(self, state: State) -> None:
        run = opened(state, "1", call(1))
        to_text(state, one(state, run))
        renamed = replace(call(1), record_id="777", recording_ref="777", duration_sec=91)
        assert state.save_calls(run.run_id, [renamed], {}) == Saved(new=0, changed=1, shared=0)
        row = one(state, run)
        assert (row.status, row.record_id, row.duration_sec) == (S.COMPLETED, "501", 91)

    def test_text_that_postgresql_cannot_hold_does_not_stop_a_listing(self, state: State) -> None:
        run = opened(state)
        state.save_calls(run.run_id, [call(1, client_number="+7\0999\ud800")], {"1269": "О\0"})
        assert one(state, run).from_number == "+7\ufffd999?"

    @pytest.mark.timeout(60)
    def test_a_hundred_thousand_calls_stream_in(self, state: State) -> None:
        run = opened(state)
        saved = state.save_calls(run.run_id, (call(number) for number in range(100_000)), {})
        assert saved == Saved(100_000, 0, 0)
        assert state.counts(run.run_id) == {S.PENDING: 100_000}


class TestConnection:
    def test_a_cut_connection_is_replaced_before_the_next_statement(self, state: State, database: str) -> None:
        run = opened(state)
        cut_connections(database)
        assert state.run(run.run_id) is not None

    def test_a_connection_cut_in_the_middle_is_temporary_and_undoes_the_whole(
        self, state: State, database: str
    ) -> None:
        run = opened(state)
        with pytest.raises(Temporary):
            interrupted(state, run, database)
        now = state.run(run.run_id)
        assert now is not None
        assert "half" not in now.metadata

    def test_a_password_never_reaches_an_error(self) -> None:
        with pytest.raises(Temporary) as caught, State("postgresql://someone:hunter2@127.0.0.1:1/none") as state:
            state.run(UUID(int=0))
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__suppress_context__

    def test_a_missing_schema_is_told_as_such(self, empty_database: str) -> None:
        with pytest.raises(NotConfigured, match="migrations"), State(empty_database) as state:
            state.run(UUID(int=0))

    def test_progress_in_one_sentence(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2), call(3, file_id=None))
        to_text(state, state.record(run.run_id, RecordKey(call(1).call_id, "501")))  # type: ignore[arg-type]
        assert progress(state.progress(run.run_id)) == (
            "готово 1 из 2 записей (взято из прошлых запусков 0), нет на портале 0, ошибок 0; 2 мин, потрачено 0,01 USD"
        )


def interrupted(state: State, run: Run, database: str) -> None:
    with state.transaction():
        state.note_run(run.run_id, {"half": "done"})
        cut_connections(database)
        state.note_run(run.run_id, {"other": "half"})
