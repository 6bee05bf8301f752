"""Calls become rows once, whatever number of times they are listed."""

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.state.types import Run, Saved
from include.common.telephony import Call, CallOutcome
from tests.kit.state_samples import call, events, executed, new_run, one, opened, rows, selected, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus
PORTAL = 1


@pytest.fixture
def run(state: State) -> Run:
    """Running, with nothing listed yet."""
    return opened(state)


def save(state: State, run: Run, *calls: Call, **employees: str) -> Saved:
    return state.listing.save(run, PORTAL, calls, employees)


def note_gone(state: State, run: Run, *listed: int) -> int:
    return state.listing.note_gone(run, PORTAL, listed, began_at=state.recordings.now())


class TestNewRows:
    def test_every_call_is_a_row_with_or_without_a_recording(self, state: State, run: Run, database: str) -> None:
        saved = state.listing.save(run, PORTAL, [call(1), call(2, file_id=None)], {"1269": "Оператор 12"})
        assert saved == Saved(new=2, changed=0, shared=0)
        with_recording, without = rows(state, run)
        assert (with_recording.status, without.status) == (S.PENDING, S.NO_RECORDING)
        assert with_recording.employee_name == "Оператор 12"
        assert with_recording.utc_offset_sec == 3 * 3600
        assert with_recording.call_started_at == datetime(2025, 8, 6, 9, 1, tzinfo=UTC)
        assert (with_recording.from_number, with_recording.to_number) == ("+79997654321", "+74951234567")
        assert (with_recording.phone_line, with_recording.recording_ref) == ("+74951234567", "501")
        assert selected(database, "SELECT DISTINCT outcome, outcome_code FROM recordings") == [("answered", "200")]
        listings = [detail for _, event, detail in events(database, run) if event == "calls_saved"]
        assert listings[-1] == {"new": 2, "changed": 0, "shared": 0, "erased": 0}

    def test_the_same_calls_again_change_nothing(self, state: State, run: Run) -> None:
        save(state, run, call(1), call(2, file_id=None))
        before = rows(state, run)
        assert save(state, run, call(1), call(2, file_id=None)) == Saved(0, 0, 0)
        assert rows(state, run) == before

    def test_another_run_over_the_same_days_adds_no_row(self, state: State, database: str) -> None:
        opened(state, "1", call(1), call(2))
        later = opened(state, "2", call(2), call(3))
        assert selected(database, "SELECT count(*) FROM recordings") == [(3,)]
        assert len(rows(state, later)) == 3

    def test_a_call_listed_twice_in_one_go_is_one_row(self, state: State, run: Run) -> None:
        assert save(state, run, call(1), call(1)) == Saved(1, 0, 0)

    def test_rows_of_one_call_with_different_recordings_stay_apart(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, call_id=call(1).call_id), call(3))
        assert [row.several for row in rows(state, run)] == [True, True, False]

    def test_two_statistics_rows_of_one_recording_are_one_row(self, state: State, run: Run) -> None:
        """The second one is counted for the proof of the report."""
        twin = replace(call(1), statistics_id=2)
        assert save(state, run, call(1), twin) == Saved(new=1, changed=0, shared=1)

    def test_unstorable_text_does_not_stop_a_listing(self, state: State, run: Run) -> None:
        save(state, run, call(1, client_number="+7\0999\ud800"), **{"1269": "О\0"})
        assert one(state, run).from_number == "+7\ufffd999?"

    def test_a_call_is_looked_up_without_reading_its_period(self, database: str) -> None:
        """A period that is being listed is in no statistics, and earlier ones are: any index might look good enough."""
        calls = [call(number) for number in range(3_000)]
        with psycopg.connect(database, autocommit=True) as connection:
            with State.open(database) as earlier:
                opened(earlier, "1", *calls)
            connection.execute("ANALYZE")
            before = scans(connection)
            with State.open(database) as state:
                later = state.runs.open(new_run("key-2", "dag-2"))
                save(state, later, *calls)
            asked = scans(connection) - before
            assert asked["recordings_portal_id_statistics_id_key"] >= len(calls)
            assert not asked["recordings_by_start"]

    @pytest.mark.timeout(60)
    @pytest.mark.long
    def test_a_hundred_thousand_calls_stream_in(self, state: State) -> None:
        run = state.runs.open(new_run(period_to=datetime(2026, 8, 31, tzinfo=UTC)))
        state.runs.set_portal(run.run_id, state.portals.of("portal.example", []))
        saved = state.listing.save(run, PORTAL, (call(number) for number in range(100_000)), {})
        assert saved == Saved(100_000, 0, 0)
        assert state.runs.counts(run.run_id) == {S.PENDING: 100_000}


