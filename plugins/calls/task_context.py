"""What surrounds the work of every task: the state, the run's note, the stop, and what Airflow knows of the run.

Imported inside tasks only, like `plugins/calls/tasks.py`.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.steps import publish as publish_step
from include.calls.steps import run_lifecycle as stop
from include.common.errors import ExportError, StopRun, Throttled
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.calls import slack_messages as alerts
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import StateHook
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.calls.state.state import State

log = logging.getLogger(__name__)


def note_run(context: "Context", run_id: str, sentence: str) -> None:
    """The sentence first: the UI shows about a hundred characters. The id is what `make resume` asks for."""
    note(context, f"{sentence} run_id {run_id}")


def note(context: "Context", text: str) -> None:
    AirflowApiHook().set_note(context["dag_run"].dag_id, context["dag_run"].run_id, text)


@contextmanager
def told(context: "Context", phase: str) -> Iterator[None]:
    """A failure's sentence goes to the run's note as well as to the log."""
    try:
        yield
    except Throttled:
        raise
    except ExportError as error:
        note(context, f"{context['ti'].task_id}: {phase} — {error}")
        raise


@contextmanager
def step(context: "Context", run_id: str, stage: str, phase: str) -> "Iterator[State]":
    """The state, open for one step; a StopRun ends the whole run once."""
    with told(context, phase), StateHook().get_conn() as state:
        reopen_if_cleared(context, run_id, state, stage)
        state.note_run(UUID(run_id), {"phase": phase})
        try:
            yield state
        except StopRun as error:
            stop.stop_run(UUID(run_id), error, state, stage=stage)
            raise
        finally:
            alerts.low_rate_switched(context, run_id)


@contextmanager
def batch_of(context: "Context", run_id: str, batch: int, stage: str, phase: str) -> "Iterator[State]":
    """One stage of one batch: named in the grid, refused where the run was stopped, progress in the note."""
    fields: Any = context  # the label is an extra key that map_index_template reads
    fields["batch_label"] = f"пачка {batch}"
    with step(context, run_id, stage, phase) as state:
        facts = state.batch_facts(UUID(run_id), batch)
        fields["batch_label"] = f"пачка {batch}: {facts.records} записей, {facts.minutes:.0f} мин"
        stop.refuse_if_stopped(UUID(run_id), state)
        try:
            yield state
        finally:
            try:
                note_run(context, run_id, f"{capital(state.progress_sentence(UUID(run_id)))}.")
                if stage != Stage.DOWNLOAD:
                    _show_registry(run_id, state)
            except Exception as error:  # what became of the batch stays what it is: a StopRun must reach `step`
                log.warning("the run's progress was not shown: %s", type(error).__name__)


def _show_registry(run_id: str, state: "State") -> None:
    """The registry as far as the run has come. Nobody's batch fails for it: `publish` writes the last one."""
    try:
        publish_step.publish_live(UUID(run_id), state, StorageHook().get_conn(), load_run_policy())
    except (ExportError, OSError) as error:
        log.warning("the registry was not written in mid-run, publish will do it: %s", error)


def reopen_if_cleared(context: "Context", run_id: str, state: "State", stage: str) -> None:
    """A task on records, cleared after its run had closed, opens the run again, or it could never end better.

    `publish` and `close_run` never do it: they are cleared to write a closed run's files again.
    """
    if is_fresh(context):
        stop.reopen_if_closed(UUID(run_id), state, stage=stage)


def is_fresh(context: "Context") -> bool:
    """True on the task's first try and on the first one after somebody cleared it.

    Clearing raises `max_tries` by the task's retries; a retry leaves it alone.
    """
    ti = context["ti"]
    return bool(ti.try_number == ti.max_tries - (context["task"].retries or 0) + 1)


def is_low_rate(state: "State", run_id: str) -> bool:
    run = state.run(UUID(run_id))
    return bool(run and run.metadata.get("low_rate"))


def failed_upstream(context: "Context", names: Sequence[str]) -> str | None:
    """The first task that every call depends on and that did not succeed, from Airflow's own record."""
    states = task_states(context, names)
    return next((name for name in names if states.get(name) != "success"), None)


def task_states(context: "Context", names: Sequence[str]) -> dict[str, str]:
    """States of unmapped tasks of this DAG run; a task that has none yet is left out."""
    dag_run = context["dag_run"]
    found: dict[str, dict[str, str]] = context["ti"].get_task_states(
        dag_id=dag_run.dag_id, task_ids=list(names), run_ids=[dag_run.run_id]
    )
    return found.get(dag_run.run_id, {})


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
