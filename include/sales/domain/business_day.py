"""Calendar days of a business zone, by the zone's own rules: Moscow was at +04:00 until 2014-10-26."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def business_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an aware instant."""
    return instant.astimezone(zone).date()


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which the days begin and end, the end exclusive; with the zone's offset."""
    end = last + timedelta(days=1)
    return datetime.combine(first, time(), tzinfo=zone), datetime.combine(end, time(), tzinfo=zone)


def days_between(first: date, last: date) -> list[date]:
    """Both inclusive; empty if `last` is before `first`."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
