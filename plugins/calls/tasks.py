"""What each task of `call_export` does: one function for each task, clients from hooks, the step from `include`.

Each function imports its own step, so that a task loads only what it needs and the DAG file can import this module:
audio and the recogniser's client cost 40 MB. The task `transcribe` is an operator of its own
(`plugins/calls/operators/transcribe.py`); `plan` and `decided` are called by `plugins/calls/operators/approval.py`.
"""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.names import DAG_ID
from include.calls.wording import notes
from include.common.errors import ExportError
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.airflow_kit.task_instance import failed_upstream, is_fresh, is_live, task_states
from plugins.calls import slack_messages
from plugins.calls.report_mail import report_mailed
from plugins.calls.task_context import (
    after_batch,
    failure_noted,
    note,
    note_run,
    open_batch,
    open_state,
    take_run,
)
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from threading import Event

    from airflow.sdk import Context

    from include.calls.state.state import State
    from include.calls.steps.plan import Planned

log = logging.getLogger(__name__)

BEFORE_BATCHES = ("preflight", "list_calls", "plan")


def open_run(context: "Context") -> UUID:
    from include.calls.domain.run_request import RunRequest
    from include.calls.steps import open_run as step
    from include.calls.steps.note_policy import note_policy

    dag_run, params = context["dag_run"], context["params"]
    facts = step.DagRunFacts(
        dag_run_id=dag_run.run_id,
        run_after=dag_run.run_after,
        actor=dag_run.triggering_user_name or dag_run.run_type.value,
        trigger=dag_run.run_type.value,
    )
    with failure_noted(context, notes.PHASES[Stage.OPEN_RUN]), CallsStateHook().get_conn() as state:
        # Airflow lets a conf carry names that the form does not have
        request = RunRequest.of({name: params[name] for name in RunRequest.model_fields if name in params})
        policy = load_run_policy()
        note_policy(state, policy, actor=facts.actor)
        opened = step.open_run(request, facts, state, policy.period, partial(is_live, context, DAG_ID))
        if not opened.ours:
            note(context, notes.key_taken(opened.run_id, opened.status))
            raise AirflowSkipException(f"the idempotency key belongs to run {opened.run_id}, status {opened.status}")
        run = state.runs.get(opened.run_id)
        note_run(context, run.run_id, notes.opened(run.period_from, run.period_to, stop_lifted=opened.stop_lifted))
    return opened.run_id


def preflight(context: "Context", run_id: UUID) -> None:
    from include.calls.steps import preflight as step
    from include.calls.steps.note_secrets import note_secrets
    from plugins.calls.secret_fingerprints import fernet_key, fingerprints
    from plugins.calls.telephony import telephony_of
    from plugins.hooks.recogniser import RecogniserHook

    with open_state(context, run_id, Stage.PREFLIGHT) as state:
        policy = load_run_policy()
        note_secrets(state, fingerprints(fernet_key()), actor=state.runs.get(run_id).actor)
        try:
            with telephony_of(state, run_id) as telephony:
                step.preflight(
                    run_id,
                    telephony,
                    StorageHook().get_conn(),
                    state,
                    check_recogniser=RecogniserHook(
                        model=policy.stt.model, fallback_model=policy.stt.fallback_model
                    ).check,
                    portal_texts=policy.stt.reuse_portal_transcripts,
                )
            _note_few_workers(run_id, state)
        finally:
            slack_messages.low_rate_switched(context, run_id)


def _note_few_workers(run_id: UUID, state: "State") -> None:
    """No refusal: workers may be on their way (KEDA), and those that are there go on."""
    from include.calls.pools import pools
    from plugins.airflow_kit.celery_workers import on_celery, serving, too_few

    if not on_celery():
        return
    wanted = {name: int(pool["slots"]) for name, pool in pools(load_run_policy()).items()}
    for queue, (slots, lines) in too_few(serving(), wanted).items():
        log.warning("workers of the queue %s take %d tasks at once, its pool lets out %d", queue, slots, lines)
        detail = {"queue": queue, "slots": slots, "pool": lines}
        state.events.add(run_id, stage=Stage.PREFLIGHT, event="few_workers", detail=detail)


