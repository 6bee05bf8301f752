"""A recording that has failed for a day leaves the ordinary retries until a person sends it back."""

from datetime import UTC, datetime, timedelta

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.state.types import DeadLetter, Run
from tests.kit.state_samples import call, events, executed, give_up, one, opened, rows, selected, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus
LATER = datetime.now(UTC) + timedelta(days=1)
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)


def letter(state: State, run: Run) -> DeadLetter:
    (found,) = state.dead_letters.of_run(run.run_id, most=10)
    return found


def test_a_day_of_failing_leads_into_the_queue_once(state: State, database: str) -> None:
    run = opened(state, "1", call(1), call(2))
    old, _fresh = rows(state, run)
    give_up(state, run, old, stored=True)
    assert state.dead_letters.move_overdue(run.run_id, failed_before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 1
    assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 0
    found = letter(state, run)
    assert (found.record_id, found.stage, found.error_code) == (old.record_id, "transcribe", "download_failed")
    assert found.replayed_at is None
    waiting = selected(database, "SELECT record_id, replayed_at FROM call_export_dlq WHERE run_id = %s", run.run_id)
    assert waiting == [(old.record_id, None)]
    assert [event for _, event, _ in events(database, run)].count("moved_to_dlq") == 1
    ((message,),) = selected(database, "SELECT error_message FROM call_records WHERE status = 'error'")
    assert message.startswith("in the dead letter queue since ")
    assert message.endswith(": it failed")


def test_a_replay_brings_it_back_to_where_it_waited(state: State) -> None:
    run = opened(state, "1", call(1), call(2))
    for row, stored in zip(rows(state, run), (True, False), strict=True):
        give_up(state, run, row, stored=stored)
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    assert state.dead_letters.replay(run.run_id, stage="open_run") == 2
    assert state.dead_letters.replay(run.run_id, stage="open_run") == 0
    assert [row.status for row in rows(state, run)] == [S.DOWNLOADED, S.PENDING]
    assert all(found.replayed_at for found in state.dead_letters.of_run(run.run_id, most=10))
    assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 0


def test_a_replayed_recording_that_fails_on_comes_back(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    for _ in range(2):
        give_up(state, run, one(state, run), stored=False)
        assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 1
        assert letter(state, run).replayed_at is None
        state.dead_letters.replay(run.run_id, stage="open_run")
    assert selected(database, "SELECT count(*) FROM dead_letters") == [(1,)]


@pytest.mark.parametrize("stored", [False, True])
def test_a_recording_that_still_waits_when_its_day_is_over(state: State, stored: bool) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=stored)
    state.moves.take_up(run, stage="plan", summaries=False)
    assert one(state, run).status is (S.DOWNLOADED if stored else S.PENDING)
    assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 1
    assert one(state, run).status is S.ERROR


def test_a_recording_in_error_gets_a_letter_without_a_move(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=False)
    before = events(database, run)
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    assert [event for _, event, _ in events(database, run)[len(before) :]] == ["moved_to_dlq"]


def test_a_recording_at_work_is_not_given_up(state: State) -> None:
    run = opened(state, "1", call(1))
    row = one(state, run)
    give_up(state, run, row, stored=False)
    state.moves.take_up(run, stage="plan", summaries=False)
    state.moves.take(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
    assert state.dead_letters.move_overdue(run.run_id, failed_before=LATER) == 0


def test_a_letter_belongs_to_the_recording_in_every_run(state: State) -> None:
    first = opened(state, "1", call(1))
    give_up(state, first, one(state, first), stored=False)
    state.dead_letters.move_overdue(first.run_id, failed_before=LATER)
    later = opened(state, "2", call(1))
    assert one(state, later).status is S.ERROR
    assert letter(state, later).run_id == first.run_id
    assert state.dead_letters.replay(later.run_id, stage="open_run") == 1
    assert one(state, first).status is S.PENDING
    assert state.dead_letters.of_run(later.run_id, most=10) == [], "another run's letter that does not wait"


def test_a_run_gives_up_what_failed_in_earlier_runs(state: State) -> None:
    first = opened(state, "1", call(1))
    give_up(state, first, one(state, first), stored=False)
    later = opened(state, "2", call(1))
    assert state.dead_letters.move_overdue(later.run_id, failed_before=LATER) == 1
    assert letter(state, first).run_id == later.run_id


def test_runs_of_other_days_leave_it_alone(state: State) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=False)
    elsewhere = opened(state, "2", period_from=datetime(2025, 8, 7, tzinfo=UTC))
    assert state.dead_letters.move_overdue(elsewhere.run_id, failed_before=LATER) == 0
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    assert state.dead_letters.replay(elsewhere.run_id, stage="open_run") == 0


def test_a_person_takes_it_out_at_once(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=False)
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    assert executed(database, AGAIN, run.run_id) == 1
    assert letter(state, run).replayed_at is not None
    to_text(state, run, one(state, run))
    assert one(state, run).status is S.COMPLETED
