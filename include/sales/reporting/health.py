"""Answers of the health page, in the customer's shapes: data in, JSON values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from include.sales.domain.freshness import Freshness, Status, overdue, worst
from include.sales.domain.jobs import JOBS

METRICS_TYPE = "text/plain; version=0.0.4"


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's newest run; the instants are aware."""

    last_run: datetime
    last_status: str
    last_success: datetime | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a source's loads did since the beginning; `seconds` and the quotas (by window) of the newest load."""

    rows: int
    requests: int
    refusals: int
    seconds: float
    quota_left: Mapping[str, int] = field(default_factory=dict)
    quota_limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found within the time limit. `*_error` says why a part was not: one short English sentence."""

    now: datetime
    zone: ZoneInfo
    warehouse_version: str = ""
    warehouse_error: str = ""
    state_error: str = ""
    airflow_message: str = ""
    airflow_error: str = ""
    freshness: Sequence[Freshness] = ()
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    open_alerts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    gaps: Mapping[str, float] = field(default_factory=dict)
    token_ends: Mapping[str, datetime] = field(default_factory=dict)
    last_backups: Mapping[str, datetime] = field(default_factory=dict)
    last_verified_backup: datetime | None = None


def healthz(seen: Seen) -> tuple[int, dict[str, Any]]:
    """HTTP status and body."""
    if seen.warehouse_error:
        return 503, {
            "status": "error",
            "timestamp": _at(seen, seen.now),
            "error": f"clickhouse: {seen.warehouse_error}",
        }
    return 200, {"status": "ok", "timestamp": _at(seen, seen.now), "checks": {"clickhouse": "ok"}}


def detailed(seen: Seen, *, strict: bool) -> tuple[int, dict[str, Any]]:
    """503 for an error, and for a warning where it is `strict`."""
    statuses: list[Status] = []

    def part(error: str, message: str) -> dict[str, str]:
        statuses.append("error" if error else "ok")
        return {"status": "error" if error else "ok", "message": error or message}

    checks: dict[str, Any] = {
        "clickhouse": part(seen.warehouse_error, seen.warehouse_version),
        "state": part(seen.state_error, "PostgreSQL"),
        "airflow": part(seen.airflow_error, seen.airflow_message),
        "data_freshness": {row.source: _freshness(seen, row) for row in seen.freshness},
        "job_runs": {name: _job(seen, name) for name, job in JOBS.items() if job.source is not None},
        "backups": {
            "status": "ok" if seen.last_verified_backup else "warning",
            "last_full": _at(seen, seen.last_backups.get("full")),
            "last_verified": _at(seen, seen.last_verified_backup),
        },
    }
    statuses += [row.status(seen.now) for row in seen.freshness if row.total_rows or row.covered_until]
    statuses += [one["status"] for one in checks["job_runs"].values() if one["status"] != "disabled"]
    status = worst(statuses)
    code = 503 if status == "error" or (strict and status == "warning") else 200
    return code, {"status": status, "timestamp": _at(seen, seen.now), "checks": checks}


def data_freshness(seen: Seen) -> tuple[int, dict[str, Any]]:
    """A row for each source; 503 if one is stale or the warehouse does not answer."""
    if seen.warehouse_error:
        return healthz(seen)
    data = [
        {
            "source": row.source,
            "latest_date": row.latest_date and row.latest_date.isoformat(),
            "days_behind": row.days_behind,
            "total_rows": row.total_rows,
            "covered_until": _at(seen, row.covered_until),
            "status": row.status(seen.now),
        }
        for row in seen.freshness
    ]
    status = worst([row.status(seen.now) for row in seen.freshness if row.total_rows or row.covered_until])
    return (503 if status == "error" else 200), {"status": status, "timestamp": _at(seen, seen.now), "data": data}


def metrics(seen: Seen) -> bytes:
    """The Prometheus text format."""

    registry = CollectorRegistry()
    days = Gauge("zakaz_freshness_days", "days since the last covered day", ["source"], registry=registry)
    lag = Gauge("zakaz_lag_seconds", "since the newest day was covered", ["source"], registry=registry)
    for row in seen.freshness:
        days.labels(row.source).set(row.days_behind)
        if (since := row.lag(seen.now)) is not None:
            lag.labels(row.source).set(since.total_seconds())
    success = Gauge("zakaz_job_last_success_timestamp_seconds", "end of the last good run", ["job"], registry=registry)
    for name, job in seen.jobs.items():
        if job.last_success:
            success.labels(name).set(job.last_success.timestamp())
    alerts = Gauge("zakaz_alerts_open", "alerts that are open", ["severity", "code"], registry=registry)
    for (kind, code), count in seen.open_alerts.items():
        alerts.labels(kind, code).set(count)
    backup = Gauge("zakaz_backup_age_seconds", "since the last backup of the kind", ["kind"], registry=registry)
    for kind, made_at in seen.last_backups.items():
        backup.labels(kind).set((seen.now - made_at).total_seconds())
    if seen.last_verified_backup:
        verified = Gauge("zakaz_backup_verified_timestamp_seconds", "last verified backup", registry=registry)
        verified.set(seen.last_verified_backup.timestamp())
    _source_metrics(seen, registry)
    return generate_latest(registry)


def _source_metrics(seen: Seen, registry: CollectorRegistry) -> None:
    rows = Counter("zakaz_rows_loaded", "rows of loads that ended well", ["source"], registry=registry)
    seconds = Gauge("zakaz_load_seconds", "of the newest load that ended well", ["source"], registry=registry)
    requests = Counter("zakaz_api_requests", "requests to a source", ["source", "outcome"], registry=registry)
    quota = Gauge("zakaz_api_quota_left", "as the source said last", ["source", "window"], registry=registry)
    limit = Gauge("zakaz_api_quota_limit", "as the source said last", ["source", "window"], registry=registry)
    ends = Gauge("zakaz_token_expires_timestamp_seconds", "of a token given by hand", ["source"], registry=registry)
    gap = Gauge("zakaz_reconciliation_gap", "share of 30 days' spend that no ad has", ["source"], registry=registry)
    up = Gauge("zakaz_up", "whether the part answered", ["part"], registry=registry)
    for source, one in seen.sources.items():
        rows.labels(source).inc(one.rows)
        seconds.labels(source).set(one.seconds)
        requests.labels(source, "answered").inc(one.requests)
        requests.labels(source, "refused").inc(one.refusals)
        for window, left in one.quota_left.items():
            quota.labels(source, window).set(left)
        for window, most in one.quota_limits.items():
            limit.labels(source, window).set(most)
    for source, at in seen.token_ends.items():
        ends.labels(source).set(at.timestamp())
    for source, share in seen.gaps.items():
        gap.labels(source).set(share)
    errors = {"clickhouse": seen.warehouse_error, "state": seen.state_error, "airflow": seen.airflow_error}
    for part, error in errors.items():
        up.labels(part).set(not error)


def _freshness(seen: Seen, row: Freshness) -> dict[str, Any]:
    lag = row.lag(seen.now)
    return {
        "status": row.status(seen.now) if row.covered_until else "disabled",
        "latest_date": row.latest_date and row.latest_date.isoformat(),
        "days_behind": row.days_behind,
        "lag_minutes": None if lag is None else int(lag.total_seconds() // 60),
    }


def _job(seen: Seen, name: str) -> dict[str, Any]:
    """A job that never ran is off: its source is not configured, or it was never switched on."""
    run = seen.jobs.get(name)
    if run is None:
        return {"status": "disabled", "last_run": None, "last_status": None}
    status = overdue(JOBS[name], run.last_success, run.longest, seen.now)
    if run.last_status == "error" and status == "ok":
        status = "warning"
    return {"status": status, "last_run": _at(seen, run.last_run), "last_status": run.last_status}


def _at(seen: Seen, instant: datetime | None) -> str | None:
    return instant.astimezone(seen.zone).isoformat(timespec="seconds") if instant else None
