"""Messages about exports, to Slack or to whom `alerts` leads: one for each occasion, short, without personal data.

The DAG's callback reports failures from the DAG processor, after the run has ended; the triggerer reports a missed
deadline; tasks report what concerns our own state, after their work. Without the connections `slack` and `alerts`
nothing is sent. No function here raises, and none takes longer than `notices.LONGEST_SECONDS` and a few milliseconds of
the database.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from airflow.sdk.bases.notifier import BaseNotifier

from include.calls.names import DAG_ID, STATE_CONN
from plugins.airflow_kit import notices

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.calls.reporting.slack_texts import RunSummary
    from include.calls.state.notifications import Notifications
    from include.calls.state.state import State
    from include.calls.state.types import Run
    from include.common.notice import Notice

log = logging.getLogger(__name__)


def run_failed(context: "Context") -> None:
    """The DAG's `on_failure_callback`; runs in the DAG processor, whatever ended the run."""
    _with_state(lambda state, sent: _run_failed(context, state, sent))


def run_closed(context: "Context", run_id: UUID, verdict: str) -> None:
    """For `close_run`, after its work: the report is ready or the run is cancelled; how the DLQ grew."""
    _with_state(lambda state, sent: _run_closed(run_id, context["run_id"], verdict, state, sent))


def link_to(dag_run_id: str) -> str:
    """The run in Airflow's UI."""
    return f"{_base_url()}/dags/{DAG_ID}/runs/{quote(dag_run_id, safe='')}"


def _base_url() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="http://localhost")).rstrip("/")


def run_settled(run_id: UUID, dag_run_id: str, verdict: str) -> None:
    """For `call_reconcile`: how a run has ended that its DAG run had left open."""

    def notify(state: "State", sent: "Notifications") -> None:
        run = state.runs.get(run_id)
        _run_closed(run_id, dag_run_id, verdict, state, sent)
        if run.status == "error":  # Airflow calls no callback for a DAG run that a person ended
            _report_failure(run, dag_run_id, state, sent)

    _with_state(notify)


def low_rate_switched(context: "Context", run_id: UUID) -> None:
    """For every task that talks to the portal, after its work: low-rate mode has just been switched on."""
    _with_state(lambda state, sent: _low_rate_switched(run_id, context["run_id"], state, sent))


class ApprovalWanted(BaseNotifier):
    """For `ApprovalOperator(notifiers=[...])`: called in the task before it parks, with a link to the question."""

    def notify(self, context: "Context") -> None:
        _with_state(lambda state, sent: _approval_wanted(context, state, sent))


async def deadline_missed(context: Mapping[str, Any] | None = None, **_: Any) -> str:
    """The deadline's callback, run by the triggerer. Sends nothing for a run that has ended.

    Airflow 3.3.2 removes a run's deadline on success only, so it calls for a run that failed early as well.
    """
    context = context or {}
    dag_run = context.get("dag_run") or {}
    if dag_run.get("state") not in ("queued", "running"):
        return "skipped: the run has ended"
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from plugins.hooks.calls_state import conninfo_of

    receivers = await notices.aconnected()
    try:
        connection = await BaseHook.aget_connection(STATE_CONN) if receivers else None
    except AirflowNotFoundException:
        connection = None
    if connection is None:
        log.warning("Run %s missed its deadline; no receiver of messages is configured", dag_run.get("dag_run_id"))
        return "skipped: no receiver"
    loop = asyncio.get_running_loop()

    def send(notice: "Notice") -> bool:
        sending = asyncio.run_coroutine_threadsafe(notices.asend(notice, receivers), loop)
        return sending.result(notices.LONGEST_SECONDS + 1)

    def notify(state: "State", sent: "Notifications") -> None:
        _deadline_missed(context, state, sent, send)

    await asyncio.to_thread(_safely, notify, conninfo_of(connection))
    return "sent"


