"""Ticket sales and ads from a terminal: `python -m jobs.sales <verb>`, behind the make targets.

Exit status: 0 done, 1 done with errors, 2 refused, 3 nothing done: the source is off or not configured.
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import click
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import BadInput, ExportError, NotConfigured
from include.sales import names
from include.sales.domain.business_day import business_day
from include.sales.domain.freshness import preliminary
from include.sales.domain.scopes import Source
from include.sales.policy import load_sales_policy
from include.sales.reporting.sales_report import render_sales_report
from include.sales.state import warehouse_schema
from include.sales.state.backup_runs import BackupRun
from include.sales.state.state import SalesState
from include.sales.steps.report_sales import sales_figures
from include.sales.steps.watch import SOURCE_OF, freshness
from include.sales.wording import alerts as alert_words
from include.sales.wording import command_line as words
from jobs import sales_health
from jobs.airflow_api import AirflowApi, connection_from_environment
from jobs.command import FAILED, Command, Group
from jobs.sales_services import state_conninfo, warehouse_settings

NOTHING_DONE = 3
POLL_SECONDS = 2.0
LOG_LINES = 200  # of a task
_DAGS = {
    "qtickets": names.QTICKETS_DAG_ID,
    "vk_ads": names.VK_ADS_DAG_ID,
    "direct": names.DIRECT_DAG_ID,
    "gmail": names.GMAIL_DAG_ID,
}
_BACKFILLED = _DAGS | {"qtickets": names.QTICKETS_DAYS_DAG_ID}
_CONNECTIONS = {
    "qtickets": names.QTICKETS_CONN,
    "vk_ads": names.VK_ADS_CONN,
    "direct": names.DIRECT_CONN,
    "gmail": names.GMAIL_CONN,
}
_ACCOUNT_PARAM = {"vk_ads": "accounts", "direct": "logins"}
_ENDED = {"success", "failed"}
_BAD = {"failed", "up_for_retry", "upstream_failed"}
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
_SOURCE = click.option("--source", required=True, metavar="TEXT", help=words.SOURCE)


@click.group(cls=Group, help=words.HELP)
def main() -> None:
    """The verbs are below."""


def verb(name: str) -> Callable[[Callable[..., None]], click.Command]:
    return main.command(name, cls=Command, help=words.COMMANDS[name])


@verb("status")
def status() -> None:
    now, policy = datetime.now(UTC), load_sales_policy(os.environ)
    zone = policy.zone
    with Warehouse(warehouse_settings()) as warehouse:
        if warehouse.embedded:
            console.print(words.EMBEDDED, style="yellow")
        rows = freshness(warehouse)
    planned = _next_runs()
    _show(
        words.TABLE,
        [
            (
                row.source,
                row.latest_date or "—",
                row.days_behind,
                _moment(row.covered_until),
                _ago(row.lag(now)),
                _planned(planned, SOURCE_OF[row.source]),
                row.total_rows,
                words.STATUSES[row.status(now) if row.covered_until else "disabled"],
            )
            for row in rows
        ],
    )
    for row in rows:
        settles_days = policy.direct.settles_days if row.source == Source.DIRECT else 0
        if days := preliminary(row, settles_days, business_day(now, zone)):
            console.print(
                words.PRELIMINARY.format(source=row.source, first=f"{days[0]:%d.%m}", last=f"{days[1]:%d.%m}")
            )
    with _state() as state:
        runs = state.job_runs.latest().values()
        shown = [
            (
                run.job,
                _moment(run.started_at),
                _moment(run.finished_at),
                run.status,
                _moment(run.last_success_at),
            )
            for run in runs
        ]
        _show(words.RUNS, shown)
        _show_alerts(state)


@verb("load")
@_SOURCE
@click.option("--from", "first", metavar="TEXT", help=words.FROM)
@click.option("--to", "last", metavar="TEXT", help=words.TO)
@click.option("--days", type=int, metavar="N", help=words.DAYS)
@click.option("--account", metavar="TEXT", help=words.ACCOUNT)
@click.option("--dry-run", type=bool, default=False, help=words.DRY_RUN)
@click.option("--accept-shrink", type=bool, default=False, help=words.ACCEPT_SHRINK)
def load(
    *,
    source: str,
    first: str | None,
    last: str | None,
    days: int | None,
    account: str | None,
    dry_run: bool,
    accept_shrink: bool,
) -> None:
    _require(source)
    conf: dict[str, Any] = {"dry_run": True} if dry_run else {}
    whole_days = bool(first or last or days)
    dag_id = _DAGS[source]
    if source == "qtickets" and whole_days:
        dag_id = names.QTICKETS_DAYS_DAG_ID
    if first:
        conf["date_from"] = _day(first).isoformat()
    if last:
        conf["date_to"] = _day(last).isoformat()
    if days:
        conf["days_back"] = days
    if account and source in _ACCOUNT_PARAM:
        conf[_ACCOUNT_PARAM[source]] = [account]
    if accept_shrink and dag_id not in (names.QTICKETS_DAG_ID, names.GMAIL_DAG_ID):
        conf["accept_shrink"] = True
    sys.exit(0 if _run(dag_id, conf) else FAILED)


@verb("backfill")
@_SOURCE
@click.option("--from", "first", required=True, metavar="TEXT", help=words.FROM)
@click.option("--to", "last", required=True, metavar="TEXT", help=words.TO)
@click.option("--redo", type=bool, default=False, help=words.REDO)
def backfill(*, source: str, first: str, last: str, redo: bool) -> None:
    """A run loads the day before its tick, so the ticks are a day later than the days."""
    _require(source)
    zone = load_sales_policy(os.environ).zone
    begin, end = _day(first) + timedelta(days=1), _day(last) + timedelta(days=1)
    if end < begin:
        raise BadInput("the period is empty", problem="sales_period_empty", first=first, last=last)
    since = datetime.combine(begin, clock(), tzinfo=zone).isoformat()
    until = datetime.combine(end, clock(23, 59, 59), tzinfo=zone).isoformat()
    number = AirflowApi.from_environment(_BACKFILLED[source]).backfill(since, until, redo=redo)
    console.print(words.BACKFILL.format(dag_id=_BACKFILLED[source], number=number))


@verb("on")
@_SOURCE
def on(*, source: str) -> None:
    _pause(source, is_paused=False)


@verb("off")
@_SOURCE
def off(*, source: str) -> None:
    _pause(source, is_paused=True)


@verb("alerts")
@click.option("--ack", type=int, metavar="N", help=words.ACK)
@click.option("--by", metavar="TEXT", help=words.BY)
def alerts(*, ack: int | None, by: str | None) -> None:
    with _state() as state:
        if ack is None:
            _show_alerts(state)
            return
        if not state.alerts.acknowledge(ack, by or "-"):
            console.print(words.NO_ALERT.format(number=ack))
            sys.exit(NOTHING_DONE)
        console.print(words.ACKNOWLEDGED.format(number=ack))


@verb("migrate")
@click.option("--dry-run", type=bool, default=False, help=words.DRY_RUN)
def migrate(*, dry_run: bool) -> None:
    with Warehouse(warehouse_settings(admin=True)) as warehouse:
        done = warehouse_schema.apply(warehouse, load_sales_policy(os.environ).time.zone, dry_run=dry_run)
    for name in (*done.migrations, *done.grants):
        console.print(name)
    counts = {"migrations": len(done.migrations), "views": len(done.views), "grants": len(done.grants)}
    console.print(words.MIGRATED.format(**counts))


@verb("sql")
@click.option("--query", required=True, metavar="TEXT", help=words.QUERY)
def sql(*, query: str) -> None:
    with Warehouse(warehouse_settings()) as warehouse:
        rows = warehouse.table(query)
    if rows:
        _show(list(rows[0]), [tuple(row.values()) for row in rows])


@verb("report")
@click.option("--out", default=".", metavar="TEXT", help=words.OUT)
def report(*, out: str) -> None:
    folder, now, zone = Path(out), datetime.now(UTC), load_sales_policy(os.environ).zone
    with Warehouse(warehouse_settings()) as warehouse:
        made = render_sales_report(sales_figures(warehouse, zone, now))
    folder.mkdir(parents=True, exist_ok=True)
    name = f"sales_{now.astimezone(zone):%Y-%m-%d}"
    (folder / f"{name}.html").write_text(made.html, encoding="utf-8")
    (folder / f"{name}.pdf").write_bytes(made.pdf)
    console.print(words.REPORTED.format(path=folder / name))


@verb("backup")
@click.option("--mode", default="auto", metavar="TEXT", help=words.MODE)
def backup(*, mode: str) -> None:
    sys.exit(0 if _run(names.BACKUP_DAG_ID, {"mode": mode}) else FAILED)


@verb("logs")
@_SOURCE
@click.option("--run", "run_id", metavar="TEXT", help=words.RUN)
def logs(*, source: str, run_id: str | None) -> None:
    """The newest run of the source's schedule, or the named one: the logs of its failed tasks, else of all."""
    _require(source)
    api = AirflowApi.from_environment(_DAGS[source])
    run_id = run_id or api.newest_run()
    if run_id is None:
        console.print(words.NO_RUNS)
        sys.exit(NOTHING_DONE)
    tasks = api.tasks_of(run_id)
    console.print(words.ENDED.format(dag_id=_DAGS[source], state=api.state(run_id), note=api.note(run_id)))
    for one in [task for task in tasks if task.state in _BAD] or tasks:
        where = one.task_id if one.map_index < 0 else f"{one.task_id}[{one.map_index}]"
        console.print(words.LOG.format(task=where, state=one.state, number=one.number), style="bold")
        for line in api.log_of(run_id, one)[-LOG_LINES:]:
            console.print(line, markup=False)


