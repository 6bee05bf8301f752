"""The table `daily_stats`."""

from collections.abc import Mapping
from datetime import date, datetime

from psycopg.types.json import Jsonb

from include.common.postgres_session import Session

_FILE = "daily_rows"


class DailyRows:
    def __init__(self, session: Session) -> None:
        self._session = session

    def changed(self, zone: str, since: datetime) -> list[date]:
        return sorted(day for (day,) in self._session.values(_FILE, "changed", zone=zone, since=since))

    def make(self, day: date, zone: str, since: datetime, until: datetime, hourly: Mapping[str, int]) -> int:
        """`hourly` are calls by hour of the local day; returns how many cards have figures."""
        return self._session.count(
            _FILE,
            "make_day",
            day=day,
            zone=zone,
            since=since,
            until=until,
            hourly=Jsonb(dict(hourly)),
            total_calls=sum(hourly.values()),
        )
