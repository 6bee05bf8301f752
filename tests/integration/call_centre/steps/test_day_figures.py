"""Days are local: one has 23 hours, another 25."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from include.call_centre.steps.day_figures import bounds_of, make_day
from tests.kit.scored_calls import Scored, judges, with_texts

KYIV = ZoneInfo("Europe/Kyiv")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 29), 24)]
)
def test_a_local_day_has_its_own_hours(day: date, hours: int) -> None:
    since, until = bounds_of(day, KYIV)
    assert until - since == timedelta(hours=hours)


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        yield found


@pytest.mark.postgres
def test_a_day_made_twice_is_the_same_day(world: Scored) -> None:
    with_texts(world.database, 2)
    world.run()
    with world.services() as (state, _, _):
        for _ in range(2):
            make_day(state, world.policy, date(2025, 8, 6))
    found = world.rows("SELECT stat_date, card, total_calls, scored, calibrated, hourly FROM callcenter.daily_stats")
    assert found == [(date(2025, 8, 6), "operator_default", 2, 2, 0, {"12": 2})]
