"""The end of a run, from its rows alone."""

from dataclasses import dataclass
from uuid import UUID

from include.call_centre.state.quality_scores import Counted
from include.call_centre.state.state import QualityState


@dataclass(frozen=True, slots=True)
class Closed:
    status: str
    scores: dict[str, Counted]
    waiting: int
    failed: int

    @property
    def scored(self) -> int:
        return self.scores["scored"].scores if "scored" in self.scores else 0

    @property
    def unscorable(self) -> int:
        return self.scores["unscorable"].scores if "unscorable" in self.scores else 0


def close_run(run_id: UUID, state: QualityState, *, failed_step: str | None = None) -> Closed:
    """`cancelled`: a person refused, or none answered; `error`: something is not done although it was to be.

    `failed_step` is a step before the batches that failed: what was to be done is not known then.
    """
    run, outcome = state.runs.get(run_id), state.runs.outcome(run_id)
    scores = {one.status: one for one in state.scores.counts(run_id)}
    refused = run.asked_cost is not None and run.approved_cost is None
    left = 0 if run.asked.get("dry_run") else outcome.waiting
    status = "cancelled" if refused else "error" if failed_step or left or outcome.failed else "completed"
    closed = Closed(status, scores, outcome.waiting, outcome.failed)
    with state.transaction():
        if state.runs.close(run_id, status, f"{closed.scored} scored, {closed.unscorable} unscorable"):
            detail = {
                "scored": closed.scored,
                "unscorable": closed.unscorable,
                "failed": outcome.failed,
                "waiting": left,
            }
            state.runs.add_event("close", status, run_id=run_id, detail=detail)
    return closed
