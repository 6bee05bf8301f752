"""Opens a run: the period is resolved once, from the run's own time, and kept for ever (D1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from include.calls.domain.run_ids import run_id_of
from include.calls.domain.run_request import RunRequest
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import part_of
from include.calls.policy import Policy
from include.calls.state.rows import NewRun
from include.calls.state.state import State
from include.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class DagRunFacts:
    """The DAG run that opens the run; `run_after` is its own time (UTC), never a retry's clock."""

    dag_run_id: str
    run_after: datetime
    actor: str
    trigger: str


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """`ours` is False where another DAG run owns the idempotency key: there is nothing to do."""

    run_id: UUID
    status: RunStatus
    ours: bool


def open_run(request: RunRequest, dag_run: DagRunFacts, state: State, policy: Policy) -> OpenedRun:
    """Raises BadInput before anything is created; safe to run twice."""
    if request.resume_run_id:
        return _resume(request, request.resume_run_id, dag_run, state)
    limits = policy.period
    period = request.new_period(run_after=dag_run.run_after, default_days=limits.default_days, max_days=limits.max_days)
    part = part_of(period, end_given=bool((request.period_to or "").strip()), trial=request.limit_calls > 0)
    run = state.open_run(
        NewRun(
            run_id=run_id_of(dag_run.dag_run_id),
            dag_run_id=dag_run.dag_run_id,
            idempotency_key=request.idempotency_key or dag_run.dag_run_id,
            period_from=period.start,
            period_to=period.end,
            actor=dag_run.actor,
            trigger=dag_run.trigger,
            dry_run=request.dry_run,
            generate_summary=request.generate_summary,
            metadata={"limit_calls": request.limit_calls, "low_rate": request.low_rate, "part": part},
        )
    )
    if run.dag_run_id != dag_run.dag_run_id:
        return OpenedRun(run.run_id, run.status, ours=False)
    _start(run.run_id, run.status, state)
    return OpenedRun(run.run_id, RunStatus.RUNNING, ours=True)


def _resume(request: RunRequest, run_id: UUID, dag_run: DagRunFacts, state: State) -> OpenedRun:
    run = state.run(run_id)
    if run is None:
        raise BadInput(
            f"resume_run_id: there is no run {run_id} in call_exports; list them by started_at and copy its run_id",
            problem="no_such_run",
            run_id=run_id,
        )
    _start(run_id, run.status, state, resumed_by=dag_run.dag_run_id)
    if request.replay_dlq:
        state.replay(run_id, stage=Stage.OPEN_RUN)
    state.reopen_records(run_id, stage=Stage.OPEN_RUN)
    return OpenedRun(run_id, RunStatus.RUNNING, ours=True)


def _start(run_id: UUID, status: RunStatus, state: State, **detail: str) -> None:
    if status is not RunStatus.RUNNING:
        state.move_run(run_id, RunStatus.RUNNING, expected={status}, stage=Stage.OPEN_RUN, detail=detail)
    state.note_run(run_id, {"stop": None})
