"""The verdict over a run (D16), taken from the rows and never from what tasks say of themselves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from include.clients.state.store import State
from include.config.policy import Policy
from include.domain.verdict import Verdict, judge_run

STAGE = "close_run"


def close_run(run_id: UUID, state: State, policy: Policy, *, upstream_failed: str | None) -> Verdict:
    """Sums the run up and moves it to completed, error or cancelled; saved answers older than any text are forgotten.

    `upstream_failed` names a task that every call depends on (listing, plan, publish) and that did not end well.
    """
    run = state.run(run_id)
    assert run is not None
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
    state.finish_run(run_id, verdict.status, detail={"verdict": verdict.sentence})
    return verdict
