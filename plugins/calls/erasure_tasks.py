"""What each task of `call_erasure` and `call_erasure_traces` does."""

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowSkipException

from include.calls.domain.erasure import ErasureStatus
from include.calls.names import ERASURE_DAG_ID
from include.calls.wording import erasure as wording
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.calls.task_context import failure_noted, note
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.erasure_key import load_erasure_key
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

log = logging.getLogger(__name__)


def register(context: "Context") -> UUID:
    """Stores the demand as hash and masked form; the number stays in the DAG run's parameters, which end with it."""
    from include.calls.state.erasures import Erasures
    from include.calls.steps import erase as step

    dag_run = context["dag_run"]
    with failure_noted(context, wording.REGISTERING), CallsStateHook().get_conn() as state:
        by = dag_run.triggering_user_name
        erasure_id = step.register(context["params"], dag_run.run_id, by, state, load_erasure_key())
        note(context, wording.registered(Erasures(state.session).get(erasure_id)))
    return erasure_id


def question(context: "Context", erasure_id: UUID) -> tuple[str, str]:
    """Subject and body of the question; neither names the person."""
    from include.calls.state.erasures import Erasures
    from include.calls.steps import erase as step

    with failure_noted(context, wording.LOOKING), CallsStateHook().get_conn() as state:
        found = step.preview(erasure_id, state, load_erasure_key())
        erasure = Erasures(state.session).get(erasure_id)
        note(context, wording.asked(erasure, found))
        return wording.question(erasure), wording.preview(erasure, found)


def decided(context: "Context", erasure_id: UUID, *, approved: bool, by: str | None, at: "datetime") -> bool:
    """Records the decision; True if the erasing may begin."""
    from include.calls.steps import erase as step

    with failure_noted(context, wording.DECIDING), CallsStateHook().get_conn() as state:
        status = step.record_decision(erasure_id, state, approved=approved, by=by, at=at)
        if status is ErasureStatus.REFUSED:
            note(context, wording.refused(by))
    return status is not ErasureStatus.REFUSED


def erase(context: "Context", erasure_id: UUID, *, go: bool) -> None:
    """Erases until it is settled. Skipped if a person has refused."""
    from include.calls.steps import erase as step

    if not go:
        raise AirflowSkipException("a person has refused the erasure, or nobody has decided in time")
    with failure_noted(context, wording.ERASING), CallsStateHook().get_conn() as state:
        settled = step.erase(erasure_id, state, StorageHook().get_conn(), load_run_policy(), load_erasure_key())
        note(context, wording.settled(settled))


def erase_traces() -> int:
    """Deletes ended DAG runs of `call_erasure`: their parameters name the person. Returns how many.

    With a DAG run Airflow deletes its task instances, XComs, rendered fields and the question. One whose erasure is
    still to be done stays for 30 days, so that a person can clear its task.
    """
    from include.calls.state.erasures import Erasures
    from include.calls.steps import erase as step

    deleted = 0
    hook = AirflowApiHook()
    with CallsStateHook().get_conn() as state:
        erasures = Erasures(state.session)
        for dag_run_id in hook.ended_runs(ERASURE_DAG_ID):
            erasure = erasures.of_dag_run(dag_run_id)
            if erasure is not None and not step.traces_may_go(erasure, state):
                continue
            deleted += hook.delete_run(ERASURE_DAG_ID, dag_run_id)
    log.info("%d DAG runs of %s deleted", deleted, ERASURE_DAG_ID)
    return deleted


def answer_of(event: dict[str, Any], approve: str) -> tuple[bool, str | None]:
    """What was answered and by whom, as Airflow passes it on."""
    return event["chosen_options"] == [approve], (event["responded_by_user"] or {}).get("name")
