"""What is late or unwell: alerts open and close by it, and the health page shows the same."""

from collections.abc import Collection
from datetime import datetime, timedelta

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import ExportError
from include.sales.domain.freshness import SALES, Freshness, overdue
from include.sales.domain.jobs import JOBS
from include.sales.domain.scopes import Source
from include.sales.state import warehouse_schema
from include.sales.state.sales_alerts import AlertType
from include.sales.state.state import SalesState
from include.sales.wording import alerts as words

_JOB = "alerts"
SOURCE_OF = {SALES: Source.QTICKETS, "vk_ads": Source.VK_ADS, "direct": Source.DIRECT}


def freshness(warehouse: Warehouse) -> list[Freshness]:
    found = warehouse.rows(
        "SELECT source, latest_date, days_behind, total_rows, covered_until FROM v_data_freshness ORDER BY source"
    )
    return [Freshness(str(one[0]), one[1], int(one[2]), int(one[3]), one[4]) for one in found]


def watch(
    state: SalesState, warehouse: Warehouse, sources: Collection[Source], now: datetime, *, backup_stale: timedelta
) -> bool:
    """Opens, worsens and closes alerts. `sources`: those that are configured; the others are silent.

    False if the warehouse does not answer.
    """
    _watch_jobs(state, sources, now)
    _watch_backups(state, now, backup_stale)
    try:
        rows = freshness(warehouse)
        waiting = len(warehouse_schema.pending(warehouse))
    except ExportError as error:
        state.alerts.see("health", "error", job=_JOB, source="clickhouse", message=str(error))
        return False
    state.alerts.resolve("health", job=_JOB, source="clickhouse")
    _open_or_close(state, "migration_pending", "error" if waiting else "", words.PENDING.format(count=waiting))
    for row in rows:
        if SOURCE_OF.get(row.source) not in sources:
            continue
        status = row.status(now)
        message = words.STALE.format(source=row.source, latest=row.latest_date or "—", days=row.days_behind)
        _open_or_close(state, "stale_data", "" if status == "ok" else status, message, source=SOURCE_OF[row.source])
    return True


def _watch_jobs(state: SalesState, sources: Collection[Source], now: datetime) -> None:
    """A job that never ran may be paused on purpose: only one that has run can be late."""
    for name, run in state.job_runs.latest().items():
        job = JOBS.get(name)
        if job is None or job.source not in sources or job.source is Source.GMAIL:
            continue
        status = overdue(job, run.last_success_at or run.started_at, run.longest, now)
        message = words.OVERDUE.format(
            job=name, last=f"{run.last_success_at:%d.%m %H:%M}" if run.last_success_at else "—"
        )
        _open_or_close(state, "job_overdue", "" if status == "ok" else status, message, job=name)


def _watch_backups(state: SalesState, now: datetime, stale: timedelta) -> None:
    """A system that has loaded for so long should have a verified backup that is no older."""
    since = state.loads.first_opened_at()
    verified = max((one.verified_at for one in state.backups.living() if one.verified_at), default=None)
    is_stale = now - (verified or since or now) > stale
    message = words.BACKUP_STALE.format(last=f"{verified:%d.%m %H:%M}" if verified else "—")
    _open_or_close(state, "backup_stale", "error" if is_stale else "", message)


def _open_or_close(state: SalesState, code: str, kind: str, message: str, *, source: str = "", job: str = _JOB) -> None:
    if kind:
        grave: AlertType = "error" if kind == "error" else "warning"
        state.alerts.see(code, grave, job=job, source=source, message=message)
    else:
        state.alerts.resolve(code, job=job, source=source)