class TestKnownRows:
    def test_a_late_recording_takes_the_place_of_none(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1, file_id=None))
        assert save(state, run, call(1)) == Saved(new=0, changed=1, shared=0)
        assert save(state, run, call(1)) == Saved(0, 0, 0)
        row = one(state, run)
        assert (row.status, row.record_id, row.recording_ref) == (S.PENDING, "501", "501")
        moves = [(event, detail["from"]) for _, event, detail in events(database, run) if "from" in detail]
        assert moves[-1] == ("pending", "no_recording")

    def test_figures_alone_are_no_move(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1, file_id=None), call(2))
        before = events(database, run)
        changed = [call(1, file_id=None, duration_sec=7), call(2, file_id=900)]
        assert save(state, run, *changed).changed == 2
        assert [event for _, event, _ in events(database, run)][len(before) :] == ["calls_saved"]

    def test_a_corrected_start_moves_the_call_into_its_day(self, state: State) -> None:
        run = opened(state, "1", call(1))
        later = datetime(2025, 8, 7, tzinfo=UTC)
        assert save(state, run, call(1, started_at=later)).changed == 1
        assert one(state, run).call_started_at == later

    def test_a_recording_that_the_portal_has_emptied_keeps_its_state(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2))
        to_text(state, run, rows(state, run)[1])
        assert save(state, run, call(1, file_id=None), call(2, file_id=None)) == Saved(0, 0, 0)
        assert [(row.status, row.record_id) for row in rows(state, run)] == [(S.PENDING, "501"), (S.COMPLETED, "502")]

    def test_finished_work_keeps_its_name(self, state: State) -> None:
        """Its figures follow the portal all the same."""
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        renamed = call(1, record_id="777", recording_ref="777", duration_sec=91, outcome=CallOutcome.UNKNOWN)
        assert save(state, run, renamed) == Saved(new=0, changed=1, shared=0)
        row = one(state, run)
        assert (row.status, row.record_id, row.duration_sec) == (S.COMPLETED, "501", 91)

    def test_a_new_name_of_an_untouched_recording_is_taken_over(self, state: State) -> None:
        by_url = call(1, record_id="url-0123456789abcdef", recording_ref=None)
        run = opened(state, "1", by_url)
        assert save(state, run, call(1)).changed == 1
        assert (one(state, run).record_id, one(state, run).recording_ref) == ("501", "501")

    def test_two_rows_of_a_call_that_get_one_file_keep_two_names(self, state: State) -> None:
        first, second = call(1, file_id=None), call(2, file_id=None, call_id=call(1).call_id)
        run = opened(state, "1", first, second)
        arrived = [replace(one, record_id="9", recording_ref="9", has_recording=True) for one in (first, second)]
        save(state, run, *arrived)
        assert [(row.record_id, row.status) for row in rows(state, run)] == [
            ("9", S.PENDING),
            ("none-2", S.NO_RECORDING),
        ]

    def test_a_number_of_a_file_alone_is_no_proof(self, state: State, database: str) -> None:
        """The same file number in another call is another recording."""
        opened(state, "1", call(1))
        opened(state, "2", call(2, call_id="externalCall.other", record_id="501"))
        assert selected(database, "SELECT count(*) FROM recordings") == [(2,)]


class TestGoneRows:
    def test_a_row_listed_no_more_is_reported_with_a_text_only(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1), call(2), call(3))
        to_text(state, run, rows(state, run)[0])
        assert note_gone(state, run, 3) == 1
        assert [row.statistics_id for row in rows(state, run)] == [1, 3]
        assert [event for _, event, _ in events(database, run)].count("gone_from_the_portal") == 2
        assert note_gone(state, run, 3) == 1
        assert [event for _, event, _ in events(database, run)].count("gone_from_the_portal") == 2

    def test_a_row_that_is_listed_again_is_back(self, state: State) -> None:
        run = opened(state, "1", call(1))
        note_gone(state, run)
        assert rows(state, run) == []
        assert save(state, run, call(1)).changed == 1
        assert len(rows(state, run)) == 1

    def test_a_row_that_came_after_the_listing_began_is_not_judged(self, state: State) -> None:
        run = opened(state, "1", call(1))
        began_at = state.recordings.now()
        save(state, run, call(2))
        assert state.listing.note_gone(run, PORTAL, [1], began_at=began_at) == 1
        assert len(rows(state, run)) == 2

    def test_rows_of_other_days_and_portals_are_not_judged(self, state: State) -> None:
        run = opened(state, "1", call(1), period_to=datetime(2025, 8, 6, 9, 1, tzinfo=UTC))
        wide = opened(state, "2", call(1), call(2))
        other = opened(state, "3", call(9, call_id="x"), host="other.example")
        assert note_gone(state, run, 1) == 1
        assert (len(rows(state, wide)), len(rows(state, other))) == (2, 1)

    def test_a_gone_row_without_audio_is_not_taken_up(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        executed(database, "UPDATE recordings SET gone_at = now()")
        assert state.moves.take_up(run, stage="plan", summaries=False) == 0


def scans(connection: psycopg.Connection[Any]) -> Counter[str]:
    """How often each index of recordings was used so far; a session's share is counted when it has ended."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    deadline = time.monotonic() + 30
    while connection.execute(others).fetchone() != (1,):
        assert time.monotonic() < deadline, "another session uses this database"
        time.sleep(0.02)
    connection.execute("SELECT pg_stat_clear_snapshot()")
    asked = "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname = 'recordings'"
    return Counter({str(name): int(times) for name, times in connection.execute(asked).fetchall()})
