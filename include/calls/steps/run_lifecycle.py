"""A failure that would repeat itself for every call stops the whole run once, and says so (D14a, D15)."""

from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.paths import run_of
from include.common.errors import StopRun


def refuse_if_stopped(run_id: UUID, state: State) -> None:
    """Raises StopRun with the first stopper's words where the run was stopped."""
    run = state.run(run_id)
    reason = run.metadata.get("stop") if run else None
    if reason:
        raise StopRun(f"the run was stopped: {reason}")


def stop_run(run_id: UUID, error: StopRun, state: State, *, stage: str) -> None:
    """Lets every other task of the run end at its next recording. The first reason stays, and is told once."""
    # `kind` is counted by the monitoring: a wrong token asks for another person than an empty account
    state.stop_run(run_id, str(error), kind=type(error).__name__, error_code=error.code, stage=stage)


def is_closed(run_id: UUID, state: State) -> bool:
    """Whether the run has ended and nobody has opened it again."""
    return run_of(run_id, state).status is not RunStatus.RUNNING


def reopen_if_closed(run_id: UUID, state: State, *, stage: str) -> None:
    """A task that works on records, cleared after its run had closed, opens the run again, the stop forgotten."""
    run = run_of(run_id, state)
    if run.status is not RunStatus.RUNNING:
        state.note_run(run_id, {"stop": None})
        _reopen(run, state, stage)


def reopen_if_unpublished(run_id: UUID, state: State, *, stage: str) -> None:
    """For `publish`: a run that ended in error because its files could not be written is judged anew.

    Any other end stays as it is, however often its files are written again.
    """
    run = run_of(run_id, state)
    if run.status is RunStatus.ERROR:
        end = state.last_end(run_id)
        if end is not None and end.failed_step == Stage.PUBLISH:
            _reopen(run, state, stage)


def _reopen(run: Run, state: State, stage: str) -> None:
    state.move_run(
        run.run_id, RunStatus.RUNNING, expected={run.status}, stage=stage, detail={"reopened": "task cleared"}
    )
