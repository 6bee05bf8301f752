"""Runs, their samples and the audit log as the call browser lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from include.calls.domain.call_filter import ReaderScope
from include.calls.domain.report_zone import sql_zone
from include.common.postgres_session import Session

_FILE = "browsed_runs"


@dataclass(frozen=True, slots=True)
class BrowsedRun:
    """A row of `call_exports`; `worked_by` is the DAG run that worked on it last. Sums are those of its last report."""

    run_id: UUID
    dag_run_id: str
    worked_by: str
    period_from: datetime
    period_to: datetime
    status: str
    actor: str
    trigger: str
    dry_run: bool
    started_at: datetime | None
    finished_at: datetime | None
    total_calls: int
    existing_calls: int
    completed_calls: int
    error_calls: int
    total_minutes: Decimal
    spent_cost: Decimal
    forecast_cost: Decimal | None
    approved_cost: Decimal | None
    verdict: str | None
    due_at: datetime


class DayOfCalls(NamedTuple):
    """What became of a day's calls; `minutes` are those with a text."""

    day: date
    completed: int
    errors: int
    missing: int
    waiting: int
    no_recording: int
    minutes: Decimal


@dataclass(frozen=True, slots=True)
class BrowsedEntry:
    """An entry of the audit log; `detail` has counts, names of things and ids of recordings."""

    entry_no: int
    at: datetime
    action: str
    actor: str
    run_id: UUID | None
    reason: str
    detail: dict[str, Any]


class BrowsedRuns:
    """Reads of `call_exports` and `audit_log`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(
        self,
        *,
        most: int,
        after: tuple[datetime, UUID] | None = None,
        dag_run_id: str | None = None,
        run_id: UUID | None = None,
    ) -> list[BrowsedRun]:
        """The newest runs after the place, of that DAG run or with that id if one is given."""
        at, number = after or (None, None)
        asked = {"place_at": at, "place_id": number, "dag_run_id": dag_run_id, "run_id": run_id, "most": most}
        return self._session.rows(_FILE, "runs", BrowsedRun, **asked)

    def counts(self, run_id: UUID) -> dict[str, list[tuple[str, int]]]:
        """How many recordings of the run's period have each status, error, flag and verdict."""
        found: dict[str, list[tuple[str, int]]] = {}
        for facet, value, calls in self._session.values(_FILE, "counts_of_run", run_id=run_id):
            found.setdefault(facet, []).append((value, calls))
        return found

    def days(self, days: int, zone: tzinfo) -> list[DayOfCalls]:
        """The last days up to the newest call, the oldest first; days without calls are left out."""
        found = self._session.values(_FILE, "days", days=days, zone=sql_zone(zone))
        return [DayOfCalls(*row) for row in found]

    def stages(self, run_ids: Sequence[UUID], stages: Sequence[str]) -> dict[UUID, dict[str, float]]:
        """Seconds of each stage of each run."""
        found: dict[UUID, dict[str, float]] = {}
        for run_id, stage, seconds in self._session.values(
            _FILE, "stages_of_runs", run_ids=list(run_ids), stages=list(stages)
        ):
            found.setdefault(run_id, {})[stage] = seconds
        return found

    def sampled(
        self, run_id: UUID, sample: Sequence[tuple[str, str]], scope: ReaderScope
    ) -> dict[tuple[str, str], int]:
        """Our ids of the sample's recordings, given as call id and record id; without those outside the scope."""
        found = self._session.values(
            _FILE,
            "sampled",
            run_id=run_id,
            call_ids=[call_id for call_id, _ in sample],
            record_ids=[record_id for _, record_id in sample],
            scope_lines=None if scope.lines is None else list(scope.lines),
            scope_employees=None if scope.employee_ids is None else list(scope.employee_ids),
        )
        return {(call_id, record_id): recording_id for call_id, record_id, recording_id in found}

    def entries(
        self,
        *,
        most: int,
        before_no: int | None = None,
        actor: str | None = None,
        action: str | None = None,
        call: int | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[BrowsedEntry]:
        """The newest entries before that number which fit."""
        return self._session.rows(
            _FILE,
            "entries",
            BrowsedEntry,
            before_no=before_no,
            actor=actor,
            action=action,
            call=None if call is None else str(call),
            since=since,
            before=before,
            most=most,
        )
