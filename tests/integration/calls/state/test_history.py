"""The history tells every move of every recording, the rare ones too: late, given up, brought back, given back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from include.calls.domain.states import RECORD_MOVES, RecordStatus
from include.calls.state.rows import Run
from include.calls.state.state import State
from tests.kit.state_samples import call, give_up, one, opened, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus
TOMORROW = timedelta(days=1)


@pytest.fixture
def state(database: str) -> Any:
    with State(database) as state:
        yield state


def told(database: str, run: Run) -> list[tuple[str, str]]:
    """The run's moves of recordings in their order, each from the state where the one before it ended."""
    with psycopg.connect(database) as connection:
        moves = connection.execute(
            "SELECT detail ->> 'from', event FROM call_events"
            " WHERE run_id = %s AND call_id IS NOT NULL AND detail ? 'from' ORDER BY id",
            [run.run_id],
        ).fetchall()
    for before, after in moves:
        assert S(after) in RECORD_MOVES[S(before)]
    assert [before for before, _ in moves[1:]] == [after for _, after in moves[:-1]]
    return moves


def test_a_recording_that_arrived_late(state: State, database: str) -> None:
    run = opened(state, "1", call(1, file_id=None))
    state.save_calls(run.run_id, [call(1)], {})
    state.save_calls(run.run_id, [call(1)], {})
    assert one(state, run).status is S.PENDING
    assert told(database, run) == [(S.NO_RECORDING, S.PENDING)]


def test_a_call_whose_figures_alone_changed_has_not_moved(state: State, database: str) -> None:
    run = opened(state, "1", call(1, file_id=None), call(2))
    assert state.save_calls(run.run_id, [call(1, file_id=None, duration_sec=7), call(2, file_id=900)], {}).changed == 2
    assert told(database, run) == []


@pytest.mark.parametrize("stored", [False, True])
def test_a_recording_that_still_waits_when_its_day_is_over(state: State, database: str, stored: bool) -> None:
    """It leaves the ordinary retries from wherever it waits, and the replay brings it back to there."""
    run = opened(state, "1", call(1))
    give_up(state, one(state, run), stored=stored)
    waits = S.DOWNLOADED if stored else S.PENDING
    state.reopen_records(run.run_id, stage="open_run")
    assert one(state, run).status is waits
    assert state.move_to_dlq(run.run_id, failed_before=datetime.now(UTC) + TOMORROW) == 1
    assert state.replay(run.run_id) == 1
    assert told(database, run)[-2:] == [(waits, S.ERROR), (S.ERROR, waits)]
    assert one(state, run).status is waits


def test_a_recording_in_error_moves_into_the_queue_without_a_move_of_state(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    give_up(state, one(state, run), stored=False)
    before = told(database, run)
    assert state.move_to_dlq(run.run_id, failed_before=datetime.now(UTC) + TOMORROW) == 1
    assert told(database, run) == before


def test_a_recording_held_because_an_earlier_run_has_given_it_up(state: State, database: str) -> None:
    first = opened(state, "1", call(1))
    give_up(state, one(state, first), stored=False)
    state.move_to_dlq(first.run_id, failed_before=datetime.now(UTC) + TOMORROW)
    later = opened(state, "2", call(1))
    assert state.hold_dead_letters(later.run_id, stage="plan") == 1
    assert told(database, later) == [(S.PENDING, S.ERROR)]


def test_a_text_taken_from_an_earlier_run_and_given_back(state: State, database: str) -> None:
    first = opened(state, "1", call(1))
    to_text(state, one(state, first))
    later = opened(state, "2", call(1))
    state.reuse_earlier(later.run_id)
    assert state.give_back(one(state, later), stage="plan")
    assert told(database, later) == [(S.PENDING, S.COMPLETED), (S.COMPLETED, S.PENDING)]
