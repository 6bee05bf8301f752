"""The report's time zone: the portal's offset, or a name."""

import pickle
from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from include.calls.domain.report_zone import report_zone, sql_zone


@pytest.mark.parametrize(
    ("setting", "offset", "zone"),
    [
        ("portal", 10800, timezone(timedelta(hours=3))),
        ("portal", -12600, timezone(-timedelta(hours=3, minutes=30))),
        ("portal", 0, UTC),
        ("portal", None, UTC),
        ("Asia/Yekaterinburg", 10800, ZoneInfo("Asia/Yekaterinburg")),
    ],
)
def test_the_setting_decides_and_the_portal_is_the_default(setting, offset, zone):
    assert report_zone(setting, offset) == zone


@pytest.mark.parametrize(
    ("zone", "sql"),
    [
        (UTC, "<report>-00:00"),
        (timezone(timedelta(hours=3)), "<report>-03:00"),
        (timezone(-timedelta(hours=3, minutes=30)), "<report>+03:30"),
        (ZoneInfo("Europe/Moscow"), "Europe/Moscow"),
    ],
)
def test_postgresql_gets_a_name_or_a_posix_zone(zone, sql):
    """`test_report_queries.py` asks PostgreSQL itself."""
    assert sql_zone(zone) == sql


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=3)), ZoneInfo("Europe/Moscow")], ids=str)
def test_a_zone_reaches_the_process_that_draws_the_report(zone):
    assert pickle.loads(pickle.dumps(zone)) == zone  # noqa: S301
