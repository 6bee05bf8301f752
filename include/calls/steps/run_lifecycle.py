"""Which DAG run works on a run; the stop of a whole run; a closed run that is opened again.

A run belongs to one DAG run at a time: the one that opened it, resumed it, or had a task of it cleared. Another one may
have it only after Airflow has ended its DAG run.
"""

from collections.abc import Callable
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.domain.states import NOT_ENDED, RunStatus
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.wording import problems
from include.common.errors import BadInput, StopRun, Temporary

IsLive = Callable[[str], bool]  # whether Airflow knows this DAG run and has not ended it


class RunAtWork(BadInput):
    """Another DAG run, which Airflow has not ended, works on the run."""


class RunMoved(Temporary):
    """The run has changed since it was read: the task looks again."""


def refuse_if_at_work(run: Run, is_live: IsLive, *, dag_run_id: str | None = None) -> None:
    """Raises RunAtWork if another DAG run than `dag_run_id` works on the run and Airflow has not ended it."""
    if run.status not in NOT_ENDED or run.worked_by == dag_run_id or not is_live(run.worked_by):
        return
    raise RunAtWork(
        f"run {run.run_id} is still at work, in the DAG run {run.worked_by}: wait until it ends, or stop it; nothing "
        "was changed",
        problem="run_at_work",
        run_id=run.run_id,
        dag_run_id=run.worked_by,
    )


def enter(run_id: UUID, state: State, is_live: IsLive, *, dag_run_id: str, stage: str, reopen: bool) -> None:
    """Called by each task before it works: from here on the run belongs to its DAG run.

    `reopen`: the task works on recordings and was cleared, so a closed run is opened again and its stop is lifted.
    Raises RunAtWork if another DAG run works on the run.
    """
    run = state.runs.get(run_id)
    refuse_if_at_work(run, is_live, dag_run_id=dag_run_id)
    if run.status in NOT_ENDED:
        if run.worked_by != dag_run_id:
            _if_moved(state.runs.take_over(run, worker=dag_run_id, stage=stage))
    elif reopen:
        _reopen(run, state, stage, dag_run_id)


def resume(run: Run, state: State, is_live: IsLive, *, dag_run_id: str) -> str | None:
    """Gives an ended or abandoned run to the DAG run that resumes it; a run that has it already keeps its stop.

    Returns the sentence of the stop that is lifted. Raises RunAtWork if another DAG run works on the run.
    """
    refuse_if_at_work(run, is_live, dag_run_id=dag_run_id)
    if run.status not in NOT_ENDED:
        detail = {"resumed_by": dag_run_id}
        _if_moved(_start(run, state, Stage.OPEN_RUN, dag_run_id, detail))
    elif run.worked_by != dag_run_id:
        _if_moved(state.runs.take_over(run, worker=dag_run_id, stage=Stage.OPEN_RUN))
    else:
        return None
    return run.stop


def refuse_if_stopped(run_id: UUID, state: State) -> None:
    """Raises StopRun if the run was stopped. A worker asks this before each recording."""
    reason = state.runs.get(run_id).stop
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


def reopen_if_unpublished(run_id: UUID, state: State, *, dag_run_id: str, stage: str) -> None:
    """For `publish`: a run that ended in error because its files could not be written is judged again.

    Any other end stays as it is, however often its files are written again.
    """
    run = state.runs.get(run_id)
    if run.status is RunStatus.ERROR and run.failed_step == Stage.PUBLISH:
        _reopen(run, state, stage, dag_run_id)


def _reopen(run: Run, state: State, stage: str, dag_run_id: str) -> None:
    _if_moved(_start(run, state, stage, dag_run_id, {"reopened": "task cleared"}))


def _start(run: Run, state: State, stage: str, dag_run_id: str, detail: dict[str, str]) -> bool:
    return state.runs.move(
        run.run_id, RunStatus.RUNNING, expected={run.status}, stage=stage, worker=dag_run_id, detail=detail
    )


def _if_moved(done: bool) -> None:
    if not done:
        raise RunMoved("the run has changed since this task read it")
