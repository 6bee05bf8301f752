"""One row of PostgreSQL paces every thread, worker and run that talks to one portal."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from include.clients.bitrix24.pace import PortalPace
from include.common.errors import Temporary, Throttled

pytestmark = pytest.mark.postgres
PORTAL = "company.bitrix24.ru"
MakePace = Callable[..., PortalPace]


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def make_pace(database: str, slept: list[float]) -> Iterator[MakePace]:
    """Paces that note how long they would sleep instead of sleeping."""
    made = []

    def make(portal: str = PORTAL, **options: Any) -> PortalPace:
        made.append(PortalPace(database, portal, **({"sleep": slept.append} | options)))
        return made[-1]

    yield make
    for pace in made:
        pace.close()


def rows(database: str, query: str) -> list[Any]:
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def events(database: str) -> list[str]:
    return [event for (event,) in rows(database, "SELECT event FROM call_events ORDER BY id")]


def test_permits_follow_the_rate(make_pace: MakePace, slept: list[float]) -> None:
    """Two clients of one portal share one sequence of permits."""
    paces = [make_pace(rate=0.05), make_pace(rate=0.05)]
    for pace in paces * 2:
        pace.acquire()
    assert slept == pytest.approx([0, 20, 40, 60], abs=5)


def test_portals_do_not_wait_for_each_other(make_pace: MakePace, slept: list[float]) -> None:
    for portal in ("a.bitrix24.ru", "b.bitrix24.ru"):
        make_pace(portal, rate=0.1).acquire()
    assert slept == [0, 0]


def test_threads_share_one_pace_at_the_rate(make_pace: MakePace) -> None:
    """Really sleeping: 21 permits from several threads at 50 a second take no less than 0.4 s."""
    pace = make_pace(rate=50, sleep=time.sleep)
    threads = [threading.Thread(target=lambda: [pace.acquire() for _ in range(7)]) for _ in range(3)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started >= 0.39


def idle(database: str, seconds: float) -> None:
    """As if no request had been sent to the portal for so long."""
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE portal_pace SET next_permit_at = now() - make_interval(secs => %s)", (seconds,))


@pytest.mark.parametrize(("burst", "waits"), [(0, [0, 10, 20, 30]), (2, [0, 0, 0, 10])])
def test_idle_time_saves_up_the_burst_only(
    make_pace: MakePace, slept: list[float], database: str, burst: int, waits: list[float]
) -> None:
    make_pace(rate=0.1).acquire()
    idle(database, 3600)
    for _ in range(4):
        make_pace(rate=0.1, burst=burst).acquire()
    assert slept[1:] == pytest.approx(waits, abs=3)


def test_a_late_permit_is_made_up_for(make_pace: MakePace, slept: list[float], database: str) -> None:
    """Exactly the unused permits may be taken at once, not one more."""
    make_pace(rate=0.1).acquire()
    idle(database, 15)
    for _ in range(3):
        make_pace(rate=0.1, burst=10).acquire()
    assert slept[1:] == pytest.approx([0, 0, 5], abs=3)


@pytest.mark.parametrize("slow_down", ["force_low_rate", "refused"])
def test_the_low_rate_has_no_burst(make_pace: MakePace, slept: list[float], database: str, slow_down: str) -> None:
    """Nor is there a burst within the calm time after a refusal."""
    pace = make_pace(rate=1, burst=10)
    pace.acquire()
    idle(database, 3600)
    waits = {"force_low_rate": [0, 2, 4], "refused": [0, 1, 2]}[slow_down]
    pace.force_low_rate(600) if slow_down == "force_low_rate" else pace.refused("QUERY_LIMIT_EXCEEDED", 0, "m")
    for _ in range(3):
        pace.acquire()
    assert slept[1:] == pytest.approx(waits, abs=0.45)


def test_a_refusal_blocks_all_and_leaves_an_event(make_pace: MakePace, slept: list[float], database: str) -> None:
    run_id = uuid4()
    make_pace(run_id=run_id).refused("OPERATION_TIME_LIMIT", 30, "voximplant.statistic.get")
    make_pace().acquire()
    assert slept == pytest.approx([30], abs=5)
    ((run, stage, event, detail),) = rows(database, "SELECT run_id, stage, event, detail FROM call_events")
    assert (run, stage, event) == (run_id, "portal", "portal_refused")
    assert detail.pop("until")
    assert detail == {"portal": PORTAL, "code": "OPERATION_TIME_LIMIT", "method": "voximplant.statistic.get"}


def test_shorter_refusal_does_not_shorten_a_longer_one(make_pace: MakePace, slept: list[float]) -> None:
    pace = make_pace()
    pace.refused("OPERATION_TIME_LIMIT", 40, "m")
    pace.refused("QUERY_LIMIT_EXCEEDED", 5, "m")
    pace.acquire()
    assert slept == pytest.approx([40], abs=5)


def test_permit_too_far_away_is_not_taken(make_pace: MakePace, slept: list[float]) -> None:
    make_pace().refused("OPERATION_TIME_LIMIT", 500, "m")
    with pytest.raises(Throttled) as raised:
        make_pace(max_wait=60).acquire()
    assert raised.value.retry_after == pytest.approx(500, abs=20)
    make_pace(max_wait=1000).acquire()
    assert slept == pytest.approx([500], abs=20)


def test_many_refusals_switch_to_the_low_rate(make_pace: MakePace, slept: list[float], database: str) -> None:
    """More than ten in a quarter of an hour, for a quarter of an hour."""
    pace = make_pace(rate=10)
    for _ in range(10):
        pace.refused("QUERY_LIMIT_EXCEEDED", 0, "m")
    assert "low_rate_on" not in events(database)
    for _ in range(3):
        pace.refused("QUERY_LIMIT_EXCEEDED", 0, "m")
    assert events(database).count("low_rate_on") == 1
    (((left,)),) = rows(database, "SELECT extract(epoch FROM low_rate_until - now())::float FROM portal_pace")
    assert left == pytest.approx(900, abs=5)
    other = make_pace(rate=10)
    for _ in range(3):
        other.acquire()
    assert slept == pytest.approx([0, 2, 4], abs=0.5)


def test_old_refusals_and_those_of_other_portals_do_not_count(make_pace: MakePace, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO call_events (at, stage, event, detail) SELECT now() - interval '16 minutes', 'portal',"
            " 'portal_refused', jsonb_build_object('portal', %s::text) FROM generate_series(1, 20)",
            [PORTAL],
        )
    for _ in range(11):
        make_pace("other.bitrix24.ru").refused("QUERY_LIMIT_EXCEEDED", 0, "m")
    pace = make_pace()
    pace.refused("QUERY_LIMIT_EXCEEDED", 0, "m")
    low = rows(database, "SELECT portal FROM portal_pace WHERE low_rate_until IS NOT NULL")
    assert low == [("other.bitrix24.ru",)]


def test_refusals_of_many_workers_at_once_switch_once(make_pace: MakePace, database: str) -> None:
    paces = [make_pace() for _ in range(12)]
    threads = [threading.Thread(target=pace.refused, args=("QUERY_LIMIT_EXCEEDED", 0, "m")) for pace in paces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(events(database))) == ["low_rate_on", "portal_refused"]
    assert events(database).count("low_rate_on") == 1


def test_low_rate_can_be_forced_and_ends(make_pace: MakePace, slept: list[float], database: str) -> None:
    make_pace().force_low_rate(3600)
    make_pace().force_low_rate(60)
    assert events(database) == ["low_rate_on"]
    pace = make_pace(rate=10)
    pace.acquire()
    pace.acquire()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE portal_pace SET low_rate_until = now(), next_permit_at = now()")
    pace.acquire()
    pace.acquire()
    assert slept == pytest.approx([0, 2, 0, 0.1], abs=0.09)


def test_lost_connection_is_opened_again(make_pace: MakePace, slept: list[float], database: str) -> None:
    pace = make_pace(rate=0.1)
    pace.acquire()
    rows(database, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    pace.acquire()
    assert len(slept) == 2


def test_a_lost_database_is_temporary() -> None:
    """The message shows no password."""
    pace = PortalPace("postgresql://user:hunter2@127.0.0.1:9/db", PORTAL)
    with pytest.raises(Temporary) as raised:
        pace.acquire()
    assert "hunter2" not in f"{raised.value} {raised.value.__context__} {raised.value.__cause__}"
