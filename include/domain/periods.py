"""The period of a run: resolved once, from the run's own time (D1), refused before anything is created (D2)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from include.domain.errors import BadInput

ACCEPTED = "a day 2025-08-01, an instant 2025-08-01T10:00:00+03:00 (UTC where no offset is given), today or today-60d"
_TODAY = re.compile(r"today(?:-(\d{1,4})d)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_SECOND = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Period:
    """Both ends are UTC, inclusive, in whole seconds: the portal's own resolution."""

    start: datetime
    end: datetime

    @property
    def folder(self) -> str:
        """`2025-08-01_2025-08-31`: the name of the period's folder and files."""
        return f"{self.start:%Y-%m-%d}_{self.end:%Y-%m-%d}"

    @property
    def days(self) -> list[date]:
        first, last = self.start.date(), self.end.date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end


def resolve_period(
    period_from: str | None,
    period_to: str | None,
    *,
    run_after: datetime,
    allow_long: bool,
    default_days: int = 60,
    max_days: int = 90,
) -> Period:
    """The period a person or the schedule means; `run_after` is the run's own time, with an offset.

    Raises BadInput with one sentence that says what was wrong and what is accepted.
    """
    now = run_after.astimezone(UTC).replace(microsecond=0)
    start = _instant("period_from", period_from or f"today-{default_days}d", now, time.min)
    end = _instant("period_to", period_to, now, _LAST_SECOND) if period_to and period_to.strip() else now
    if start > now:
        raise BadInput(f"period_from {period_from!r} is in the future: there are no calls yet; accepted: {ACCEPTED}")
    if start > end:
        raise BadInput(
            f"period_from {start:%Y-%m-%dT%H:%M:%SZ} is after period_to {end:%Y-%m-%dT%H:%M:%SZ}; swap them; accepted: {ACCEPTED}"
        )
    period = Period(start, end)
    if len(period.days) > max_days and not allow_long and end - start > timedelta(days=max_days):
        raise BadInput(
            f"the period {period.folder} is longer than {max_days} days, for which recordings are promised; shorten it, or set "
            "allow_long_period if you know that the portal still has them"
        )
    return period


def _instant(name: str, text: str, now: datetime, time_of_day: time) -> datetime:
    """`time_of_day` is what a bare day means: its first second for a start, its last one for an end."""
    text = text.strip()
    if match := _TODAY.fullmatch(text):
        day = now.date() - timedelta(days=int(match[1] or 0))
        return datetime.combine(day, time_of_day, UTC)
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time_of_day, UTC)
        moment = datetime.fromisoformat(text)
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]", text):
            raise ValueError
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{name} {text!r} is no date; accepted: {ACCEPTED}") from None
    return moment.replace(microsecond=0)