@verb("health")
def health() -> None:
    """The page of the supervised process, in front: its log is the terminal's, Ctrl+C ends it."""
    port = int(os.environ["ZAKAZ_HEALTH_PORT"])
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            console.print(words.HEALTH_RUNS.format(port=port))
            sys.exit(NOTHING_DONE)
    console.print(words.HEALTH.format(port=port))
    sales_health.serve(port)


@verb("gmail-token")
@click.option("--client", "client_file", required=True, metavar="TEXT", help=words.CLIENT)
def gmail_token(*, client_file: str) -> None:
    """On a person's machine: the owner of the mailbox consents in a browser, the token is printed for `.env`."""
    from jobs.gmail_consent import consented  # noqa: PLC0415 - its library is a package of requirements-sales.in

    console.print(words.CONSENT)
    console.print(f"GMAIL_REFRESH_TOKEN={consented(Path(client_file))}", markup=False)


@verb("backup-verify")
@click.option("--json", "as_json", type=bool, default=False, help=words.JSON)
def backup_verify(*, as_json: bool) -> None:
    with _state() as state:
        living = state.backups.living()
    if as_json:
        _print_backups(living)
    else:
        _show_backups(living)
    newest = max((one.verified_at for one in living if one.verified_at), default=None)
    stale = timedelta(hours=load_sales_policy(os.environ).backups.stale_hours)
    if newest is None or datetime.now(UTC) - newest > stale:
        sys.exit(FAILED)


