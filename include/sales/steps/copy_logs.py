"""Copies of job runs, alerts and backups in ClickHouse, for people's SQL. PostgreSQL has the truth."""

import json

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.state.state import SalesState
from include.sales.wording.alerts import TITLES

_RUNS = ("job", "run_id", "started_at", "finished_at", "status", "rows_processed", "message", "metrics")
_ALERTS = (
    "alert_id", "created_at", "job", "alert_type", "code", "title", "message", "details", "occurrences", "last_seen_at",
    "resolved_at", "acknowledged", "acknowledged_at", "acknowledged_by",
)  # fmt: skip
_BACKUPS = (
    "backup", "kind", "base", "started_at", "finished_at", "status", "bytes", "rows", "verified_at",
    "restore_checked_at", "message",
)  # fmt: skip
_VERSION = ("_ver", "_deleted")
LOGS = frozenset({"job_runs_log", "alerts_log", "backup_runs_log"})


def copy_logs(state: SalesState, warehouse: Warehouse) -> int:
    """Everything that changed since the last copy, by its revision; returns how many rows. May be repeated."""
    runs = state.job_runs.uncopied()
    warehouse.insert(
        "job_runs_log",
        _RUNS + _VERSION,
        [
            (
                r.job,
                r.run_id,
                r.started_at,
                r.finished_at,
                r.status,
                r.rows_processed,
                r.message,
                r.metrics,
                r.revision,
                0,
            )
            for r in runs
        ],
    )
    for run in runs:
        state.job_runs.copied(run)
    alerts = state.alerts.uncopied()
    warehouse.insert(
        "alerts_log",
        _ALERTS + _VERSION,
        [
            (
                a.alert_id, a.created_at, a.job, a.alert_type, a.code, TITLES.get(a.code, a.code), a.message,
                json.dumps(a.details, ensure_ascii=False), a.occurrences, a.last_seen_at, a.resolved_at,
                int(a.acknowledged_at is not None), a.acknowledged_at, a.acknowledged_by or "", a.revision, 0,
            )
            for a in alerts
        ],
    )  # fmt: skip
    for alert in alerts:
        state.alerts.copied(alert)
    backups = state.backups.uncopied()
    warehouse.insert(
        "backup_runs_log",
        _BACKUPS + _VERSION,
        [
            (
                b.backup, b.kind, b.base or "", b.started_at, b.finished_at, b.status, b.bytes,
                sum(int(table["rows"]) for table in b.manifest.values()), b.verified_at, b.restore_checked_at,
                b.message, b.revision, 0,
            )
            for b in backups
        ],
    )  # fmt: skip
    for backup in backups:
        state.backups.copied(backup)
    return len(runs) + len(alerts) + len(backups)