def list_calls(context: "Context", run_id: UUID) -> int:
    from include.calls.steps import list_calls as step
    from plugins.calls.telephony import telephony_of
    from plugins.hooks.erasure_key import find_erasure_key

    with open_state(context, run_id, Stage.LIST_CALLS) as state:
        try:
            with telephony_of(state, run_id) as telephony:
                listed = step.list_calls(
                    run_id,
                    telephony,
                    state,
                    erasure_key=find_erasure_key(),
                    clock_may_differ_sec=load_run_policy().portal.clock_may_differ_seconds,
                )
        finally:
            slack_messages.low_rate_switched(context, run_id)
        note_run(context, run_id, notes.listed(listed))
        return listed


def plan(context: "Context", run_id: UUID) -> "Planned":
    from include.calls.steps import plan as step

    with open_state(context, run_id, Stage.PLAN) as state:
        planned = step.plan(run_id, state, StorageHook().get_conn(), load_run_policy())
        note_run(context, run_id, planned.note)
        return planned


def decided(
    context: "Context", run_id: UUID, cost: Decimal, *, approved: bool, by: str | None, at: datetime
) -> list[int]:
    """Records the decision on the plan's question, or the lack of one; returns the batches that may start."""
    from include.calls.steps import approve as step
    from include.calls.steps.plan import batches_of
    from include.common.budget import Decision

    decision = Decision(approved=approved, by=by, at=at)
    with open_state(context, run_id, Stage.PLAN, phase=notes.RECORDING_DECISION) as state:
        sentence = step.record_decision(run_id, cost, decision, state)
        note_run(context, run_id, notes.decided(sentence))
        return batches_of(run_id, state, load_run_policy()) if approved else []


def download(context: "Context", run_id: UUID, batch: int) -> int:
    from plugins.airflow_kit.stop_signal import stop_asked

    with open_batch(context, run_id, batch, Stage.DOWNLOAD) as state:
        try:
            with stop_asked() as stop:
                return fetch_batch(run_id, batch, state, fresh=is_fresh(context), stop=stop)
        finally:
            after_batch(context, run_id, state)


def fetch_batch(run_id: UUID, batch: int, state: "State", *, fresh: bool, stop: "Event") -> int:
    """Downloads what the batch lacks. The portal's row in PostgreSQL paces every caller."""
    from include.calls.steps import download as step
    from plugins.calls.telephony import telephony_of

    with telephony_of(state, run_id) as telephony:
        return step.download_batch(
            run_id,
            batch,
            telephony=telephony,
            storage=StorageHook().get_conn(),
            state=state,
            policy=load_run_policy(),
            fresh=fresh,
            stop=stop,
        )


def want_summaries(run_id: UUID) -> None:
    """Raises AirflowSkipException if summaries were not asked for."""
    with CallsStateHook().get_conn() as state:
        run = state.runs.get(run_id)
    if not (run.generate_summary and load_run_policy().summary.enabled):
        raise AirflowSkipException("summaries were not asked for (generate_summary and CALL_SUMMARY_ENABLED)")


def summarize(context: "Context", run_id: UUID, batch: int) -> int:
    from include.calls.steps import summarize as step
    from plugins.airflow_kit.stop_signal import stop_asked
    from plugins.hooks.language_model import summary_model

    want_summaries(run_id)  # asked again: the task that should have skipped this one may have failed
    policy = load_run_policy()
    with open_batch(context, run_id, batch, Stage.SUMMARIZE) as state:
        try:
            with summary_model(policy.summary.model, run_id) as model, stop_asked() as stop:
                return step.summarize_batch(
                    run_id,
                    batch,
                    language_model=model,
                    storage=StorageHook().get_conn(),
                    state=state,
                    policy=policy,
                    fresh=is_fresh(context),
                    stop=stop,
                )
        finally:
            after_batch(context, run_id, state, show=show_registry)


def show_registry(run_id: UUID, state: "State") -> None:
    """The registry as far as the run has come. A failure is logged only: `publish` writes the last one."""
    from include.calls.steps.publish import publish_live

    try:
        publish_live(run_id, state, StorageHook().get_conn(), load_run_policy())
    except (ExportError, OSError) as error:
        log.warning("the registry was not written in mid-run, publish will do it: %s", error)