def _print_backups(living: Sequence[BackupRun]) -> None:
    names = ("backup", "kind", "base", "status", "bytes", "started_at", "verified_at", "restore_checked_at")
    rows = [{name: getattr(one, name) for name in names} for one in living]
    print(json.dumps(rows, default=lambda instant: instant.isoformat(), ensure_ascii=False, indent=2))


def _show_backups(living: Sequence[BackupRun]) -> None:
    rows = [
        (
            one.backup,
            one.status,
            one.bytes,
            sum(int(table["rows"]) for table in one.manifest.values()),
            _moment(one.verified_at),
            _moment(one.restore_checked_at),
        )
        for one in living
    ]
    _show(words.BACKUPS, rows)


@verb("restore-check")
@click.option("--backup", "name", metavar="TEXT", help=words.BACKUP)
def restore_check(*, name: str | None) -> None:
    sys.exit(0 if _run(names.RESTORE_CHECK_DAG_ID, {"backup": name} if name else {}) else FAILED)


@verb("restore")
@click.option("--backup", "name", required=True, metavar="TEXT", help=words.BACKUP)
@click.option("--tables", metavar="TEXT", help=words.TABLES)
def restore(*, name: str, tables: str | None) -> None:
    """Follows the run through the decision of a person."""
    conf: dict[str, Any] = {"backup": name}
    if tables:
        conf["tables"] = [part.strip() for part in tables.split(",") if part.strip()]
    sys.exit(0 if _run(names.RESTORE_DAG_ID, conf, decided_by="decide") else FAILED)


