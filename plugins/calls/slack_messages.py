"""Slack: each occasion once, short, without personal data, and never in the way of a run.

Failures are told by the DAG's callback, in the DAG processor, after the run has ended; what belongs to our own state by
the task that brings it about, after its work. Without the connection `slack` everybody is silent. Nothing here raises,
and nothing takes longer than LONGEST_SECONDS (and the database's few milliseconds).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from airflow.sdk.bases.notifier import BaseNotifier

from include.calls.names import DAG_ID, STATE_CONN
from include.common.names import SLACK_CONN

if TYPE_CHECKING:
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook
    from airflow.sdk import Context

    from include.calls.reporting.slack_texts import RunSummary
    from include.calls.state.notifications import Told
    from include.calls.state.rows import Run

log = logging.getLogger(__name__)

LONGEST_SECONDS = 4.0
# Slack's client writes the webhook's whole address into its log at DEBUG, and the address is the secret (D27).
QUIET = logging.getLogger(f"{__name__}.webhook")
QUIET.setLevel(logging.INFO)


def run_failed(context: "Context") -> None:
    """The DAG's `on_failure_callback`; runs in the DAG processor, whatever ended the run."""
    _with_state(lambda told: _tell_failure(context, told))


def run_closed(context: "Context", run_id: str, verdict: str) -> None:
    """For `close_run`, after its work: the report is ready or the run cancelled, and what went into the DLQ."""
    _with_state(lambda told: _tell_closed(UUID(run_id), context["run_id"], verdict, told))


def low_rate_switched(context: "Context", run_id: str) -> None:
    """For every task that talked to the portal, after its work: the portal is being spared since a moment ago."""
    _with_state(lambda told: _tell_low_rate(UUID(run_id), context["run_id"], told))


class ApprovalWanted(BaseNotifier):
    """For `ApprovalOperator(notifiers=[...])`: called in the task, before it parks, with the link to the question."""

    def notify(self, context: "Context") -> None:
        _with_state(lambda told: _tell_approval(context, told))


def approval_notifier() -> ApprovalWanted:
    return ApprovalWanted()


async def deadline_missed(context: Mapping[str, Any] | None = None, **_: Any) -> str:
    """The deadline's callback, run by the triggerer. Silent for a run that already ended.

    Airflow 3.3.2 prunes a run's deadline on success only, so a run that failed early would still call.
    """
    context = context or {}
    dag_run = context.get("dag_run") or {}
    if dag_run.get("state") not in ("queued", "running"):
        return "skipped: the run has ended"
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from plugins.hooks.calls_state import conninfo_of

    try:
        await BaseHook.aget_connection(SLACK_CONN)
        state = await BaseHook.aget_connection(STATE_CONN)
    except AirflowNotFoundException:
        log.warning("Run %s missed its deadline; no Slack connection is configured", dag_run.get("dag_run_id"))
        return "skipped: no Slack connection"
    loop = asyncio.get_running_loop()

    def send(text: str) -> bool:
        return _succeeds(lambda: asyncio.run_coroutine_threadsafe(_post(text), loop).result(LONGEST_SECONDS))

    await asyncio.to_thread(_safely, lambda told: _tell_deadline(context, told, send), conninfo_of(state))
    return "told"


async def _post(text: str) -> None:
    await _hook().async_send(text=text)


def _hook() -> "SlackWebhookHook":
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

    seconds = int(LONGEST_SECONDS)
    return SlackWebhookHook(slack_webhook_conn_id=SLACK_CONN, timeout=seconds, retry_handlers=[], logger=QUIET)


def _with_state(tell: "Callable[[Told], object]") -> None:
    """`tell` with the state, where Slack is configured."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from plugins.hooks.calls_state import conninfo_of

    try:
        BaseHook.get_connection(SLACK_CONN)
        _safely(tell, conninfo_of(BaseHook.get_connection(STATE_CONN)))
    except AirflowNotFoundException:
        return


def _safely(tell: "Callable[[Told], object]", conninfo: str) -> None:
    """What goes wrong here is logged, and nobody's run is the worse for it."""
    from include.calls.state.notifications import Told

    try:
        with Told(conninfo) as told:
            tell(told)
    except Exception as error:
        log.warning("Slack was not told: %s", type(error).__name__)  # its text may hold a webhook's address


def _send(text: str) -> bool:
    """False where Slack does not take the message within LONGEST_SECONDS, whatever holds it up: DNS, proxy, a drip."""
    client, accepted = _hook().client, threading.Event()  # the connection is read here: threads have no way to Airflow

    def post() -> None:
        if _succeeds(lambda: client.send(text=text)):
            accepted.set()

    sender = threading.Thread(target=post, daemon=True)
    sender.start()
    sender.join(LONGEST_SECONDS)
    return accepted.is_set()


