"""What each task of a loader's DAG does. Heavy imports are inside: the DAG files import this module."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.common.errors import ExportError, Throttled
from include.sales.domain.jobs import JOBS, QTICKETS, QTICKETS_DAYS, Job
from include.sales.domain.scopes import Source
from include.sales.names import WAREHOUSE_ADMIN_CONN
from include.sales.wording import run_notes
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.airflow_kit.task_instance import failed_upstream, task_states
from plugins.hooks.sales_policy import load_run_sales_policy
from plugins.hooks.sales_sources import has_source, open_advertising, open_source
from plugins.hooks.sales_state import open_sales_state
from plugins.hooks.warehouse_hook import WarehouseHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.sales.domain.scopes import Scope
    from include.sales.state.state import SalesState
    from include.sales.steps.advertising_source import AdvertisingSource
    from include.sales.steps.load import Loaded
    from include.sales.steps.open_run import Asked

log = logging.getLogger(__name__)
DRY_RUN = 0  # in the place of a load's number: nothing is written


def open_run(context: "Context", job_name: str) -> list[int]:
    """Scopes, leases and load numbers; returns the loads that may start. Skipped where the source is not configured."""
    from include.sales.state.warehouse_rows import WarehouseRows
    from include.sales.steps import open_run as step

    job = JOBS[job_name]
    source = _source(job)
    if not has_source(source):
        note(context, run_notes.OFF)
        raise AirflowSkipException(f"{source} is not configured")
    with open_sales_state() as state, failure_noted(context, state, job):
        state.job_runs.begin(job.name, context["dag_run"].run_id)
        scopes = _scopes(context, job, state)
        if context["params"].get("dry_run"):
            return [DRY_RUN - number for number in range(len(scopes))]
        with WarehouseHook().get_conn() as warehouse:
            at_least = WarehouseRows(warehouse, load_run_sales_policy().zone).highest_version()
        opened = step.open_loads(scopes, context["dag_run"].run_id, state, at_least=at_least)
        if opened.postponed:
            note(context, run_notes.postponed(opened.postponed))
        return list(opened.load_ids)


def preflight(context: "Context", job_name: str) -> None:
    """The warehouse has its schema and answers, the source lets us in."""
    from include.sales.steps import preflight as step

    job = JOBS[job_name]
    with (
        open_sales_state() as state,
        failure_noted(context, state, job),
        WarehouseHook().get_conn() as warehouse,
        open_source(_source(job), state) as source,
    ):
        step.preflight(warehouse, source)


def load(context: "Context", job_name: str, load_id: int) -> int:
    """One scope, whole; returns how many rows. Raises NotReady while the source prepares its report."""
    from include.sales.state.warehouse_rows import WarehouseRows
    from include.sales.steps import load as step
    from include.sales.steps.findings import note_findings

    job, policy = JOBS[job_name], load_run_sales_policy()
    with open_sales_state() as state, failure_noted(context, state, job):
        with open_source(_source(job), state) as source:
            if load_id <= DRY_RUN:
                scope = _scopes(context, job, state)[DRY_RUN - load_id]
                return _shown(context, step.preview(scope, source))
            with WarehouseHook().get_conn() as warehouse:
                services = step.LoadServices(state, WarehouseRows(warehouse, policy.zone), source)
                options = step.LoadOptions(
                    shrink_share=policy.loading.shrink_share,
                    shrink_keys=policy.loading.shrink_keys,
                    accept_shrink=bool(context["params"].get("accept_shrink")),
                    backfill=context["dag_run"].run_type.value == "backfill",
                )
                loaded = step.load(load_id, services, options)
        note_findings(state, job, state.loads.current(load_id), loaded)
        return loaded.rows


def publish(context: "Context", job_name: str) -> int:
    """Says what is in the warehouse now: the run's note, the asset's event; returns the rows of the run."""
    from plugins.sales.sales_assets import announce

    job = JOBS[job_name]
    with open_sales_state() as state, failure_noted(context, state, job):
        loads = state.loads.of_run(context["dag_run"].run_id)
        good = [one for one in loads if one.status == "loaded"]
        rows = sum(one.rows for one in good)
        if good:
            amount = sum((one.amount for one in good), Decimal(0))
            tombstones = sum(one.tombstones for one in good)
            note(context, run_notes.loaded(rows, tombstones, amount, loads=len(good)))
            announce(context, _source(job), rows=rows, loads=[one.load_id for one in good])
        return rows


def close_run(context: "Context", job_name: str) -> None:
    """The verdict, from the rows alone: the DAG's only leaf. Leases end, the run and its alert are recorded."""
    from include.sales.steps import close_run as step

    if task_states(context, ["open"]).get("open") == "skipped":
        raise AirflowSkipException("the source is not configured")
    job, dag_run_id = JOBS[job_name], context["dag_run"].run_id
    failed = failed_upstream(context, ("open", "preflight"))
    with open_sales_state() as state:
        closed = step.close_run(
            state, job, dag_run_id, failed_task=failed, dry_run=bool(context["params"].get("dry_run"))
        )
        if closed.reason:
            note(context, closed.sentence)
        copy_logs(state)
    if not closed.is_good:
        raise AirflowFailException(f"the run is not good: {closed.reason}")


