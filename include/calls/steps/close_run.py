"""Closes a run: its verdict comes from the rows, never from the states of Airflow's tasks."""

from dataclasses import dataclass
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.run_verdict import Verdict, judge_run
from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.policy import Policy
from include.calls.reporting.settings import accepted_bars
from include.calls.state.audit import AuditLog
from include.calls.state.metrics import MetricsReader
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.run_lifecycle import RunMoved
from include.calls.wording import notes


@dataclass(frozen=True, slots=True)
class ClosedRun:
    """How a run ended. `sentence` is the operator's, as it is stored; `in_english` is for logs and exceptions."""

    status: RunStatus
    sentence: str
    in_english: str


def close_run(
    run_id: UUID, state: State, policy: Policy, *, upstream_failed: str | None, dag_run_id: str | None = None
) -> ClosedRun:
    """Sums the run up and moves it to completed, error or cancelled; the counters of the metrics are folded.

    A run that is closed already (its report was written again) keeps its end: the sums are fresh, the sentence is the
    one it was closed with. `upstream_failed` names a task that every call depends on (listing, plan, publish) and that
    failed. `dag_run_id` is the DAG run that closes; raises RunMoved if the run belongs to another one by now.
    """
    run = state.runs.get(run_id)
    if run.status is not RunStatus.RUNNING:
        return _as_closed(run, state, policy)
    verdict = _verdict(run, state, policy, upstream_failed)
    closed = _closed(verdict)
    _note_bars(run_id, verdict, state)
    with state.transaction():
        finished = state.runs.finish(
            run_id,
            closed.status,
            verdict=closed.sentence,
            failed_step=upstream_failed,
            worker=dag_run_id or run.worked_by,
        )
        if finished:
            _note_end(run, closed, state)
    if not finished:
        raise RunMoved("the run has changed since this task read it")
    MetricsReader(state.session).fold()
    return closed


def close_abandoned(run: Run, state: State, policy: Policy, *, failed_step: str | None) -> ClosedRun | None:
    """Closes a run whose DAG run Airflow has ended or forgotten; None if it has ended or was taken over since."""
    verdict = _verdict(run, state, policy, failed_step, abandoned=run.worked_by)
    closed = _closed(verdict)
    _note_bars(run.run_id, verdict, state)
    with state.transaction():
        finished = _ended(run, closed, state, failed_step=failed_step)
        if finished:
            _note_end(run, closed, state)
    if not finished:
        return None
    MetricsReader(state.session).fold()
    return closed


def _ended(run: Run, closed: ClosedRun, state: State, *, failed_step: str | None) -> bool:
    if run.status is RunStatus.PENDING:  # its first task died between its first two statements
        return state.runs.move(
            run.run_id,
            closed.status,
            expected={RunStatus.PENDING},
            stage=Stage.RECONCILE,
            worker=run.worked_by,
            detail={"verdict": closed.sentence},
            verdict=closed.sentence,
        )
    return state.runs.finish(
        run.run_id,
        closed.status,
        verdict=closed.sentence,
        failed_step=failed_step,
        worker=run.worked_by,
        stage=Stage.RECONCILE,
    )


def _closed(verdict: Verdict) -> ClosedRun:
    return ClosedRun(verdict.status, notes.verdict(verdict), verdict.in_english)


def _note_bars(run_id: UUID, verdict: Verdict, state: State) -> None:
    """For the metrics, which show the bars of the last run that ended."""
    figures = {
        found.bar: {"cases": found.cases, "tried": found.tried, "exceeded": int(found.exceeded)}
        for found in verdict.bars
    }
    state.runs.note(run_id, {"bars": figures})


def _note_end(run: Run, closed: ClosedRun, state: State) -> None:
    """The last statement of the transaction that moves the run: both are there or neither is."""
    now = state.runs.get(run.run_id)
    detail = {"status": str(closed.status), "calls": now.total_calls, "texts": now.completed_calls}
    AuditLog(state.session).record(Action.EXPORT_ENDED, actor=run.actor, run_id=run.run_id, detail=detail)


def _as_closed(run: Run, state: State, policy: Policy) -> ClosedRun:
    state.runs.sum_up(run.run_id)
    verdict = _verdict(run, state, policy, run.failed_step)
    return ClosedRun(run.status, run.verdict or notes.verdict(verdict), verdict.in_english)


def _verdict(
    run: Run, state: State, policy: Policy, failed_step: str | None, *, abandoned: str | None = None
) -> Verdict:
    return judge_run(
        state.runs.counts(run.run_id),
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
        bars=accepted_bars(policy.bars),
        tried=state.runs.tried(run.run_id),
        stop=run.stop,
        refused=run.metadata.get("refused"),
        failed_step=failed_step,
        dry_run=run.dry_run,
        abandoned=abandoned,
        planned=run.forecast_cost is not None,
    )
