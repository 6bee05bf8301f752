"""Opens a run: the period is resolved once, from the run's own time, and kept for ever."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.run_ids import run_id_of
from include.calls.domain.run_request import RunRequest
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.domain.storage_keys import part_of
from include.calls.policy import PeriodPolicy
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.calls.state.types import NewRun, Run
from include.calls.steps.run_lifecycle import IsLive, resume

SCHEDULED = "scheduled"  # the trigger of a run that Airflow's schedule starts
BACKFILL = "backfill"  # of one of the runs, each for its own day, that Airflow's backfill starts


@dataclass(frozen=True, slots=True)
class DagRunFacts:
    """The DAG run that opens the run; `run_after` is its own time (UTC), never a retry's clock."""

    dag_run_id: str
    run_after: datetime
    actor: str
    trigger: str


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """`ours` is False if another DAG run owns the idempotency key: there is nothing to do.

    `stop_lifted` is the sentence of the stop that a resume has lifted.
    """

    run_id: UUID
    status: RunStatus
    ours: bool
    stop_lifted: str | None = None


def open_run(
    request: RunRequest, dag_run: DagRunFacts, state: State, limits: PeriodPolicy, is_live: IsLive
) -> OpenedRun:
    """Raises BadInput before anything is created or changed; safe to run twice."""
    state.events.ensure_months()
    if dag_run.trigger == BACKFILL:
        request = request.of_one_day(dag_run.run_after)
    if request.resume_run_id:
        return _resume(request, request.resume_run_id, dag_run, state, is_live)
    period = request.new_period(run_after=dag_run.run_after, default_days=limits.default_days, max_days=limits.max_days)
    part = part_of(period, end_given=bool((request.period_to or "").strip()), trial=request.limit_calls > 0)
    texts = dag_run.trigger != SCHEDULED if request.deliver_texts is None else request.deliver_texts
    run = state.runs.open(
        NewRun(
            run_id=run_id_of(dag_run.dag_run_id),
            dag_run_id=dag_run.dag_run_id,
            idempotency_key=request.idempotency_key or dag_run.dag_run_id,
            period_from=period.start,
            period_to=period.end,
            actor=dag_run.actor,
            trigger=dag_run.trigger,
            due_at=dag_run.run_after,
            dry_run=request.dry_run,
            generate_summary=request.generate_summary,
            deliver_texts=texts,
            deliver_audio=request.deliver_audio,
            metadata={"limit_calls": request.limit_calls, "low_rate": request.low_rate, "part": part},
        )
    )
    if run.dag_run_id != dag_run.dag_run_id:
        return OpenedRun(run.run_id, run.status, ours=False)
    if run.status is RunStatus.PENDING:
        with state.transaction():
            started = state.runs.move(
                run.run_id,
                RunStatus.RUNNING,
                expected={RunStatus.PENDING},
                stage=Stage.OPEN_RUN,
                worker=dag_run.dag_run_id,
            )
            if started:
                _note_start(run, dag_run, state)
        return OpenedRun(run.run_id, RunStatus.RUNNING, ours=True)
    lifted = resume(run, state, is_live, dag_run_id=dag_run.dag_run_id)  # repeated, or cleared after the end
    return OpenedRun(run.run_id, RunStatus.RUNNING, ours=True, stop_lifted=lifted)


def _resume(request: RunRequest, run_id: UUID, dag_run: DagRunFacts, state: State, is_live: IsLive) -> OpenedRun:
    """Everything unfinished or failed of the run's period becomes its work again, and is planned anew."""
    run = state.runs.get(run_id)
    with state.transaction():
        lifted = resume(run, state, is_live, dag_run_id=dag_run.dag_run_id)
        if request.replay_dlq:
            state.dead_letters.replay(run_id, stage=Stage.OPEN_RUN)
        if not run.dry_run:
            state.moves.take_up(run, stage=Stage.OPEN_RUN, summaries=False, resumed=True)
            state.work.forget_batches(run_id)
        _note_start(run, dag_run, state)
    return OpenedRun(run_id, RunStatus.RUNNING, ours=True, stop_lifted=lifted)


def _note_start(run: Run, dag_run: DagRunFacts, state: State) -> None:
    detail = {
        "from": run.period_from.isoformat(),
        "to": run.period_to.isoformat(),
        "dag_run": dag_run.dag_run_id,
        "deliver_texts": run.deliver_texts,
        "deliver_audio": run.deliver_audio,
    }
    AuditLog(state.session).record(
        Action.EXPORT_STARTED, actor=dag_run.actor, run_id=run.run_id, reason=dag_run.trigger, detail=detail
    )