def apply_schema(context: "Context") -> None:
    """Migrations, views and grants of the warehouse."""
    from include.sales.state import warehouse_schema

    with WarehouseHook(WAREHOUSE_ADMIN_CONN).get_conn() as warehouse:
        done = warehouse_schema.apply(
            warehouse, load_run_sales_policy().time.zone, dry_run=bool(context["params"].get("dry_run"))
        )
    log.info("migrations: %s; views: %s; grants: %s", done.migrations, done.views, done.grants)
    note(context, run_notes.schema(len(done.migrations), len(done.views), len(done.grants)))


def note(context: "Context", text: str) -> None:
    """The run's note in Airflow; best effort."""
    dag_run = context["dag_run"]
    AirflowApiHook().set_note(dag_run.dag_id, dag_run.run_id, text)


@contextmanager
def failure_noted(context: "Context", state: "SalesState", job: Job) -> Iterator[None]:
    """Writes an error's sentence into the run's note and its row; the error goes on to Airflow and the log."""
    try:
        yield
    except Throttled:
        raise
    except ExportError as error:
        sentence = run_notes.failed(context["ti"].task_id, error)
        note(context, sentence)
        state.job_runs.note(job.name, context["dag_run"].run_id, sentence, str(error.code))
        raise


def _source(job: Job) -> Source:
    assert job.source is not None
    return job.source


def _scopes(context: "Context", job: Job, state: "SalesState") -> "list[Scope]":
    from include.sales.steps import open_run as step

    asked, policy, now = _asked(context), load_run_sales_policy(), _now(context)
    if job is QTICKETS:
        return step.deltas(asked, state, policy, now) + step.inventory(policy, now, job.every)
    if job is QTICKETS_DAYS:
        days = step.windows(asked, Source.QTICKETS, ("",), policy, now)
        return days + step.open_orders(asked, policy, now)
    if job.source is Source.GMAIL:
        return step.letters(asked, policy, now)
    with open_advertising(_source(job), state) as source:
        scopes = step.windows(asked, _source(job), source.accounts(), policy, now)
        if asked != step.Asked():
            return scopes
        known = {one.account: one.of for one in state.loads.of_run(context["dag_run"].run_id)}
        return [known.get(one.account) or _corrected(one, source, state, now) for one in scopes]


def _corrected(scope: "Scope", source: "AdvertisingSource", state: "SalesState", now: datetime) -> "Scope":
    """Corrections only widen the window: whatever comes instead of an answer, the usual days are loaded, and the next
    run asks again.
    """
    from include.sales.steps.open_run import back_to_corrections

    since = state.loads.watermark(scope.source, scope.stream, scope.account) or now - timedelta(days=1)
    try:
        found = source.corrections(scope.account, since)
    except ExportError as error:
        log.warning("what was corrected is not known, the usual days are loaded: %s", error)
        return scope
    return back_to_corrections(scope, found, load_run_sales_policy(), now) if found else scope


def _asked(context: "Context") -> "Asked":
    from include.sales.steps.open_run import Asked

    params, dag_run = context["params"], context["dag_run"]
    backfill_day = None
    if dag_run.run_type.value == "backfill" and dag_run.logical_date is not None:
        zone = load_run_sales_policy().zone
        backfill_day = dag_run.logical_date.astimezone(zone).date() - timedelta(days=1)
    return Asked(
        date_from=_day(params.get("date_from")),
        date_to=_day(params.get("date_to")),
        hours_back=params.get("hours_back"),
        days_back=params.get("days_back"),
        accounts=tuple(str(one) for one in params.get("accounts") or params.get("logins") or ()),
        query=str(params.get("query") or "").strip(),
        limit=params.get("limit"),
        backfill_day=backfill_day,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _now(context: "Context") -> datetime:
    """The run's own time, so that a task which runs after midnight asks for the same days."""
    when: datetime = context["dag_run"].run_after
    return when.astimezone(UTC)


def _shown(context: "Context", found: "Loaded") -> int:
    note(context, run_notes.dry_run(found.rows, found.by_day, found.findings))
    for day, amount in sorted(found.by_day.items()):
        log.info("%s: %s", day, amount)
    return found.rows


def copy_logs(state: "SalesState") -> None:
    """ClickHouse may be down: the next run copies what is missing."""
    from include.sales.steps import copy_logs as step

    try:
        with WarehouseHook().get_conn() as warehouse:
            step.copy_logs(state, warehouse)
    except ExportError as error:
        log.warning("the logs were not copied to ClickHouse: %s", error)
