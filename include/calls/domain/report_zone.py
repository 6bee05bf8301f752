"""The one time zone in which the report and the XLSX registry speak of days and times."""

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

OF_PORTAL = "portal"


def report_zone(setting: str, portal_offset_sec: int | None) -> tzinfo:
    """`setting` is policy.yaml's `report.time_zone`: `portal` or a name such as Europe/Moscow.

    `portal_offset_sec` is the offset from UTC that most calls of the period have, None where there are no calls.
    """
    if setting != OF_PORTAL:
        return ZoneInfo(setting)
    return timezone(timedelta(seconds=portal_offset_sec)) if portal_offset_sec else UTC


def sql_zone(zone: tzinfo) -> str:
    """The zone as PostgreSQL's `AT TIME ZONE` takes it: a name, or a POSIX specification, whose sign is reversed."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    minutes = round((zone.utcoffset(None) or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"<report>{'-' if minutes >= 0 else '+'}{hours:02}:{rest:02}"
