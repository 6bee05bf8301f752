"""7 daily, 4 weekly, 6 monthly; the newest backup always stays."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.backup_rotation import kept

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)  # a Sunday
backups = st.dictionaries(
    st.text("abcdef", min_size=6, max_size=6),
    st.integers(0, 3 * 366 * 24).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    max_size=60,
)


def nightly(days: int) -> dict[str, datetime]:
    return {f"{NOON - timedelta(days=day):%Y-%m-%d}": NOON - timedelta(days=day) for day in range(days)}


def test_a_year_of_nights_leaves_three_ladders() -> None:
    assert sorted(kept(nightly(400)), reverse=True) == [
        *("2026-11-29", "2026-11-28", "2026-11-27", "2026-11-26", "2026-11-25", "2026-11-24", "2026-11-23"),
        *("2026-11-22", "2026-11-15", "2026-11-08"),
        *("2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31", "2026-06-30"),
    ]


@pytest.mark.parametrize(("days", "stay"), [(0, 0), (1, 1), (7, 7), (8, 8), (14, 8), (15, 9)])
def test_young_systems_keep_what_they_have(days: int, stay: int) -> None:
    assert len(kept(nightly(days))) == stay


def test_where_backups_stopped_the_old_ones_stay() -> None:
    old = {name: at - timedelta(days=700) for name, at in nightly(7).items()}
    assert kept(old) == set(old)


def test_of_one_day_the_newest_stays_and_the_day_is_that_of_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    made = {"early": NOON - timedelta(hours=9), "late": NOON, "next": datetime(2026, 11, 30, 1, tzinfo=moscow)}
    assert kept(made) == {"next"}


@given(backups)
def test_never_more_than_the_ladders_and_never_without_the_newest(made: dict[str, datetime]) -> None:
    staying = kept(made)
    assert staying <= set(made)
    assert len(staying) <= 7 + 4 + 6
    if made:
        assert max(made, key=lambda one: (made[one], one)) in staying


@given(backups)
def test_asked_again_it_keeps_the_same(made: dict[str, datetime]) -> None:
    staying = kept(made)
    assert kept({one: made[one] for one in staying}) == staying


@given(backups, st.integers(1, 10))
def test_night_by_night_the_last_seven_days_stay(made: dict[str, datetime], nights: int) -> None:
    """Deleting each night never deletes what a later night would have kept of the last days."""
    pool = dict(made)
    for night in range(nights):
        pool[f"night{night}"] = datetime(2027, 2, 1, tzinfo=UTC) + timedelta(days=night)
        pool = {one: pool[one] for one in kept(pool)}
    assert {f"night{night}" for night in range(max(0, nights - 7), nights)} <= set(pool)