def _with_state(notify: "Callable[[State, Notifications], object]") -> None:
    """Calls `notify` with the state and the log of sent messages if there is a receiver."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from plugins.hooks.calls_state import conninfo_of

    try:
        if notices.connected():
            _safely(notify, conninfo_of(BaseHook.get_connection(STATE_CONN)))
    except AirflowNotFoundException:
        return


def _safely(notify: "Callable[[State, Notifications], object]", conninfo: str) -> None:
    """Errors here are logged and never fail the run."""
    from include.calls.state.notifications import Notifications
    from include.calls.state.state import State

    try:
        with State.open(conninfo) as state:
            notify(state, Notifications(state.session))
    except Exception as error:
        log.warning("the message was not sent: %s", type(error).__name__)  # its text may hold a webhook's address


def _run_failed(context: "Context", state: "State", sent: "Notifications") -> None:
    run, dag_run_id = _run_of(context, state), context["run_id"]
    if run and run.worked_by != dag_run_id:  # a resume that was refused: the run goes on, or ended in another DAG run
        run = None
    _report_failure(run, dag_run_id, state, sent)


def _report_failure(run: "Run | None", dag_run_id: str, state: "State", sent: "Notifications") -> None:
    from include.calls.reporting import slack_texts as messages
    from include.calls.wording import slack as texts

    # a run that ends in error again, after a resume, is a new occasion; so is one that failed before it was opened
    end = sent.last_event(run.run_id, "error") if run else None
    reason = end.verdict if end else texts.REASON_IN_NOTE
    text = messages.run_failed(_summary(run, dag_run_id, state), reason)
    occasion = f"run_failed {dag_run_id} {end.event_id if end else 0}"
    sent.once(occasion, lambda: notices.send(text), run_id=_id(run), kind="run_failed")


def _run_closed(run_id: UUID, dag_run_id: str, verdict: str, state: "State", sent: "Notifications") -> None:
    from include.calls.domain.states import RunStatus
    from include.calls.reporting import slack_texts as messages

    run = state.runs.get(run_id)
    summary = _summary(run, dag_run_id, state)
    if run.status is RunStatus.COMPLETED and not run.dry_run:
        ready, end = messages.report_ready(summary, verdict), sent.last_event(run_id, "completed")
        occasion = f"report_ready {run_id} {end.event_id if end else 0}"
        sent.once(occasion, lambda: notices.send(ready), run_id=run_id, kind="report_ready")
    if run.status is RunStatus.CANCELLED:  # above all if no decision came in time: the night has no export
        text, end = messages.cancelled(summary, verdict), sent.last_event(run_id, "cancelled")
        occasion = f"cancelled {run_id} {end.event_id if end else 0}"
        sent.once(occasion, lambda: notices.send(text), run_id=run_id, kind="cancelled")
    letters = sent.new_dead_letters(run_id)
    if letters.moved:
        grew, occasion = messages.dlq_grew(summary, letters.moved), f"dlq_grew {run_id} {letters.up_to}"
        sent.once(occasion, lambda: notices.send(grew), run_id=run_id, kind="dlq_grew", up_to=letters.up_to)


def _low_rate_switched(run_id: UUID, dag_run_id: str, state: "State", sent: "Notifications") -> None:
    from include.calls.reporting import slack_texts as messages

    switch = sent.low_rate_switch()
    if switch is None:
        return
    summary = _summary(state.runs.get(run_id), dag_run_id, state)
    text = messages.low_rate_on(summary, switch.until, switch.refusals, forced=switch.forced)
    sent.once(f"low_rate_on {switch.event_id}", lambda: notices.send(text), run_id=run_id, kind="low_rate_on")


def _approval_wanted(context: "Context", state: "State", sent: "Notifications") -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    from include.calls.reporting import slack_texts as messages

    run = _run_of(context, state)
    if run is None:
        return
    link = HITLOperator.generate_link_to_ui_from_context(context=context)
    summary = _summary(run, context["run_id"], state, link=link)
    question = str(getattr(context["task"], "subject", ""))  # of the operator that asks
    text = messages.approval_wanted(summary, question)
    asked = context["ti"]  # each try asks again
    sent.once(f"approval_wanted {asked.id}", lambda: notices.send(text), run_id=run.run_id, kind="approval_wanted")


def _deadline_missed(
    context: Mapping[str, Any], state: "State", sent: "Notifications", send: "Callable[[Notice], bool]"
) -> None:
    from include.calls.reporting import slack_texts as messages

    dag_run = context["dag_run"]
    run = state.runs.of_dag_run(dag_run["dag_run_id"], resumed=(dag_run.get("conf") or {}).get("resume_run_id"))
    until = str((context.get("deadline") or {}).get("deadline_time") or "")[:16].replace("T", " ")
    text = messages.deadline_missed(_summary(run, dag_run["dag_run_id"], state), f"{until} UTC")
    occasion = f"deadline_missed {dag_run['dag_run_id']}"
    sent.once(occasion, lambda: send(text), run_id=_id(run), kind="deadline_missed")


def _run_of(context: "Context", state: "State") -> "Run | None":
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    return state.runs.of_dag_run(context["run_id"], resumed=conf.get("resume_run_id"))


def _summary(run: "Run | None", dag_run_id: str, state: "State", link: str | None = None) -> "RunSummary":
    from include.calls.reporting.slack_texts import RunSummary
    from include.calls.wording import notes

    return RunSummary(
        run_id=str(run.run_id) if run else None,
        period_from=run.period_from if run else None,
        period_to=run.period_to if run else None,
        progress=notes.progress(state.runs.progress(run.run_id)) if run else "",
        link=link or link_to(dag_run_id),
        calls_link=f"{_base_url()}/plugin/calls#run_id={run.run_id}&days=all" if run else None,
    )


def _id(run: "Run | None") -> UUID | None:
    return run.run_id if run else None