def _succeeds(work: Callable[[], Any]) -> bool:
    try:
        answer = work()
    except Exception as error:
        log.warning("Slack did not take the message: %s", type(error).__name__)
        return False
    status = getattr(answer, "status_code", 200)
    if status != 200:
        log.warning("Slack refused the message: HTTP %s", status)
    return bool(status == 200)


def _tell_failure(context: "Context", told: "Told") -> None:
    from include.calls.reporting import slack_texts as messages

    dag_run_id = context["run_id"]
    run = _run_of(context, told)
    # a run that ends in error again, after a resume, is a new occasion; so is one that failed before it was opened
    end = told.last_event(run.run_id, "error") if run else None
    reason = end.verdict if end else "запуск не открылся или не закрылся: причина в его заметке (Note)"
    text = messages.run_failed(_summary(run, dag_run_id, told), reason)
    occasion = f"run_failed {dag_run_id} {end.event_id if end else 0}"
    told.once(occasion, lambda: _send(text), run_id=_id(run), kind="run_failed")


def _tell_closed(run_id: UUID, dag_run_id: str, verdict: str, told: "Told") -> None:
    from include.calls.domain.states import RunStatus
    from include.calls.reporting import slack_texts as messages

    run = told.run(run_id)
    if run is None:
        return
    summary = _summary(run, dag_run_id, told)
    if run.status is RunStatus.COMPLETED and not run.dry_run:
        ready, end = messages.report_ready(summary, verdict), told.last_event(run_id, "completed")
        occasion = f"report_ready {run_id} {end.event_id if end else 0}"
        told.once(occasion, lambda: _send(ready), run_id=run_id, kind="report_ready")
    if run.status is RunStatus.CANCELLED:  # above all where nobody answered in time: the night has no export
        text, end = messages.cancelled(summary, verdict), told.last_event(run_id, "cancelled")
        occasion = f"cancelled {run_id} {end.event_id if end else 0}"
        told.once(occasion, lambda: _send(text), run_id=run_id, kind="cancelled")
    letters = told.new_dead_letters(run_id)
    if letters.moved:
        grew, occasion = messages.dlq_grew(summary, letters.moved), f"dlq_grew {run_id} {letters.up_to}"
        told.once(occasion, lambda: _send(grew), run_id=run_id, kind="dlq_grew", up_to=letters.up_to)


def _tell_low_rate(run_id: UUID, dag_run_id: str, told: "Told") -> None:
    from include.calls.reporting import slack_texts as messages

    switch = told.low_rate_switch()
    if switch is None:
        return
    summary = _summary(told.run(run_id), dag_run_id, told)
    text = messages.low_rate_on(summary, switch.until, switch.refusals, forced=switch.forced)
    told.once(f"low_rate_on {switch.event_id}", lambda: _send(text), run_id=run_id, kind="low_rate_on")


def _tell_approval(context: "Context", told: "Told") -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    from include.calls.reporting import slack_texts as messages

    run = _run_of(context, told)
    if run is None:
        return
    summary = _summary(
        run, context["run_id"], told, link=HITLOperator.generate_link_to_ui_from_context(context=context)
    )
    question = str(getattr(context["task"], "subject", ""))  # of the operator that asks
    text = messages.approval_wanted(summary, question)
    asked = context["ti"]  # each try asks anew
    told.once(f"approval_wanted {asked.id}", lambda: _send(text), run_id=run.run_id, kind="approval_wanted")


def _tell_deadline(context: Mapping[str, Any], told: "Told", send: Callable[[str], bool]) -> None:
    from include.calls.reporting import slack_texts as messages

    dag_run = context["dag_run"]
    run = told.run_of_dag_run(dag_run["dag_run_id"], resumed=(dag_run.get("conf") or {}).get("resume_run_id"))
    until = str((context.get("deadline") or {}).get("deadline_time") or "")[:16].replace("T", " ")
    text = messages.deadline_missed(_summary(run, dag_run["dag_run_id"], told), f"{until} UTC")
    occasion = f"deadline_missed {dag_run['dag_run_id']}"
    told.once(occasion, lambda: send(text), run_id=_id(run), kind="deadline_missed")


def _run_of(context: "Context", told: "Told") -> "Run | None":
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    return told.run_of_dag_run(context["run_id"], resumed=conf.get("resume_run_id"))


def _summary(run: "Run | None", dag_run_id: str, told: "Told", link: str | None = None) -> "RunSummary":
    from airflow.sdk.configuration import conf

    from include.calls.reporting.slack_texts import RunSummary

    base = conf.get("api", "base_url", fallback="http://localhost").rstrip("/")
    return RunSummary(
        run_id=str(run.run_id) if run else None,
        period_from=run.period_from if run else None,
        period_to=run.period_to if run else None,
        progress=told.progress(run.run_id).sentence if run else "",
        link=link or f"{base}/dags/{DAG_ID}/runs/{quote(dag_run_id, safe='')}",
    )


def _id(run: "Run | None") -> UUID | None:
    return run.run_id if run else None
