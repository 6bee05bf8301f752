"""Each occasion is told once, by one process."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from include.calls.domain.states import RunStatus
from include.calls.state.notifications import Notifications
from include.calls.state.state import State
from tests.kit.state_samples import call, events, executed, give_up, opened, rows

pytestmark = pytest.mark.postgres

LATER = datetime.now(UTC) + timedelta(days=1)


def never() -> bool:
    raise AssertionError("told twice")


@pytest.mark.parametrize(("sent", "event"), [(True, "notified"), (False, "not_notified")])
def test_an_occasion_is_tried_once(state: State, database: str, sent: bool, event: str) -> None:
    run = opened(state)
    assert Notifications(state.session).once("run 1 failed", lambda: sent, run_id=run.run_id, kind="run_failed")
    assert not Notifications(state.session).once("run 1 failed", never, run_id=run.run_id, kind="run_failed")
    assert events(database, run)[-1] == (
        "notify",
        event,
        {"occasion": "run 1 failed", "kind": "run_failed", "up_to": 0},
    )
    assert Notifications(state.session).once("run 2 failed", lambda: sent, run_id=run.run_id, kind="run_failed")


def test_of_two_processes_one_tells(state: State, database: str) -> None:
    def send() -> bool:
        with State.open(database) as other:
            assert not Notifications(other.session).once("it happened", never, run_id=None, kind="x")
        return True

    assert Notifications(state.session).once("it happened", send, run_id=None, kind="x")


def test_the_last_end_of_a_run_is_an_occasion_with_its_verdict(state: State) -> None:
    run = opened(state)
    assert Notifications(state.session).last_event(run.run_id, "error") is None
    ends = []
    for verdict in ("плохо", "всё ещё плохо"):
        state.runs.finish(run.run_id, RunStatus.ERROR, verdict=verdict, failed_step=None)
        ends.append(Notifications(state.session).last_event(run.run_id, "error"))
        state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.ERROR}, stage="open_run")
    first, second = ends
    assert first
    assert second
    assert (first.verdict, second.verdict) == ("плохо", "всё ещё плохо")
    assert first.event_id < second.event_id


def test_dead_letters_are_new_until_they_were_told(state: State) -> None:
    run = opened(state, "1", call(1), call(2))
    first, second = rows(state, run)
    give_up(state, run, first, stored=False)
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    found = Notifications(state.session).new_dead_letters(run.run_id)
    assert found.moved == 1
    Notifications(state.session).once("dlq 1", lambda: True, run_id=run.run_id, kind="dlq_grew", up_to=found.up_to)
    assert Notifications(state.session).new_dead_letters(run.run_id).moved == 0
    give_up(state, run, second, stored=False)
    state.dead_letters.move_overdue(run.run_id, failed_before=LATER)
    assert Notifications(state.session).new_dead_letters(run.run_id).moved == 1


def test_the_low_rate_is_an_occasion_while_it_lasts(state: State, database: str) -> None:
    def switched(until: datetime) -> None:
        detail = Jsonb({"reason": "refusals", "until": until.isoformat()})
        executed(
            database, "INSERT INTO call_events (stage, event, detail) VALUES ('portal', 'low_rate_on', %s)", detail
        )

    executed(database, "INSERT INTO call_events (stage, event) VALUES ('portal', 'portal_refused')")
    switched(datetime(2025, 1, 1, tzinfo=UTC))
    assert Notifications(state.session).low_rate_switch() is None
    switched(LATER)
    found = Notifications(state.session).low_rate_switch()
    assert found
    assert (found.forced, found.until, found.refusals) == (False, LATER, 1)
