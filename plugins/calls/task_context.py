"""Shared setup and teardown of the tasks of `call_export`: the state, the run's note, a stop of the run, Slack."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.names import DAG_ID
from include.calls.wording import notes
from include.common.errors import ExportError, StopRun, Throttled
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.airflow_kit.task_instance import is_fresh, is_live
from plugins.calls import slack_messages
from plugins.hooks.calls_state import CallsStateHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.calls.state.state import State

log = logging.getLogger(__name__)


@contextmanager
def failure_noted(context: "Context", phase: str) -> Iterator[None]:
    """Writes an error's sentence into the run's note; the error goes on to Airflow and the log."""
    try:
        yield
    except Throttled:
        raise
    except ExportError as error:
        note(context, notes.failed(context["ti"].task_id, phase, error))
        raise


@contextmanager
def open_state(context: "Context", run_id: UUID, stage: Stage, *, phase: str | None = None) -> "Iterator[State]":
    """Setup of a task that works on the run's records: the state, the run's phase, and who hears of a failure.

    A closed run is opened again if the task was cleared. A run on which another DAG run works is left alone. A StopRun
    is stored in the run's row, which ends the other tasks at their next recording.
    """
    from include.calls.steps.run_lifecycle import stop_run

    phase = phase or notes.PHASES[stage]
    with failure_noted(context, phase), CallsStateHook().get_conn() as state:
        take_run(context, run_id, state, stage, reopen=is_fresh(context))
        state.runs.note(run_id, {"phase": phase})
        try:
            yield state
        except StopRun as error:
            stop_run(run_id, error, state, stage=stage)
            raise


def take_run(context: "Context", run_id: UUID, state: "State", stage: Stage, *, reopen: bool = False) -> None:
    """Raises RunAtWork if another DAG run works on the run; else the run belongs to this task's DAG run."""
    from include.calls.steps.run_lifecycle import enter

    ours = {"dag_run_id": context["dag_run"].run_id, "stage": stage}
    enter(run_id, state, partial(is_live, context, DAG_ID), **ours, reopen=reopen)


@contextmanager
def open_batch(context: "Context", run_id: UUID, batch: int, stage: Stage) -> "Iterator[State]":
    """Setup of a batch's task: `open_state`, the batch's name in the grid, and a refusal if the run was stopped.

    The task calls `after_batch` before it leaves this block, whatever became of the batch.
    """
    from include.calls.steps.run_lifecycle import refuse_if_stopped

    fields: Any = context  # the label is an additional key that map_index_template reads
    fields["batch_label"] = notes.batch_label(batch)
    with open_state(context, run_id, stage) as state:
        facts = state.work.batch_facts(run_id, batch)
        fields["batch_label"] = notes.batch_label(batch, recordings=facts.records, minutes=facts.minutes)
        refuse_if_stopped(run_id, state)
        yield state


def after_batch(
    context: "Context", run_id: UUID, state: "State", *, show: "Callable[[UUID, State], object] | None" = None
) -> None:
    """Teardown of a batch's task: progress in the run's note, then `show`, then Slack.

    An error here is logged and never changes what became of the batch: above all, a StopRun must reach `open_state`.
    """
    try:
        note_run(context, run_id, notes.in_progress(state.runs.progress(run_id)))
        if show is not None:
            show(run_id, state)
    except Exception as error:
        log.warning("the run's progress was not shown: %s", type(error).__name__)
    slack_messages.low_rate_switched(context, run_id)


def note_run(context: "Context", run_id: UUID, sentence: str) -> None:
    note(context, notes.with_run_id(sentence, run_id))


def note(context: "Context", text: str) -> None:
    AirflowApiHook().set_note(context["dag_run"].dag_id, context["dag_run"].run_id, text)


def is_low_rate(state: "State", run_id: UUID) -> bool:
    return bool(state.runs.get(run_id).metadata.get("low_rate"))
