"""What one request about runs, samples, the audit log or the settings reads."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls.domain.call_filter import Place, beginning, end
from include.calls.domain.stages import Stage
from include.calls.names import BACKUP_CONN, ERASURE_CONN, METRICS_CONN, SEARCH_CONN, STATE_CONN, STORAGE_CONN
from include.calls.state.browsed_runs import BrowsedEntry, BrowsedRun, BrowsedRuns
from include.calls.state.state import State
from include.calls.steps.qa_review import sample_of
from include.calls.wording import audit as wording
from include.common.names import LANGUAGE_MODEL_CONN, PORTAL_CONN, RECOGNISER_CONN, SLACK_CONN
from plugins.web.calls.browser_api import run_files
from plugins.web.calls.browser_api.call_pages import CallPages
from plugins.web.calls.browser_api.models import IndexState
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.run_models import (
    AuditAsked,
    AuditPage,
    AuditRow,
    DayShown,
    QaQueue,
    RunCounts,
    RunRow,
    RunsPage,
    RunTimes,
    SampledCall,
    Series,
    SettingsShown,
)

DASHBOARD = "mastermobile-call-export"  # of ops/monitoring/grafana/dashboards/call_export_overview.json
_RUNS_IN_CHARTS = 15
_TIMED_STAGES = (Stage.LIST_CALLS, Stage.DOWNLOAD, Stage.TRANSCRIBE, Stage.SUMMARIZE, Stage.PUBLISH)
_SHOWN_CONNECTIONS = (
    *(PORTAL_CONN, RECOGNISER_CONN, LANGUAGE_MODEL_CONN, SLACK_CONN, STATE_CONN),
    *(STORAGE_CONN, BACKUP_CONN, METRICS_CONN, SEARCH_CONN, ERASURE_CONN),
)


def runs(pages: CallPages, *, cursor: UUID | None, dag_run_id: str | None, limit: int) -> RunsPage:
    """`cursor` is the run after which the page begins."""
    found = BrowsedRuns(pages.session)
    after = None
    if cursor is not None:
        place = _known(found.page(most=1, run_id=cursor))
        after = (place.due_at, place.run_id)
    rows = found.page(most=limit + 1, after=after, dag_run_id=dag_run_id)
    more = len(rows) > limit
    return RunsPage(
        items=[RunRow(**_facts(row)) for row in rows[:limit]], cursor=str(rows[limit - 1].run_id) if more else None
    )


def run(pages: CallPages, run_id: UUID) -> RunCounts:
    found = BrowsedRuns(pages.session)
    row = _known(found.page(most=1, run_id=run_id))
    counts: dict[str, Any] = dict(found.counts(run_id))
    counts["error_codes"] = counts.pop("errors", [])
    counts["files"] = run_files.shown(pages, run_id)
    return RunCounts(**_facts(row), **counts, grafana_url=_dashboard(pages.policy.report.grafana_url, row))


def series(pages: CallPages, days: int) -> Series:
    found = BrowsedRuns(pages.session)
    newest = [row for row in found.page(most=_RUNS_IN_CHARTS) if not row.dry_run][::-1]
    seconds = found.stages([row.run_id for row in newest], _TIMED_STAGES)
    return Series(
        days=[DayShown(**day._asdict()) for day in found.days(days, pages.zone)],
        runs=[
            RunTimes(
                run_id=row.run_id,
                at=row.started_at or row.due_at,
                forecast_usd=row.forecast_cost,
                approved_usd=row.approved_cost,
                spent_usd=row.spent_cost,
                seconds=seconds.get(row.run_id, {}),
            )
            for row in newest
        ],
    )


def sample(pages: CallPages, run_id: UUID) -> QaQueue:
    """The run's own sample, without the calls outside the reader's scope."""
    found = BrowsedRuns(pages.session)
    _known(found.page(most=1, run_id=run_id))
    items = sample_of(run_id, State.over(pages.session), pages.policy.thresholds.qa_sample_size).items
    ids = found.sampled(run_id, [(item.call_id, item.record_id) for item in items], pages.scope)
    rows = pages.rows_of([Place(item.call_started_at, ids[key]) for item in items if (key := _key(item)) in ids])
    by_id = {row.id: row for row in rows}
    shown = [
        SampledCall.model_validate(
            by_id[ids[_key(item)]].model_dump(by_alias=True) | {"result": item.result, "by": item.checked_by}
        )
        for item in items
        if _key(item) in ids and ids[_key(item)] in by_id
    ]
    waiting = [call.id for call in shown if call.result is None]
    return QaQueue(
        run_id=run_id,
        items=shown,
        checked=len(shown) - len(waiting),
        issues=sum(call.result == "issue" for call in shown),
        next=waiting[0] if waiting else None,
    )


def audit(pages: CallPages, asked: AuditAsked) -> AuditPage:
    rows = BrowsedRuns(pages.session).entries(
        most=asked.limit + 1,
        before_no=asked.cursor,
        actor=asked.actor,
        action=asked.action,
        call=asked.call,
        since=beginning(asked.since, UTC),
        before=end(asked.before, UTC),
    )
    more = len(rows) > asked.limit
    cursor = rows[asked.limit - 1].entry_no if more else None
    return AuditPage(items=[_entry(row) for row in rows[: asked.limit]], cursor=cursor)


def settings(pages: CallPages, version: str) -> SettingsShown:
    done, of = pages.index_state()
    return SettingsShown(
        version=version,
        policy=pages.policy.model_dump(mode="json"),
        connections={conn_id: _is_set(conn_id) for conn_id in _SHOWN_CONNECTIONS},
        index=IndexState(done=done, of=of),
    )


def _key(item: Any) -> tuple[str, str]:
    return item.call_id, item.record_id


def _known(found: list[BrowsedRun]) -> BrowsedRun:
    if not found:
        raise Refused(404, "no_such_run")
    return found[0]


def _facts(row: BrowsedRun) -> dict[str, Any]:
    same = (
        *("run_id", "dag_run_id", "worked_by", "period_from", "period_to", "status", "actor", "trigger", "dry_run"),
        *("started_at", "finished_at", "verdict"),
    )
    return {name: getattr(row, name) for name in same} | {
        "recordings": row.total_calls,
        "existing": row.existing_calls,
        "completed": row.completed_calls,
        "errors": row.error_calls,
        "minutes": row.total_minutes,
        "spent_usd": row.spent_cost,
        "forecast_usd": row.forecast_cost,
        "approved_usd": row.approved_cost,
    }


def _dashboard(grafana: str, row: BrowsedRun) -> str | None:
    """The dashboard of exports at the time of the run; None where no Grafana is known or nothing has run yet."""
    if not grafana or row.started_at is None:
        return None
    to = "now" if row.finished_at is None else _milliseconds(row.finished_at)
    return f"{grafana}/d/{DASHBOARD}?from={_milliseconds(row.started_at)}&to={to}"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _entry(row: BrowsedEntry) -> AuditRow:
    call = row.detail.get("call")
    return AuditRow(
        entry_no=row.entry_no,
        at=row.at,
        action=row.action,
        text=wording.action(row.action),
        actor=row.actor,
        call=call if isinstance(call, int) else None,
        run_id=row.run_id,
        reason=row.reason,
        detail=row.detail,
    )


def _is_set(conn_id: str) -> bool:
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True
