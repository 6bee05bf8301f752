"""Whose registry belongs in a folder, which task may write it, how fresh delivered files are."""

from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.calls.state import publications
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.common.periods import Period
from tests.integration.calls.state.test_figures import add_run, insert

pytestmark = pytest.mark.postgres

KEY = "exports/2025-08-01_2025-08-31/registry/calls_2025-08-01_2025-08-31.csv"
LISTED = Jsonb({"listed": 7})
AUGUST = datetime(2025, 8, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def conn(database):
    with psycopg.connect(database, autocommit=True) as connection:
        insert(connection, "portals", {"host": "portal.example"})
        insert(connection, "portals", {"host": "other.example"})
        yield connection


@pytest.fixture
def state(database):
    with State.open(database) as state:
        yield state


@pytest.fixture(autouse=True)
def at_any_time(monkeypatch):
    monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 0.0)
    monkeypatch.setattr(publications, "LIVE_REST", 0.0)


def run_of(conn, first, last, **columns) -> UUID:
    """A run from the first second of a day of August to the last second of another."""
    run_id = uuid4()
    period = {"period_from": AUGUST + (first - 1) * DAY, "period_to": AUGUST + last * DAY - SECOND}
    add_run(conn, run_id, **({"metadata": LISTED} | period | columns))
    return run_id


def published(state, run_id, *, complete=True):
    Publications(state.session).note(KEY, run_id, complete=complete, rows=7, seconds=0.1)


def lock_live(state, run_id):
    with state.transaction():
        return Publications(state.session).lock_live(KEY, run_id)


class TestOwner:
    def test_who_comes_first_owns_the_folder(self, conn, state):
        run_id = run_of(conn, 1, 31)
        assert Publications(state.session).owner(KEY, run_id) == run_id

    @pytest.mark.parametrize("further", ["later end", "earlier beginning", "later start"])
    def test_the_run_that_reaches_further_owns_it_whoever_publishes(self, conn, state, further):
        start = AUGUST + 40 * DAY
        short = run_of(conn, 2, 30, started_at=start)
        longer = {
            "later end": lambda: run_of(conn, 2, 31, started_at=start - DAY),
            "earlier beginning": lambda: run_of(conn, 1, 30, started_at=start - DAY),
            "later start": lambda: run_of(conn, 2, 30, started_at=start + DAY),
        }[further]()
        published(state, short)
        assert Publications(state.session).owner(KEY, longer) == longer
        published(state, longer)
        assert Publications(state.session).owner(KEY, short) == longer
        assert Publications(state.session).publisher(KEY) == longer

    def test_a_registry_in_mid_run_owns_nothing(self, conn, state):
        longer, short = run_of(conn, 1, 31), run_of(conn, 1, 30)
        published(state, longer, complete=False)
        assert Publications(state.session).owner(KEY, short) == short
        assert Publications(state.session).publisher(KEY) is None


class TestLive:
    def test_a_running_run_with_its_list_may_write(self, conn, state):
        assert lock_live(state, run_of(conn, 1, 31))

    def test_no_other_may(self, conn, state):
        assert not lock_live(state, run_of(conn, 1, 31, metadata=Jsonb({})))
        assert not lock_live(state, run_of(conn, 1, 31, status="completed"))

    def test_a_complete_registry_stays_whosever_it_is(self, conn, state):
        owner, run_id = run_of(conn, 1, 30), run_of(conn, 1, 31)
        published(state, owner, complete=False)
        assert lock_live(state, run_id)
        published(state, owner)
        assert not lock_live(state, run_id)
        assert not lock_live(state, owner)

    def test_a_fresh_one_and_a_costly_one_stay_for_a_while(self, conn, state, monkeypatch):
        run_id = run_of(conn, 1, 31)
        published(state, run_id, complete=False)
        monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 60.0)
        assert not lock_live(state, run_id)
        monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 0.0)
        monkeypatch.setattr(publications, "LIVE_REST", 20_000.0)
        assert not lock_live(state, run_id)

    def test_a_run_that_has_just_begun_waits_although_an_older_one_wrote_long_ago(self, conn, state, monkeypatch):
        monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 60.0)
        older, run_id = run_of(conn, 1, 31), run_of(conn, 1, 31, started_at=datetime.now(UTC))
        published(state, older, complete=False)
        conn.execute("UPDATE publications SET written_at = '2025-09-01'")
        assert not lock_live(state, run_id)
        conn.execute("UPDATE call_exports SET started_at = '2025-09-01' WHERE run_id = %s", [run_id])
        assert lock_live(state, run_id)

    def test_one_task_at_a_time(self, conn, state, database):
        run_id = run_of(conn, 1, 31)
        with State.open(database) as other, other.transaction():
            Publications(other.session).lock(KEY)
            assert not lock_live(state, run_id)
        assert lock_live(state, run_id)

    def test_publish_waits_for_the_task_before(self, state, database):
        entered, order = Event(), []

        def second():
            with State.open(database) as other, other.transaction():
                entered.set()
                Publications(other.session).lock(KEY)
                order.append("second")

        thread = Thread(target=second)
        with state.transaction():
            Publications(state.session).lock(KEY)
            thread.start()
            assert entered.wait(10)
            thread.join(0.3)
            order.append("first")
        thread.join(10)
        assert order == ["first", "second"]


class TestDeliveries:
    def test_a_delivery_is_as_fresh_as_its_transaction_less_five_minutes(self, conn, state):
        """A text that was committed while the delivery read may carry an earlier time."""
        assert Publications(state.session).delivery(KEY) is None
        Publications(state.session).note_delivery(
            KEY, audio=False, masked=False, run_id=run_of(conn, 1, 31), actor="operator"
        )
        found = Publications(state.session).delivery(KEY)
        age = datetime.now(UTC) - found.texts_at
        assert timedelta(minutes=5) <= age < timedelta(minutes=6)
        assert found.audio_at is None

    def test_audio_stays_delivered(self, state):
        Publications(state.session).note_delivery(KEY, audio=True, masked=False, run_id=None, actor="operator")
        Publications(state.session).note_delivery(KEY, audio=False, masked=False, run_id=None, actor="operator")
        assert Publications(state.session).delivery(KEY).audio_at is not None


class TestKnownDays:
    WEEK = Period(AUGUST, AUGUST + 7 * DAY - SECOND)

    def known(self, state, portal_id=1):
        return Publications(state.session).known(portal_id, self.WEEK)

    def test_days_of_several_runs_are_known_if_no_second_lacks(self, conn, state):
        run_of(conn, 1, 3)
        assert self.known(state) is None
        newest = run_of(conn, 4, 9, started_at=AUGUST + 40 * DAY)
        assert self.known(state) == newest
        assert self.known(state, portal_id=2) is None

    @pytest.mark.parametrize(
        "columns",
        [{"metadata": Jsonb({})}, {"last_statistics_id": 5}, {"portal_id": None}],
        ids=["not listed to the end", "a trial", "nothing listed"],
    )
    def test_other_runs_prove_nothing(self, conn, state, columns):
        run_of(conn, 1, 31, **columns)
        assert self.known(state) is None

    def test_every_portal_is_asked(self, conn, state):
        insert(conn, "portals", {"host": "third.example"})
        assert Publications(state.session).portals() == [1, 2, 3]
