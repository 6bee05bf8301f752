"""The verdict over a run (D16), taken from the rows and never from what tasks say of themselves."""

from uuid import UUID

from include.clients.state.store import State
from include.config.policy import Policy
from include.domain.states import RunStatus
from include.domain.verdict import Verdict, judge


def close_run(run_id: UUID, state: State, policy: Policy, *, upstream_failed: str | None) -> Verdict:
    """Sums the run up and moves it to completed or error.

    `upstream_failed` names a task that every call depends on (listing, plan, publish) and that did not end well: then
    the rows cannot be trusted to be all there is, so the run is in error whatever they say.
    """
    run = state.run(run_id)
    assert run is not None
    verdict = judge(
        state.counts(run_id),
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
    )
    stop = run.metadata.get("stop")
    if stop or upstream_failed:
        reason = f"остановлен: {stop}" if stop else f"не выполнен шаг {upstream_failed}"
        verdict = Verdict(RunStatus.ERROR, verdict.coverage, verdict.error_share, f"{reason}; {verdict.sentence}")
    elif run.dry_run:
        verdict = Verdict(RunStatus.COMPLETED, 0.0, 0.0, "прогноз готов, ничего не скачано и не потрачено")
    state.finish_run(run_id, verdict.status, detail={"verdict": verdict.sentence})
    return verdict
