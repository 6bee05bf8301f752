"""`POST /call_export/runs`: lets other programs start runs.

A request that cannot be done is refused before anything is created; a key that was used before gets its run.
Airflow's own route checks each parameter alone: there, a period that ends before it begins becomes a failed run.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.exceptions import DagNotFound, DagRunAlreadyExists, ParamValidationError
from airflow.models import DagModel, DagRun
from airflow.utils.state import State
from airflow.utils.types import DagRunTriggeredByType
from fastapi import APIRouter, Depends, Header, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from include.calls.domain.run_ids import dag_run_id_of, run_id_of
from include.calls.domain.run_request import IdempotencyKey, RunRequest
from include.calls.domain.states import RunStatus
from include.calls.names import DAG_ID
from include.calls.state.types import Run
from include.calls.steps.run_lifecycle import RunAtWork, refuse_if_at_work
from include.common.errors import BadInput, ExportError
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook

router = APIRouter()


class StartedRun(BaseModel):
    """`run_id` is the row of `call_exports`, which the run's first task creates; times are UTC.

    `created` is False if the key had its run already.
    """

    run_id: UUID
    dag_run_id: str
    status: RunStatus
    created: bool
    period_from: datetime | None
    period_to: datetime | None


@router.post("/runs", status_code=201, dependencies=[Depends(requires_access_dag("POST", DagAccessEntity.RUN, DAG_ID))])
def start_run(
    request: RunRequest,
    user: GetUserDep,
    response: Response,
    idempotency_key: Annotated[IdempotencyKey | None, Header()] = None,
) -> StartedRun:
    """201: a new run; 200: the run of this key; 422: refused, in one sentence.

    409: the DAG is switched off, or the run to resume is still at work.
    """
    try:
        key = _one_key(request.idempotency_key, idempotency_key)
        existing = _run_of(key)
        if existing is None:
            return _created(request, key, user.get_name())
    except RunAtWork as error:
        raise HTTPException(409, str(error)) from None
    except BadInput as error:
        raise HTTPException(422, str(error)) from None
    except ExportError as error:
        raise HTTPException(503, str(error)) from None
    response.status_code = 200
    return existing


def _one_key(in_body: str | None, in_header: str | None) -> str | None:
    if in_body and in_header and in_body != in_header:
        raise BadInput(
            "the header Idempotency-Key and the field idempotency_key differ: give one of them", problem="two_keys"
        )
    return in_body or in_header


def _run_of(key: str | None) -> StartedRun | None:
    if key is None:
        return None
    with CallsStateHook().get_conn() as state:
        run = state.runs.of_key(key)
    if run is not None:
        return _existing(run)
    dag_run_id = dag_run_id_of(key)
    waiting = DagRun.find(dag_id=DAG_ID, run_id=dag_run_id)
    if not waiting:
        return None
    # not opened yet: a run that failed before that has a DAG run only
    status = RunStatus.ERROR if waiting[0].state == "failed" else RunStatus.PENDING
    return StartedRun(
        run_id=run_id_of(dag_run_id),
        dag_run_id=dag_run_id,
        status=status,
        created=False,
        period_from=None,
        period_to=None,
    )


def _existing(run: Run) -> StartedRun:
    return StartedRun(
        run_id=run.run_id,
        dag_run_id=run.dag_run_id,
        status=run.status,
        created=False,
        period_from=run.period_from,
        period_to=run.period_to,
    )


def _created(request: RunRequest, key: str | None, actor: str) -> StartedRun:
    """Raises BadInput before anything is created, HTTPException if Airflow would not start the run."""
    run_after = datetime.now(UTC)
    start, end = _period(request, run_after)
    dag = DagModel.get_dagmodel(DAG_ID)
    if dag is None or dag.is_paused:
        raise HTTPException(409, f"{DAG_ID} is switched off in Airflow: unpause it there, nothing was created")
    dag_run_id = dag_run_id_of(key) if key else f"api__{run_after:%Y-%m-%dT%H:%M:%S.%f}"
    conf = request.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if key:
        conf["idempotency_key"] = key
    try:
        trigger_dag(
            DAG_ID,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=actor,
            run_after=run_after,
            run_id=dag_run_id,
            conf=conf,
        )
    except (DagRunAlreadyExists, IntegrityError):  # a concurrent request with this key
        raise HTTPException(409, "another request with this key is being served: ask again") from None
    except (ParamValidationError, DagNotFound, ValueError) as error:
        raise BadInput(str(error), problem="airflow_refuses_parameters") from None
    run_id = request.resume_run_id or run_id_of(dag_run_id)
    return StartedRun(
        run_id=run_id, dag_run_id=dag_run_id, status=RunStatus.PENDING, created=True, period_from=start, period_to=end
    )


def _is_live(dag_run_id: str) -> bool:
    return any(found.state in State.unfinished_dr_states for found in DagRun.find(dag_id=DAG_ID, run_id=dag_run_id))


def _period(request: RunRequest, run_after: datetime) -> tuple[datetime, datetime]:
    """UTC, as the run is going to resolve it: by the same rule, from the same instant.

    Raises RunAtWork if the run to resume is still at work.
    """
    if request.resume_run_id is not None:
        with CallsStateHook().get_conn() as state:
            run = state.runs.get(request.resume_run_id)
        refuse_if_at_work(run, _is_live)
        return run.period_from, run.period_to
    limits = load_run_policy().period
    period = request.new_period(run_after=run_after, default_days=limits.default_days, max_days=limits.max_days)
    return period.start, period.end
