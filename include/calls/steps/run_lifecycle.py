"""Stops a whole run on errors that would repeat for every call, and opens a closed run again."""

from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.wording import problems
from include.common.errors import StopRun


def refuse_if_stopped(run_id: UUID, state: State) -> None:
    """Raises StopRun if the run was stopped. A worker asks this before each recording."""
    reason = state.runs.get(run_id).metadata.get("stop")
    if reason:
        raise StopRun("the run was stopped; the event run_stopped has the reason", problem="run_stopped", reason=reason)


def stop_run(run_id: UUID, error: StopRun, state: State, *, stage: str) -> None:
    """Makes every other task of the run end before its next recording. Only the first reason is stored and reported.

    The run keeps the operator's sentence, the event the English message. `kind` is a label in the metrics: a refused
    token and an empty account need different people.
    """
    state.runs.stop(
        run_id,
        problems.sentence(error),
        reason=str(error),
        kind=type(error).__name__,
        error_code=error.code,
        stage=stage,
    )


def is_closed(run_id: UUID, state: State) -> bool:
    """True if the run has ended and was not opened again."""
    return state.runs.get(run_id).status is not RunStatus.RUNNING


def reopen_if_closed(run_id: UUID, state: State, *, stage: str) -> None:
    """A task that works on recordings, cleared after its run had closed, opens the run again and forgets the stop."""
    run = state.runs.get(run_id)
    if run.status is not RunStatus.RUNNING:
        state.runs.note(run_id, {"stop": None})
        _reopen(run, state, stage)


def reopen_if_unpublished(run_id: UUID, state: State, *, stage: str) -> None:
    """For `publish`: a run that ended in error because its files could not be written is judged again.

    Any other end stays as it is, however often its files are written again.
    """
    run = state.runs.get(run_id)
    if run.status is RunStatus.ERROR and run.failed_step == Stage.PUBLISH:
        _reopen(run, state, stage)


def _reopen(run: Run, state: State, stage: str) -> None:
    state.runs.move(
        run.run_id, RunStatus.RUNNING, expected={run.status}, stage=stage, detail={"reopened": "task cleared"}
    )
