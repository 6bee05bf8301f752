"""Runs of the jobs: the truth is here, a copy for people's SQL is in ClickHouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from include.common.postgres_session import Session, storable, storable_detail

_FILE = "job_runs"


@dataclass(frozen=True, slots=True)
class JobRunCopy:
    """A row of `job_runs_log` of ClickHouse; `metrics` is JSON text."""

    job: str
    run_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    rows_processed: int
    message: str
    metrics: str
    revision: int


@dataclass(frozen=True, slots=True)
class LatestRun:
    """A job's newest run. `longest` is its longest good run."""

    job: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    error_code: str | None
    last_success_at: datetime | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class Noted:
    """What a running job says of itself."""

    message: str
    error_code: str | None


class JobRuns:
    """Rows of `sales.job_runs`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, job: str, run_id: str) -> None:
        self._session.count(_FILE, "begin", job=job, run_id=run_id)

    def end(
        self,
        job: str,
        run_id: str,
        status: Literal["success", "error"],
        *,
        rows: int = 0,
        message: str = "",
        error_code: str | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """A run that has ended already stays as it is. `metrics` gets `duration` in whole seconds."""
        self._session.count(
            _FILE,
            "end",
            job=job,
            run_id=run_id,
            status=status,
            rows=rows,
            message=storable(message)[:1000],
            error_code=error_code,
            metrics=Jsonb(storable_detail(metrics or {})),
        )

    def note(self, job: str, run_id: str, message: str, error_code: str) -> None:
        """What went wrong so far, for the end of the run."""
        named = {"job": job, "run_id": run_id}
        self._session.count(_FILE, "note", message=storable(message)[:1000], error_code=error_code, **named)

    def noted(self, job: str, run_id: str) -> Noted:
        """Empty where nothing went wrong, or the run was never begun."""
        found = self._session.rows(_FILE, "noted", Noted, job=job, run_id=run_id)
        return found[0] if found else Noted("", None)

    def uncopied(self) -> list[JobRunCopy]:
        return self._session.rows(_FILE, "uncopied", JobRunCopy)

    def copied(self, run: JobRunCopy) -> None:
        self._session.count(_FILE, "copied", job=run.job, run_id=run.run_id, revision=run.revision)

    def latest(self) -> dict[str, LatestRun]:
        """By job."""
        return {run.job: run for run in self._session.rows(_FILE, "latest", LatestRun)}
