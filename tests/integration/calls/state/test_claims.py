"""One task has a call at a time, whatever run it works for."""

import time
from uuid import uuid4

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state import claims
from include.calls.state.state import State
from tests.kit.state_samples import (
    call,
    cut_connections,
    end_leases,
    executed,
    one,
    opened,
    selected,
)

pytestmark = pytest.mark.postgres
S = RecordStatus


def test_two_tasks_never_have_one_call(state: State, database: str) -> None:
    with (
        State.open(database) as other,
        state.claims.hold(1, "call-1") as mine,
        other.claims.hold(1, "call-1") as theirs,
        other.claims.hold(1, "call-2") as another,
        other.claims.hold(2, "call-1") as of_another_portal,
    ):
        found = [claim is not None for claim in (mine, theirs, another, of_another_portal)]
        assert found == [True, False, True, True]
    with state.claims.hold(1, "call-1") as mine:
        assert mine


def test_threads_of_one_task_exclude_each_other(state: State) -> None:
    with state.claims.hold(1, "call-1"), state.claims.hold(1, "call-1") as again:
        assert again is None


def test_a_claim_outlives_its_connection(state: State, database: str) -> None:
    with State.open(database) as other, state.claims.hold(1, "call-1") as mine:
        assert mine
        cut_connections(database)
        with other.claims.hold(1, "call-1") as theirs:
            assert theirs is None
        assert mine.alive()


def test_a_lease_that_ran_out_is_taken_and_its_owner_knows(state: State, database: str) -> None:
    with State.open(database) as other, state.claims.hold(1, "call-1") as mine:
        assert mine
        end_leases(database)
        assert mine.alive(), "nobody has taken it"
        end_leases(database)
        with other.claims.hold(1, "call-1") as theirs:
            assert theirs
            assert not mine.alive()
            assert theirs.alive()
        assert not mine.alive()


def test_the_end_of_a_lost_claim_leaves_the_successors_alone(state: State, database: str) -> None:
    with State.open(database) as other:
        with state.claims.hold(1, "call-1"):
            end_leases(database)
            theirs = other.claims.hold(1, "call-1")
            claim = theirs.__enter__()
        assert claim
        assert claim.alive()
        theirs.__exit__(None, None, None)


def test_leases_are_renewed_while_the_task_works(state: State, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEWED_EVERY", 0.05)
    with state.claims.hold(1, "call-1"), state.claims.many() as many:
        assert many.take(1, "call-2")
        executed(database, "UPDATE call_claims SET until = now() + interval '1 second'")
        ends = time.monotonic() + 120
        while selected(database, "SELECT count(*) FROM call_claims WHERE until > now() + interval '30 s'") != [(2,)]:
            assert time.monotonic() < ends, "no lease was renewed"
            time.sleep(0.05)


def test_a_call_taken_twice_is_free_after_two_returns(state: State) -> None:
    """Its recordings are downloaded side by side."""
    with state.claims.many() as mine:
        assert mine.take(1, "call-1")
        assert mine.take(1, "call-1")
        mine.give(1, "call-1")
        with state.claims.hold(1, "call-1") as theirs:
            assert theirs is None
        mine.give(1, "call-1")
        with state.claims.hold(1, "call-1") as theirs:
            assert theirs
            assert not mine.take(1, "call-1")


def test_many_claims_end_together(state: State, database: str) -> None:
    with state.claims.many() as mine:
        for name in ("call-1", "call-2"):
            assert mine.take(1, name)
    assert selected(database, "SELECT count(*) FROM call_claims") == [(0,)]


def test_what_dead_tasks_left_long_ago_is_removed(state: State, database: str) -> None:
    executed(database, "INSERT INTO call_claims VALUES (1, 'old', gen_random_uuid(), now() - interval '2 days')")
    with state.claims.hold(1, "call-1"):
        pass
    assert selected(database, "SELECT count(*) FROM call_claims") == [(0,)]


def test_a_waiting_task_knows_when_a_dead_ones_claim_ends(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    row = one(state, run)
    with state.claims.hold(row.portal_id, row.call_id):
        assert 30 < state.claims.seconds_left([row.recording_id]) <= claims.LEASE_SECONDS
        end_leases(database)
        assert state.claims.seconds_left([row.recording_id]) == 0
    assert state.claims.seconds_left([row.recording_id]) == 0


def test_only_the_claim_that_took_a_recording_moves_it(state: State) -> None:
    """A task that was believed dead wakes up: the recording is its successor's, of the same run even."""
    run = opened(state, "1", call(1))
    row, dead, living = one(state, run), uuid4(), uuid4()
    recording = (run.run_id, row.recording_id)
    assert state.moves.take(*recording, S.DOWNLOADING, stage="download", owner=dead)
    state.moves.take_back(*recording, S.DOWNLOADING, stage="download")
    assert state.moves.take(*recording, S.DOWNLOADING, stage="download", owner=living)
    for other in (dead, None):
        assert not state.moves.move(*recording, S.PENDING, expected={S.DOWNLOADING}, stage="download", owner=other)
    assert state.moves.move(*recording, S.PENDING, expected={S.DOWNLOADING}, stage="download", owner=living)
