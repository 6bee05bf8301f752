"""What the tasks that load nothing do: alerts, backups. Heavy imports are inside: DAG files import this module."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.common.errors import ExportError
from include.sales.domain.jobs import ALERTS, BACKUP, RESTORE, RESTORE_CHECK, Job
from include.sales.domain.scopes import Source
from include.sales.names import SMTP_CONN, WAREHOUSE_ADMIN_CONN
from include.sales.wording import run_notes
from include.sales.wording.alerts import DAGS_OF_SALES
from plugins.hooks.sales_policy import load_run_sales_policy
from plugins.hooks.sales_sources import given_tokens, has_source
from plugins.hooks.sales_state import open_sales_state
from plugins.hooks.warehouse_hook import WarehouseHook
from plugins.sales.tasks import copy_logs, note

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.sales.state.state import SalesState
    from include.sales.steps.notify import Send

log = logging.getLogger(__name__)


def alert(context: "Context") -> int:
    """Opens and closes alerts, unless `check_health` is off; sends one digest, returns how many alerts it had."""
    from include.sales.steps.notify import notify

    with open_sales_state() as state, recorded(context, state, ALERTS):
        if context["params"]["check_health"]:
            _look(state)
        sent = notify(state, channels())
        note(context, run_notes.digest(sent, len(state.alerts.open())))
        return sent


def _look(state: "SalesState") -> None:
    from include.sales.steps.check_data import check_data
    from include.sales.steps.watch import watch
    from include.sales.steps.watch_tokens import watch_tokens

    policy, now = load_run_sales_policy(), datetime.now(UTC)
    sources = [source for source in Source if has_source(source)]
    with WarehouseHook().get_conn() as warehouse:
        if watch(state, warehouse, sources, now, backup_stale=timedelta(hours=policy.backups.stale_hours)):
            check_data(state, warehouse, sources, policy)
    watch_tokens(state, given_tokens(policy), now, warning=timedelta(days=policy.alerts.token_warning_days))


def back_up(context: "Context") -> str:
    """A backup with its manifest, its chain verified; returns its name. At night old rows of the state go first."""
    from include.sales.state.pruning import prune
    from include.sales.steps import warehouse_backup as step

    policy = load_run_sales_policy()
    now = context["dag_run"].run_after.astimezone(policy.zone)
    with open_sales_state() as state, recorded(context, state, BACKUP), _admin() as warehouse:
        if now.hour == policy.backups.full_hour:
            log.info("pruned: %s", prune(state.session, policy.keeping))
        name = step.back_up(
            state,
            warehouse,
            disk=_disk(),
            mode=context["params"]["mode"],
            now=now,
            full_hour=policy.backups.full_hour,
        )
        step.verify(state, name)
        folder = _admin_extra("backup_folder")
        removed, left = step.prune(state, policy, Path(folder) if folder else None, datetime.now(UTC))
        note(context, run_notes.backed_up(name, len(removed), len(left)))
        return name


def restore_check(context: "Context") -> str:
    """Restores a backup into a second database and compares it; returns its name."""
    from include.sales.steps import warehouse_backup as step
    from include.sales.steps.warehouse_restore import alone

    with open_sales_state() as state, recorded(context, state, RESTORE_CHECK), _admin() as warehouse:
        with alone(state, context["dag_run"].run_id):
            chosen = step.restore_check(state, warehouse, disk=_disk(), name=context["params"].get("backup"))
        rows = sum(int(table["rows"]) for table in chosen.manifest.values())
        note(context, run_notes.restored(chosen.backup, rows))
        return chosen.backup


def compare_backup(context: "Context") -> dict[str, str]:
    """What a restore would change: the question to a person, and the name of the backup."""
    from include.sales.steps import warehouse_restore as step

    params = context["params"]
    with open_sales_state() as state, recorded(context, state, RESTORE), _admin() as warehouse:
        found = step.compare(state, warehouse, name=params.get("backup"), tables=params.get("tables") or ())
    made_at = f"{found.made_at.astimezone(load_run_sales_policy().zone):%d.%m.%Y %H:%M}"
    rows = [(one.table, one.in_backup, one.now, one.same) for one in found.tables]
    return {
        "backup": found.backup,
        "subject": run_notes.restore_question(found.backup, made_at),
        "body": run_notes.restore_body(rows),
    }


def restore(context: "Context", backup: str) -> str:
    """The checked copy takes the place of the tables; returns its name."""
    from include.sales.steps import warehouse_restore as step

    policy = load_run_sales_policy()
    with open_sales_state() as state, recorded(context, state, RESTORE), _admin() as warehouse:
        chosen = step.restore(
            state,
            warehouse,
            disk=_disk(),
            name=backup,
            tables=context["params"].get("tables") or (),
            timezone=policy.time.zone,
            holder=context["dag_run"].run_id,
        )
        on = [source.value for source in Source if source is not Source.GMAIL and has_source(source)]
        note(context, run_notes.restored_for_real(backup, chosen.started_at.astimezone(policy.zone).date(), on))
    return backup


def channels() -> "dict[str, Send]":
    """ALERT_EMAIL_TO's letters, and the receivers of all other messages of the package; those that are connected."""
    from plugins.airflow_kit import notices

    found: dict[str, Send] = {}
    if _has(SMTP_CONN):
        found["email"] = _mail
    if notices.connected():
        found["receivers"] = _notice
    return found


@contextmanager
def recorded(context: "Context", state: "SalesState", job: Job) -> Iterator[None]:
    """The run's row, its alert, its copy in ClickHouse; the error goes on."""
    run_id = context["dag_run"].run_id
    state.job_runs.begin(job.name, run_id)
    try:
        yield
    except ExportError as error:
        sentence = run_notes.sentence(error)
        note(context, sentence)
        state.job_runs.end(job.name, run_id, "error", message=sentence, error_code=str(error.code))
        code = str(error.code) if str(error.code) in ("backup_failed", "restore_mismatch") else "job_failed"
        state.alerts.see(code, "error", job=job.name, message=sentence, details={"run_id": run_id})
        raise
    else:
        state.job_runs.end(job.name, run_id, "success")
        for code in ("job_failed", "backup_failed", "restore_mismatch"):
            state.alerts.resolve(code, job=job.name)
    finally:
        copy_logs(state)


def _mail(subject: str, text: str) -> bool:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    try:
        with SmtpHook(smtp_conn_id=SMTP_CONN) as hook:
            to = hook.get_connection(SMTP_CONN).extra_dejson.get("to") or ""
            hook.send_email_smtp(to=to, subject=subject, html_content=f"<pre>{_escaped(text)}</pre>")
    except Exception as error:  # a digest that is not sent must not fail the run: another channel may work
        log.warning("the mail was not sent: %s", type(error).__name__)
        return False
    return True


def _notice(subject: str, text: str) -> bool:
    from airflow.sdk.configuration import conf

    from include.common.notice import Notice
    from plugins.airflow_kit import notices

    home = str(conf.get("api", "base_url", fallback="http://localhost")).rstrip("/")
    sentences = [line for line in text.splitlines() if line]
    return notices.send(Notice(":ticket:", subject, sentences, f"{home}/dags?tags=sales", DAGS_OF_SALES))


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))


def _has(conn_id: str) -> bool:
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True


def _admin() -> Any:
    return WarehouseHook(WAREHOUSE_ADMIN_CONN).get_conn()


def _disk() -> str:
    return _admin_extra("backup_disk") or "backups"


def _admin_extra(name: str) -> str:
    return str(BaseHook.get_connection(WAREHOUSE_ADMIN_CONN).extra_dejson.get(name) or "")