def publish(context: "Context", run_id: UUID | None) -> None:
    from include.calls.steps import publish as step
    from include.calls.steps.run_lifecycle import reopen_if_unpublished
    from plugins.calls.assets import announce
    from plugins.calls.lineage import tell_collector

    if run_id is None:
        raise AirflowSkipException("the run was never opened: open_run says why")
    with failure_noted(context, notes.PHASES[Stage.PUBLISH]), CallsStateHook().get_conn() as state:
        take_run(context, run_id, state, Stage.PUBLISH)
        reopen_if_unpublished(run_id, state, dag_run_id=context["dag_run"].run_id, stage=Stage.PUBLISH)
        failed = failed_upstream(context, BEFORE_BATCHES)
        storage = StorageHook().get_conn()
        rows = step.publish(run_id, state, storage, load_run_policy(), upstream_failed=failed)
        run = state.runs.get(run_id)
        completed = state.runs.counts(run_id).get(RecordStatus.COMPLETED, 0)
    period = {"date_from": f"{run.period.start:%Y-%m-%d}", "date_to": f"{run.period.end:%Y-%m-%d}"}
    facts = {"run_id": str(run_id), **period, "status": run.status}
    announce(context, registry_rows=rows, completed=completed, facts=facts)
    if rows:
        tell_collector(run, storage)


def close_run(context: "Context", run_id: UUID | None) -> None:
    from include.calls.steps import close_run as step
    from include.calls.steps.run_lifecycle import is_closed

    if run_id is None:
        if task_states(context, ["open_run"]).get("open_run") == "skipped":
            raise AirflowSkipException("the idempotency key belongs to another run: there was nothing to do")
        raise AirflowFailException("the run was never opened: open_run says why")
    dag_run_id = context["dag_run"].run_id
    with failure_noted(context, notes.PHASES[Stage.CLOSE_RUN]), CallsStateHook().get_conn() as state:
        take_run(context, run_id, state, Stage.CLOSE_RUN)
        again = is_fresh(context) and is_closed(run_id, state)  # a retry ends what a killed try began
        failed = failed_upstream(context, (*BEFORE_BATCHES, "publish"))
        closed = step.close_run(run_id, state, load_run_policy(), upstream_failed=failed, dag_run_id=dag_run_id)
    note_run(context, run_id, notes.closed(closed.status, closed.sentence))
    if not again:
        slack_messages.run_closed(context, run_id, closed.sentence)
        report_mailed(run_id, closed.sentence, slack_messages.link_to(dag_run_id))
    if closed.status is RunStatus.ERROR:  # asked again, the verdict would be the same, minutes later
        raise AirflowFailException(f"the run is not good enough: {closed.in_english}")
    if again and failed == "publish":
        raise AirflowFailException("the files of the run were not written again: the task publish says why")


def reconcile(context: "Context") -> int:
    """Closes every run that its DAG run has left open, shows corrected roles; returns how many runs it closed."""
    from include.calls.steps import reconcile as step

    closed = 0
    with CallsStateHook().get_conn() as state:
        for run in step.abandoned_runs(state, partial(is_live, context, DAG_ID)):
            ended = step.settle(run, state, StorageHook().get_conn(), load_run_policy())
            if ended is None:
                continue
            closed += 1
            log.warning("run %s was left open by its DAG run %s: %s", run.run_id, run.worked_by, ended.in_english)
            sentence = notes.with_run_id(notes.closed(ended.status, ended.sentence), run.run_id)
            AirflowApiHook().set_note(DAG_ID, run.worked_by, sentence)
            slack_messages.run_settled(run.run_id, run.worked_by, ended.sentence)
        step.show_corrections(state, StorageHook().get_conn(), load_run_policy())
    return closed


def retention(context: "Context") -> None:
    """Ends what is past its retention period; says in the note how much it was."""
    from include.calls.steps import expire as step
    from include.calls.wording import retention as words

    with failure_noted(context, words.PHASE), CallsStateHook().get_conn() as state:
        done = step.expire(
            state,
            StorageHook().get_conn(),
            load_run_policy(),
            now=datetime.now(UTC),
            dry_run=bool(context["params"].get("dry_run")),
        )
        if not done.dry_run:
            _forget_requests(load_run_policy().retention_days.events)
    note(context, words.note(done))


def _forget_requests(days: int) -> None:
    """The log of requests to language models has the days of the other histories."""
    from include.clients.language_models.routing_state import RoutingState

    with RoutingState.open(CallsStateHook().conninfo()) as routing:
        gone = routing.forget_requests(datetime.now(UTC) - timedelta(days=days))
    log.info("rows of llm_requests deleted: %d", gone)