def _run(dag_id: str, conf: dict[str, Any], *, decided_by: str = "") -> bool:
    """Triggers the DAG, follows it to its end, prints its note; True if it ended well.

    `decided_by`: the task at which a person decides; the address of the question is printed.
    """
    api = AirflowApi.from_environment(dag_id)
    was_paused = api.is_paused()
    if was_paused:
        api.pause(is_paused=False)  # a paused DAG starts no run, a person's included
    run_id = f"sales_{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(3)}"
    try:
        api.trigger(run_id, conf)
        console.print(words.STARTED.format(dag_id=dag_id, run_id=run_id))
        if decided_by:
            console.print(words.DECIDE.format(url=api.question_url(run_id, decided_by)))
        while (state := api.state(run_id)) not in _ENDED:
            time.sleep(POLL_SECONDS)
    finally:
        if was_paused:
            api.pause()
    console.print(words.ENDED.format(dag_id=dag_id, state=state, note=api.note(run_id)))
    return state == "success"


def _pause(source: str, *, is_paused: bool) -> None:
    _require(source)
    for dag_id in {_DAGS[source], _BACKFILLED[source]}:
        AirflowApi.from_environment(dag_id).pause(is_paused=is_paused)


def _require(source: str) -> None:
    if source not in _DAGS:
        raise BadInput("there is no such source", problem="sales_unknown_source", source=source)
    try:
        connection_from_environment(_CONNECTIONS[source])
    except NotConfigured:
        console.print(words.OFF)
        sys.exit(NOTHING_DONE)


def _state() -> SalesState:
    return SalesState.open(make_conninfo(**state_conninfo()))


def _show_alerts(state: SalesState) -> None:
    standing = state.alerts.open()
    if not standing:
        console.print(words.NO_ALERTS)
        return
    rows = [
        (
            one.alert_id,
            one.alert_type,
            alert_words.TITLES.get(one.code, one.code),
            " / ".join(part for part in (one.job, one.source, one.account) if part),
            one.message,
            one.occurrences,
        )
        for one in standing
    ]
    _show(words.ALERTS, rows)


def _show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table()
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(value) for value in row))
    console.print(table)


def _next_runs() -> dict[str, datetime | None]:
    """By DAG; empty where Airflow does not answer: what is in the databases is shown all the same."""
    try:
        return AirflowApi.from_environment().next_runs("sales")
    except ExportError:
        console.print(words.NO_AIRFLOW, style="yellow")
        return {}


def _planned(planned: dict[str, datetime | None], source: Source) -> str:
    dag_id = _DAGS[source.value]
    if dag_id not in planned:
        return "—"
    at = planned[dag_id]
    return _moment(at) if at else words.NOT_PLANNED


def _ago(lag: timedelta | None) -> str:
    if lag is None:
        return "—"
    minutes = max(0, int(lag.total_seconds() // 60))
    if minutes < 120:
        return words.MINUTES.format(number=minutes)
    return words.HOURS.format(number=minutes // 60) if minutes < 2880 else words.DAYS_AGO.format(number=minutes // 1440)


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(load_sales_policy(os.environ).zone):%d.%m %H:%M}" if instant else "—"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text} is no day", problem="sales_no_day", text=text) from None


if __name__ == "__main__":
    main()
