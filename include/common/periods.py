"""The period of a run: resolved once from a person's text; an unusable text is refused in one sentence."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from include.common.errors import BadInput

ACCEPTED = (
    "accepted are a day (2025-08-31), an instant (2025-08-31T19:23:45+03:00; UTC if no offset is given), "
    "today and today-60d"
)
_RELATIVE = re.compile(r"today(?:\s*-\s*([0-9]{1,5})\s*d)?", re.IGNORECASE)
_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """`start` and `end` are UTC, both inclusive, in whole seconds: the portal's times have no fractions."""

    start: datetime
    end: datetime

    @property
    def folder(self) -> str:
        """The period's folder and part of its files' names: `2025-08-01_2025-08-31`, days in UTC."""
        return f"{self.start.date()}_{self.end.date()}"

    @property
    def days(self) -> list[date]:
        """Every day the period touches, in UTC."""
        count = (self.end.date() - self.start.date()).days + 1
        return [self.start.date() + timedelta(days=number) for number in range(count)]

    def contains(self, moment: datetime) -> bool:
        """`moment` has any UTC offset; its fraction of a second does not count."""
        return self.start <= moment.replace(microsecond=0) <= self.end


def resolve_period(
    period_from: str | None,
    period_to: str | None,
    *,
    run_after: datetime,
    allow_long: bool,
    default_days: int,
    max_days: int,
) -> Period:
    """The period of a run that was due at `run_after`, which also defines `today`.

    Blank `period_to` is `run_after` itself, blank `period_from` is `default_days` before the period's last day.
    Raises BadInput with one sentence that names the parameter and what it accepts.
    """
    now = run_after.astimezone(UTC).replace(microsecond=0)
    end = _moment("period_to", period_to, now, last=True) or now
    start = _moment("period_from", period_from, now, last=False)
    if start is None:
        start = _first_second(_days_before(end.date(), default_days, "period_to", period_to))
    if start > now:
        raise BadInput(
            f"period_from {_shown(period_from, start)} is in the future; {ACCEPTED}",
            problem="period_in_future",
            start=_shown(period_from, start),
        )
    if start > end:
        raise BadInput(
            f"period_from {_shown(period_from, start)} is after period_to {_shown(period_to, end)}; {ACCEPTED}",
            problem="period_reversed",
            start=_shown(period_from, start),
            end=_shown(period_to, end),
        )
    if not allow_long and end - start > timedelta(days=max_days):
        raise BadInput(
            f"the period {start:%Y-%m-%d} to {end:%Y-%m-%d} is longer than {max_days} days, for which recordings are "
            f"promised to be kept; shorten it or set allow_long_period; {ACCEPTED}",
            problem="period_too_long",
            start=f"{start:%Y-%m-%d}",
            end=f"{end:%Y-%m-%d}",
            days=max_days,
        )
    return Period(start, end)


def _moment(name: str, text: str | None, now: datetime, *, last: bool) -> datetime | None:
    """A day means its first second, or its last one if the period ends with it."""
    written = (text or "").strip()
    if not written:
        return None
    day = _day(name, written, now)
    if day is not None:
        return datetime.combine(day, _LAST_SECOND) if last else _first_second(day)
    try:
        moment = datetime.fromisoformat(written)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{name} {text!r} is no date; {ACCEPTED}", problem="period_not_a_date", name=name, written=text
        ) from None
    return moment.replace(microsecond=0)


def _day(name: str, written: str, now: datetime) -> date | None:
    relative = _RELATIVE.fullmatch(written)
    if relative:
        return _days_before(now.date(), int(relative[1] or 0), name, written)
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _days_before(day: date, count: int, name: str, written: str | None) -> date:
    try:
        return day - timedelta(days=count)
    except OverflowError:
        raise BadInput(
            f"{name} {written!r} is before the calendar begins; {ACCEPTED}",
            problem="period_before_calendar",
            name=name,
            written=written,
        ) from None


def _first_second(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC))


def _shown(written: str | None, moment: datetime) -> str:
    return repr(written) if written and written.strip() else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
