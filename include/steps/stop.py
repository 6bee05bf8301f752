"""A failure that would repeat itself for every call stops the whole run once, and says so (D14a, D15)."""

from uuid import UUID

from include.clients.state.store import State
from include.domain.errors import StopRun
from include.domain.states import RunStatus


def refuse_if_stopped(run_id: UUID, state: State) -> None:
    """Raises StopRun with the first stopper's words where the run was stopped."""
    run = state.run(run_id)
    reason = run.metadata.get("stop") if run else None
    if reason:
        raise StopRun(f"the run was stopped: {reason}")


def stop_run(run_id: UUID, error: StopRun, state: State, *, stage: str) -> None:
    """Lets every other task of the run end at its next recording. The first reason stays."""
    run = state.run(run_id)
    if run is not None and not run.metadata.get("stop"):
        state.note_run(run_id, {"stop": str(error)})
        state.event(run_id, stage=stage, event="run_stopped", error_code=error.code, detail=_why(error))


def _why(error: StopRun) -> dict[str, str]:
    """`kind` is counted by the monitoring: a wrong token asks for another person than an empty account."""
    return {"reason": str(error), "kind": type(error).__name__}


def reopen_if_closed(run_id: UUID, state: State, *, stage: str) -> None:
    """A task cleared after its run had closed opens the run again, the stop forgotten."""
    run = state.run(run_id)
    if run is not None and run.status is not RunStatus.RUNNING:
        state.note_run(run_id, {"stop": None})
        state.move_run(
            run_id, RunStatus.RUNNING, expected={run.status}, stage=stage, detail={"reopened": "task cleared"}
        )
