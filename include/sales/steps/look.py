"""One look at all that sales stand on, for the health page: what does not answer in time is an error in the result."""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.common.errors import ExportError
from include.sales.reporting.health import JobState, Seen, SourceState
from include.sales.state import source_figures
from include.sales.state.state import SalesState
from include.sales.steps.watch import freshness

log = logging.getLogger(__name__)
LIMIT_SECONDS = 2.0  # of each part; they are asked at the same time
_NO_ANSWER = f"no answer in {LIMIT_SECONDS:g} s"
# Of an account's money in the last 30 days, what no ad has spent
_GAP = """
    SELECT source, sumIf(spend, campaign_id = 0 AND ad_id = 0) / sum(spend) FROM v_ad_spend_daily
    WHERE d >= toDate(now()) - 30 GROUP BY source HAVING sum(spend) > 0"""
Part = Callable[[], dict[str, Any]]


def look(
    warehouse: Callable[[], WarehouseSettings], conninfo: Callable[[], str], airflow: Callable[[], str], zone: ZoneInfo
) -> Seen:
    """`airflow` says in a few words how its scheduler is; all three raise ExportError where they cannot answer."""
    parts: dict[str, Part] = {
        "warehouse_error": lambda: _warehouse(warehouse()),
        "state_error": lambda: _state(conninfo()),
        "airflow_error": lambda: {"airflow_message": airflow()},
    }
    pool = ThreadPoolExecutor(len(parts), thread_name_prefix="sales-health")
    asked = {name: pool.submit(part) for name, part in parts.items()}
    wait(asked.values(), timeout=LIMIT_SECONDS + 0.5)
    pool.shutdown(wait=False, cancel_futures=True)  # who hangs is not waited for: its own time limit ends it
    found: dict[str, Any] = {}
    for name, answer in asked.items():
        found |= _answer(name, answer)
    return Seen(now=datetime.now(UTC), zone=zone, **found)


def _answer(name: str, answer: "Future[dict[str, Any]]") -> dict[str, Any]:
    if not answer.done():
        return {name: _NO_ANSWER}
    try:
        return answer.result()
    except ExportError as error:
        log.warning("%s: %s", name, error)
        return {name: f"{_NO_ANSWER} ({error.code})"}
    except Exception as error:  # the page must answer whatever is broken behind it
        log.warning("%s: %s", name, type(error).__name__)
        return {name: type(error).__name__}


def _warehouse(settings: WarehouseSettings) -> dict[str, Any]:
    with Warehouse(settings) as warehouse:
        return {
            "warehouse_version": warehouse.version(),
            "freshness": freshness(warehouse),
            "gaps": {str(source): float(share) for source, share in warehouse.rows(_GAP)},
        }


def _state(conninfo: str) -> dict[str, Any]:
    with SalesState.open(conninfo) as state:
        living = state.backups.living()
        refused = source_figures.refusals(state.session)
        return {
            "jobs": {
                name: JobState(run.started_at, run.status, run.last_success_at, run.longest)
                for name, run in state.job_runs.latest().items()
            },
            "sources": {
                one.source: SourceState(
                    rows=one.rows,
                    requests=one.requests or 0,
                    refusals=refused.get(one.source, 0),
                    seconds=one.seconds,
                    quota_left=one.quota_left or {},
                    quota_limits=one.quota_limits or {},
                )
                for one in source_figures.figures(state.session)
            },
            "token_ends": state.given_tokens.ends(),
            "open_alerts": Counter((alert.alert_type, alert.code) for alert in state.alerts.open()),
            "last_backups": {
                kind: next(one.finished_at for one in living if one.kind == kind)
                for kind in {one.kind for one in living}
            },
            "last_verified_backup": max((one.verified_at for one in living if one.verified_at), default=None),
        }
