"""The verdict over a run (D16), taken from the rows and never from what tasks say of themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from include.calls.domain.run_verdict import Verdict, judge, judge_run
from include.calls.domain.states import RunStatus
from include.calls.policy import Policy
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.paths import run_of


def close_run(run_id: UUID, state: State, policy: Policy, *, upstream_failed: str | None) -> Verdict:
    """Sums the run up and moves it to completed, error or cancelled; saved answers older than any text are forgotten.

    A run that is closed already (its report was written again) keeps its end: the sums are fresh, the verdict is the
    one it was closed with. `upstream_failed` names a task that every call depends on (listing, plan, publish) and that
    did not end well.
    """
    run = run_of(run_id, state)
    if run.status is not RunStatus.RUNNING:
        return _as_closed(run, state, policy)
    verdict = judge_run(
        state.counts(run_id),
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
        stop=run.metadata.get("stop"),
        refused=run.metadata.get("refused"),
        failed_step=upstream_failed,
        dry_run=run.dry_run,
    )
    state.forget_old_answers(answered_before=datetime.now(UTC) - timedelta(days=policy.retention_days.transcripts))
    state.finish_run(run_id, verdict.status, detail={"verdict": verdict.sentence, "failed_step": upstream_failed})
    return verdict


def _as_closed(run: Run, state: State, policy: Policy) -> Verdict:
    state.sum_up(run.run_id)
    now = judge(
        state.counts(run.run_id),
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
    )
    end = state.last_end(run.run_id)
    return replace(now, status=run.status, sentence=end.verdict if end and end.verdict else now.sentence)
