"""Closes a run: its verdict comes from the rows, never from the states of Airflow's tasks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from include.calls.domain.run_verdict import Verdict, judge_run
from include.calls.domain.states import RunStatus
from include.calls.policy import Policy
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.paths import run_of
from include.calls.wording import notes


@dataclass(frozen=True, slots=True)
class ClosedRun:
    """How a run ended. `sentence` is the operator's, as it is stored; `in_english` is for logs and exceptions."""

    status: RunStatus
    sentence: str
    in_english: str


def close_run(run_id: UUID, state: State, policy: Policy, *, upstream_failed: str | None) -> ClosedRun:
    """Sums the run up and moves it to completed, error or cancelled; old saved responses are forgotten.

    A run that is closed already (its report was written again) keeps its end: the sums are fresh, the sentence is the
    one it was closed with. `upstream_failed` names a task that every call depends on (listing, plan, publish) and that
    failed.
    """
    run = run_of(run_id, state)
    if run.status is not RunStatus.RUNNING:
        return _as_closed(run, state, policy)
    verdict = _verdict(run, state, policy, upstream_failed)
    closed = ClosedRun(verdict.status, notes.verdict(verdict), verdict.in_english)
    state.forget_old_answers(answered_before=datetime.now(UTC) - timedelta(days=policy.retention_days.texts))
    state.finish_run(run_id, closed.status, detail={"verdict": closed.sentence, "failed_step": upstream_failed})
    return closed


def _as_closed(run: Run, state: State, policy: Policy) -> ClosedRun:
    state.sum_up(run.run_id)
    end = state.last_end(run.run_id)
    verdict = _verdict(run, state, policy, end.failed_step if end else None)
    sentence = end.verdict if end and end.verdict else notes.verdict(verdict)
    return ClosedRun(run.status, sentence, verdict.in_english)


def _verdict(run: Run, state: State, policy: Policy, failed_step: str | None) -> Verdict:
    return judge_run(
        state.counts(run.run_id),
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
        stop=run.metadata.get("stop"),
        refused=run.metadata.get("refused"),
        failed_step=failed_step,
        dry_run=run.dry_run,
    )
