"""Figures of local days (`daily_stats`), made from the rows: any day can be made again."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from include.call_centre.policy import CallCentrePolicy
from include.call_centre.state.state import QualityState

_LOOKED_BACK = timedelta(days=2)


def bounds_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the local day and of the next one, in UTC."""
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def make_day(state: QualityState, policy: CallCentrePolicy, day: date) -> None:
    since, until = bounds_of(day, policy.zone)
    state.days.make(day, policy.time.zone, since, until, state.texts.hours(since, until, policy.time.zone))


def make_days(state: QualityState, policy: CallCentrePolicy, *, now: datetime) -> int:
    """Each day with a score, a verdict or a dispute of the last two days, and yesterday; returns how many."""
    yesterday = now.astimezone(policy.zone).date() - timedelta(days=1)
    days = {yesterday, *state.days.changed(policy.time.zone, now - _LOOKED_BACK)}
    for day in sorted(days):
        make_day(state, policy, day)
    return len(days)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
