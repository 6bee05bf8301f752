"""The figures of a run's report and estimate. PostgreSQL makes the sums."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, date, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from include.calls.domain.report_figures import (
    DayFigures,
    DlqItem,
    Drift,
    Estimate,
    Flagged,
    Gap,
    GapGroup,
    PortalTrouble,
    QaItem,
    RunFacts,
    RunFigures,
    StageTime,
    Totals,
)
from include.calls.domain.report_zone import sql_zone
from include.calls.domain.states import RecordStatus
from include.calls.state.runs import Runs
from include.calls.state.types import ToBuy
from include.common.errors import BadInput
from include.common.postgres_session import Session

_FILE = "figures"
GAPS_SHOWN = 200
DLQ_SHOWN = 200
DRIFTS_SHOWN = 10
FLAGGED_SHOWN = 100
OPENING_CHARS = 1500  # a dozen speaker turns
_NOTHING = Decimal(0)

T = TypeVar("T")


class Opening(NamedTuple):
    """The beginning of the text of an incoming call."""

    phone_line: str
    text: str


class ReportFigures:
    """Reads of a run, its recordings, its history and the ledger; nothing here changes a row."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def figures(
        self, run_id: UUID, *, qa_sample_size: int = 50, failed_step: str | None = None, zone: tzinfo = UTC
    ) -> RunFigures:
        """All figures of the report. Raises BadInput if there is no such run.

        `failed_step` is a task of the run that failed before the batches: it is not in the database yet. `zone` is the
        time zone of the days.
        """
        run = replace(self._facts(run_id), failed_step=failed_step)
        days = self._days(run_id, zone)
        totals: dict[str, Any] = self._all("run_totals", dict, run_id=run_id)[0]
        reasons = self._all("review_reasons", dict, run_id=run_id)
        (trouble,) = self._all(
            "portal_trouble", PortalTrouble, since=run.started_at, until=run.finished_at or run.last_event_at
        )
        return RunFigures(
            run=run,
            totals=Totals(**totals, cost=sum((day.cost for day in days), _NOTHING)),
            statuses=_by_status(days),
            days=days,
            gap_groups=self._all("gap_groups", GapGroup, run_id=run_id),
            gaps=self._all("gaps", Gap, run_id=run_id, most=GAPS_SHOWN),
            drifts=self._all("drifts", Drift, run_id=run_id, most=DRIFTS_SHOWN),
            review_reasons={row["reason"]: row["calls"] for row in reasons},
            flagged=self._all("flagged", Flagged, run_id=run_id, most=FLAGGED_SHOWN),
            qa_sample=self.qa_sample(run_id, qa_sample_size),
            dlq=self._all("dead_letters", DlqItem, run_id=run_id, most=DLQ_SHOWN),
            stages=self._all("stages", StageTime, run_id=run_id),
            trouble=trouble,
            tried=Runs(self._session).tried(run_id),
        )

    def qa_sample(self, run_id: UUID, size: int) -> list[QaItem]:
        """The recordings of a run that people listen to, always the same ones, with the verdicts known so far."""
        return self._all("qa_sample", QaItem, run_id=run_id, most=size)

    def openings(self, run_id: UUID) -> Generator[Opening]:
        """Phone line and beginning of the text of each incoming call whose roles are those of its channels."""
        yield from self._session.stream(_FILE, "openings", Opening, run_id=run_id, most=OPENING_CHARS)

    def usual_offset(self, run_id: UUID) -> int | None:
        """The offset from UTC, in seconds, that most calls of the run have; None without calls."""
        offset: int | None = self._session.value(_FILE, "usual_offset", run_id=run_id)
        return offset

    def estimate(self, run_id: UUID, to_buy: ToBuy) -> Estimate:
        """What the run is going to buy: `to_buy` is the basis of its forecast.

        Raises BadInput if there is no such run or its forecast is not stored yet.
        """
        run = self._facts(run_id)
        if run.forecast_cost is None:
            raise BadInput(f"run {run_id} has no forecast yet: its task plan stores it", problem="no_forecast_yet")
        (calls,) = self._all("estimate", dict, run_id=run_id)
        return Estimate(
            run=run,
            cost=run.forecast_cost,
            to_buy=to_buy.recordings,
            minutes=to_buy.portal_minutes,
            billed_minutes=to_buy.minutes,
            **calls,
        )

    def _facts(self, run_id: UUID) -> RunFacts:
        found = self._all("run_facts", RunFacts, run_id=run_id)
        if not found:
            raise BadInput(f"there is no run {run_id}", problem="no_such_run", run_id=run_id)
        return found[0]

    def _days(self, run_id: UUID, zone: tzinfo) -> tuple[DayFigures, ...]:
        """The days with calls, in order; money of a recording counts on the day of its call."""
        of_run = {"run_id": run_id, "zone": sql_zone(zone)}
        by_day: dict[date, list[Mapping[str, Any]]] = {}
        for row in self._all("calls_by_day", dict, **of_run):
            by_day.setdefault(row["day"], []).append(row)
        money = {row["day"]: row for row in self._all("money_by_day", dict, **of_run)}
        unpaid = {"cost": _NOTHING, "spent": _NOTHING}
        return tuple(
            DayFigures(
                day=day,
                minutes=sum((row["minutes"] for row in rows), _NOTHING),
                cost=money.get(day, unpaid)["cost"],
                spent=money.get(day, unpaid)["spent"],
                statuses={RecordStatus(row["status"]): row["calls"] for row in rows},
            )
            for day, rows in by_day.items()
        )

    def _all(self, name: str, row: type[T], **parameters: Any) -> list[T]:
        return self._session.rows(_FILE, name, row, **parameters)


def _by_status(days: tuple[DayFigures, ...]) -> dict[RecordStatus, int]:
    counts = {status: sum(day.statuses.get(status, 0) for day in days) for status in RecordStatus}
    return {status: count for status, count in counts.items() if count}
