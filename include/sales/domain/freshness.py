"""How old figures may be, and how long a job may be silent. The limits in days are the customer's."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from include.sales.domain.jobs import Job

Status = Literal["ok", "warning", "error", "disabled"]
NEVER = 9999  # days behind of a source that was never loaded
_WARNING_DAYS, _ERROR_DAYS = 1, 2
_LATE_SALES, _DEAD_SALES = timedelta(minutes=45), timedelta(minutes=360)
SALES = "qtickets_sales"


@dataclass(frozen=True, slots=True)
class Freshness:
    """A row of `v_data_freshness`; the instants are aware, `latest_date` is None for a source never loaded."""

    source: str
    latest_date: date | None
    days_behind: int
    total_rows: int
    covered_until: datetime | None

    def lag(self, now: datetime) -> timedelta | None:
        return now - self.covered_until if self.covered_until else None

    def status(self, now: datetime) -> Status:
        """By days; sales also by minutes, as they are loaded every quarter of an hour."""
        lag = self.lag(now)
        if self.days_behind > _ERROR_DAYS or lag is None:
            return "error"
        if self.source == SALES and lag > _DEAD_SALES:
            return "error"
        if self.days_behind > _WARNING_DAYS or (self.source == SALES and lag > _LATE_SALES):
            return "warning"
        return "ok"


def preliminary(row: Freshness, settles_days: int, today: date) -> tuple[date, date] | None:
    """The first and last covered day that the source may still correct; None where it has none."""
    first = today - timedelta(days=settles_days)
    return (first, row.latest_date) if settles_days and row.latest_date and row.latest_date >= first else None


def overdue(job: Job, last_success: datetime | None, longest: timedelta | None, now: datetime) -> Status:
    """A job is late after 1.5 intervals and its longest run, and dead after three."""
    if last_success is None:
        return "warning"
    silent, run = now - last_success, longest or timedelta()
    if silent > 3 * job.every + run:
        return "error"
    return "warning" if silent > 1.5 * job.every + run else "ok"


def worst(statuses: list[Status]) -> Status:
    grave: tuple[Status, ...] = ("error", "warning")
    for status in grave:
        if status in statuses:
            return status
    return "ok"
