"""What each task of `call_export` does: clients from hooks, the step from `include`, the note for people.

Imported inside tasks only, so that parsing the DAG stays cheap. What hears and writes is in `recognition_tasks.py`.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.steps import approve as approve_step
from include.calls.steps import close_run as close_step
from include.calls.steps import download as download_step
from include.calls.steps import list_calls as list_step
from include.calls.steps import open_run as open_step
from include.calls.steps import plan as plan_step
from include.calls.steps import preflight as preflight_step
from include.calls.steps import publish as publish_step
from include.calls.steps import run_lifecycle as stop
from include.calls.steps.paths import run_of
from plugins.calls import slack_messages as alerts
from plugins.calls.task_context import (
    batch_of,
    capital,
    failed_upstream,
    is_fresh,
    is_low_rate,
    note,
    note_run,
    step,
    task_states,
    told,
)
from plugins.hooks.bitrix24 import Bitrix24Hook
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import StateHook
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.calls.state.state import State

BEFORE_BATCHES = ("preflight", "list_calls", "plan")


def open_run(context: "Context") -> str:
    dag_run, params = context["dag_run"], context["params"]
    request = open_step.RunRequest(
        dag_run_id=dag_run.run_id,
        run_after=dag_run.run_after,
        actor=dag_run.triggering_user_name or dag_run.run_type.value,
        trigger=dag_run.run_type.value,
        **{name: params[name] for name in params if name in open_step.RunRequest.__slots__},
    )
    with told(context, "открываю запуск"), StateHook().get_conn() as state:
        opened = open_step.open_run(request, state, load_run_policy())
        if not opened.ours:
            note(
                context,
                f"Этот ключ уже у запуска {opened.run_id} (статус {opened.status}): повторно ничего не делается.",
            )
            raise AirflowSkipException(f"the idempotency key belongs to run {opened.run_id}, status {opened.status}")
        run = run_of(opened.run_id, state)
        period = f"{run.period_from:%Y-%m-%d %H:%M} — {run.period_to:%Y-%m-%d %H:%M} UTC"
        note_run(context, str(run.run_id), f"Период {period}.")
    return str(opened.run_id)


def preflight(context: "Context", run_id: str) -> None:
    from plugins.hooks.recogniser import WhisperHook  # 40 MB that this module's other tasks can do without

    with step(context, run_id, Stage.PREFLIGHT, "проверяю доступы") as state:
        policy = load_run_policy()
        with Bitrix24Hook().portal(run_id=UUID(run_id), low_rate=is_low_rate(state, run_id)) as portal:
            preflight_step.preflight(
                UUID(run_id),
                portal,
                StorageHook().get_conn(),
                state,
                check_recogniser=WhisperHook(policy=policy).check,
                portal_texts=policy.stt.reuse_portal_transcripts,
            )


def list_calls(context: "Context", run_id: str) -> int:
    with step(context, run_id, Stage.LIST_CALLS, "собираю список звонков") as state:
        with Bitrix24Hook().portal(run_id=UUID(run_id), low_rate=is_low_rate(state, run_id)) as portal:
            listed = list_step.list_calls(UUID(run_id), portal, state)
        note_run(context, run_id, f"На портале {listed} звонков за период.")
        return listed


def plan(context: "Context", run_id: str) -> plan_step.Planned:
    with step(context, run_id, Stage.PLAN, "считаю прогноз") as state:
        planned = plan_step.plan(UUID(run_id), state, StorageHook().get_conn(), load_run_policy())
        where = "Жду ответа на вкладке Required Actions. " if planned.question else ""
        note_run(context, run_id, f"{where}{capital(planned.sentence)}.")
        return planned


def answered(context: "Context", run_id: str, cost: str, *, approved: bool, by: str | None, at: datetime) -> list[int]:
    """A person's answer to the plan's question, or the lack of one; returns the batches that may be started."""
    answer = approve_step.Answer(approved=approved, by=by, at=at)
    with step(context, run_id, Stage.PLAN, "записываю ответ") as state:
        sentence = approve_step.settle(UUID(run_id), Decimal(cost), answer, state)
        note_run(context, run_id, f"{sentence}.")
        return plan_step.batches_of(UUID(run_id), state, load_run_policy()) if approved else []


def download(context: "Context", run_id: str, batch: int) -> int:
    with batch_of(context, run_id, batch, Stage.DOWNLOAD, "скачиваю аудио") as state:
        return fetch_batch(run_id, batch, state, fresh=is_fresh(context))


def fetch_batch(run_id: str, batch: int, state: "State", *, fresh: bool) -> int:
    """Paced by the portal's row in PostgreSQL, whoever calls it."""
    with Bitrix24Hook().portal(run_id=UUID(run_id), low_rate=is_low_rate(state, run_id)) as portal:
        return download_step.download_batch(
            UUID(run_id),
            batch,
            portal=portal,
            storage=StorageHook().get_conn(),
            state=state,
            policy=load_run_policy(),
            fresh=fresh,
        )


def want_summaries(run_id: str) -> None:
    """Raises AirflowSkipException where summaries were not asked for."""
    with StateHook().get_conn() as state:
        run = run_of(UUID(run_id), state)
    if not (run.generate_summary and load_run_policy().summary.enabled):
        raise AirflowSkipException("summaries were not asked for (generate_summary and CALL_SUMMARY_ENABLED)")


def publish(context: "Context", run_id: str | None) -> None:
    if run_id is None:
        raise AirflowSkipException("the run was never opened: open_run says why")
    with told(context, "пишу реестр и отчёт"), StateHook().get_conn() as state:
        stop.reopen_if_unpublished(UUID(run_id), state, stage=Stage.PUBLISH)
        failed = failed_upstream(context, BEFORE_BATCHES)
        publish_step.publish(UUID(run_id), state, StorageHook().get_conn(), load_run_policy(), upstream_failed=failed)


def close_run(context: "Context", run_id: str | None) -> None:
    if run_id is None:
        if task_states(context, ["open_run"]).get("open_run") == "skipped":
            raise AirflowSkipException("the idempotency key belongs to another run: there was nothing to do")
        raise AirflowFailException("the run was never opened: open_run says why")
    with StateHook().get_conn() as state:
        again = is_fresh(context) and stop.is_closed(UUID(run_id), state)  # a retry ends what a killed try began
        failed = failed_upstream(context, (*BEFORE_BATCHES, "publish"))
        verdict = close_step.close_run(UUID(run_id), state, load_run_policy(), upstream_failed=failed)
    note_run(context, run_id, f"{capital(verdict.status)}: {verdict.sentence}.")
    if not again:
        alerts.run_closed(context, run_id, verdict.sentence)
    if verdict.status is RunStatus.ERROR:  # a verdict: asked again it would be the same, minutes later
        raise AirflowFailException(f"the run is not good enough: {verdict.sentence}")
    if again and failed == "publish":
        raise AirflowFailException("the files of the run were not written again: the task publish says why")
