"""One task has a call at a time, whatever run it works for."""

import pytest

from include.calls.state.state import State
from tests.kit.state_samples import cut_connections

pytestmark = pytest.mark.postgres


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


def test_a_claim_ends_with_its_connection(state: State, database: str) -> None:
    with state.claims.hold(1, "call-1") as mine:
        assert mine
        assert mine.alive()
        cut_connections(database)
        assert not mine.alive()
        with State.open(database) as other, other.claims.hold(1, "call-1") as theirs:
            assert theirs


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
        assert mine.alive()


def test_many_claims_end_together(state: State) -> None:
    with state.claims.many() as mine:
        for name in ("call-1", "call-2"):
            assert mine.take(1, name)
    with state.claims.hold(1, "call-1") as one, state.claims.hold(1, "call-2") as two:
        assert one
        assert two
