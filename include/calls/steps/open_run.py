"""Opens a run: the period is resolved once, from the run's own time, and kept for ever (D1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from include.calls.domain.run_ids import run_id_of
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import part_of
from include.calls.policy import Policy
from include.calls.state.rows import NewRun
from include.calls.state.state import State
from include.common.errors import BadInput
from include.common.periods import resolve_period


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person or the schedule asked for; `run_after` is the DAG run's own time (UTC), never a retry's clock."""

    dag_run_id: str
    run_after: datetime
    actor: str
    trigger: str
    period_from: str | None = None
    period_to: str | None = None
    idempotency_key: str | None = None
    resume_run_id: str | None = None
    replay_dlq: bool = False
    dry_run: bool = False
    generate_summary: bool = False
    low_rate: bool = False
    allow_long_period: bool = False
    limit_calls: int = 0


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """`ours` is False where another DAG run owns the idempotency key: there is nothing to do."""

    run_id: UUID
    status: RunStatus
    ours: bool


def open_run(request: RunRequest, state: State, policy: Policy) -> OpenedRun:
    """Raises BadInput before anything is created; safe to run twice."""
    if request.resume_run_id:
        return _resume(request, UUID(request.resume_run_id), state)
    if request.replay_dlq:
        raise BadInput("replay_dlq: say which run's dead letters, in resume_run_id")
    period = resolve_period(
        request.period_from,
        request.period_to,
        run_after=request.run_after,
        allow_long=request.allow_long_period,
        default_days=policy.period.default_days,
        max_days=policy.period.max_days,
    )
    part = part_of(period, end_given=bool((request.period_to or "").strip()), trial=request.limit_calls > 0)
    run = state.open_run(
        NewRun(
            run_id=run_id_of(request.dag_run_id),
            dag_run_id=request.dag_run_id,
            idempotency_key=request.idempotency_key or request.dag_run_id,
            period_from=period.start,
            period_to=period.end,
            actor=request.actor,
            trigger=request.trigger,
            dry_run=request.dry_run,
            generate_summary=request.generate_summary,
            metadata={"limit_calls": request.limit_calls, "low_rate": request.low_rate, "part": part},
        )
    )
    if run.dag_run_id != request.dag_run_id:
        return OpenedRun(run.run_id, run.status, ours=False)
    _start(run.run_id, run.status, state)
    return OpenedRun(run.run_id, RunStatus.RUNNING, ours=True)


def _resume(request: RunRequest, run_id: UUID, state: State) -> OpenedRun:
    run = state.run(run_id)
    if run is None:
        raise BadInput(
            f"resume_run_id: there is no run {run_id} in call_exports; list them by started_at and copy its run_id"
        )
    _start(run_id, run.status, state, resumed_by=request.dag_run_id)
    if request.replay_dlq:
        state.replay(run_id, stage=Stage.OPEN_RUN)
    state.reopen_records(run_id, stage=Stage.OPEN_RUN)
    return OpenedRun(run_id, RunStatus.RUNNING, ours=True)


def _start(run_id: UUID, status: RunStatus, state: State, **detail: str) -> None:
    if status is not RunStatus.RUNNING:
        state.move_run(run_id, RunStatus.RUNNING, expected={status}, stage=Stage.OPEN_RUN, detail=detail)
    state.note_run(run_id, {"stop": None})
