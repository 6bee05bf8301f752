"""Erasures on a person's demand: asking for one, the list, and the second person's decision.

The DAG `call_erasure` does the work; its question is Airflow's own and is answered through Airflow's own function,
which knows who may answer.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.exceptions import DagNotFound, ParamValidationError
from airflow.models import DagModel
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from fastapi import HTTPException

from include.calls.domain.erasure import Erasure, ErasureStatus
from include.calls.domain.erasure_hashes import demand_of
from include.calls.names import ERASURE_DAG_ID
from include.calls.state.erasures import Erasures
from include.calls.wording.problems import sentence
from include.common.errors import BadInput, NotConfigured
from plugins.hooks.erasure_key import load_erasure_key
from plugins.web.calls.browser_api.call_pages import CallPages
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.take_models import (
    Decision,
    ErasureAsked,
    ErasureRow,
    ErasuresPage,
    ErasureStarted,
)

_QUESTION = "decide"  # the task of the DAG that asks


def ask(pages: CallPages, asked: ErasureAsked) -> ErasureStarted:
    """Starts the DAG run that registers the demand; the number stays in its parameters, which end with it."""
    conf = {"reason": asked.reason, "asked_by": asked.asked_by}
    if asked.call is not None:
        conf["erase_call_id"] = pages.call(asked.call).call_id
    if asked.number:
        conf["erase_number"] = asked.number
    if asked.demanded_on:
        conf["demanded_on"] = asked.demanded_on.isoformat()
    try:
        demand_of(conf, load_erasure_key())
    except (BadInput, NotConfigured) as error:
        raise Refused(422, "said", ru=sentence(error), en=str(error)) from None
    dag = DagModel.get_dagmodel(ERASURE_DAG_ID)
    if dag is None or dag.is_paused:
        raise Refused(409, "no_airflow_dag", dag=ERASURE_DAG_ID)
    now = datetime.now(UTC)
    dag_run_id = f"browser__{now:%Y-%m-%dT%H:%M:%S.%f}"
    try:
        trigger_dag(
            ERASURE_DAG_ID,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=pages.reader.actor,
            run_after=now,
            run_id=dag_run_id,
            conf=conf,
        )
    except (ParamValidationError, DagNotFound, ValueError):
        raise Refused(409, "no_airflow_dag", dag=ERASURE_DAG_ID) from None
    return ErasureStarted(dag_run_id=dag_run_id)


def listed(pages: CallPages, *, cursor: UUID | None, limit: int) -> ErasuresPage:
    rows = Erasures(pages.session).page(after=cursor, most=limit + 1)
    more = len(rows) > limit
    items = [_row(row, pages) for row in rows[:limit]]
    return ErasuresPage(items=items, cursor=str(items[-1].id) if more else None)


def decide(pages: CallPages, erasure_id: UUID, asked: Decision, user: Any) -> ErasureRow:
    """The answer to the DAG's question. Who has asked for the erasure may withdraw it, and not approve it."""
    erasures = Erasures(pages.session)
    found = erasures.find(erasure_id)
    if found is None:
        raise Refused(404, "no_such_erasure")
    approves = asked.decision == "approve"
    if approves and found.triggered_by == pages.reader.actor:
        raise Refused(409, "own_erasure")
    if found.status is not ErasureStatus.ASKED or found.dag_run_id is None:
        raise Refused(409, "not_waiting")
    chosen = ApprovalOperator.APPROVE if approves else ApprovalOperator.REJECT
    try:
        with create_session() as session:
            update_hitl_detail(
                dag_id=ERASURE_DAG_ID,
                dag_run_id=found.dag_run_id,
                task_id=_QUESTION,
                update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[chosen]),
                user=user,
                session=session,
            )
    except HTTPException as error:
        if error.status_code == 403:
            raise Refused(403, "no_right", right=Right.DECIDE) from None
        raise Refused(409, "not_waiting") from None
    return _row(found, pages).model_copy(update={"may_decide": False, "may_approve": False})


def _row(row: Erasure, pages: CallPages) -> ErasureRow:
    waits = row.status is ErasureStatus.ASKED and pages.reader.may(Right.DECIDE)
    left = row.looked and {place: count for place, count in row.looked.items() if isinstance(count, int)}
    kind: Any = str(row.kind)
    status: Any = str(row.status)
    return ErasureRow(
        id=row.erasure_id,
        kind=kind,
        subject=row.masked,
        reason=row.reason,
        asked_by=row.asked_by,
        triggered_by=row.triggered_by,
        demanded_at=row.demanded_at,
        status=status,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        settled_at=row.settled_at,
        left=left,
        may_decide=waits,
        may_approve=waits and row.triggered_by != pages.reader.actor,
    )
