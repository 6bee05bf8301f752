"""What a running task asks Airflow about itself and about the tasks before it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context


def is_fresh(context: "Context") -> bool:
    """True on the task's first try and on the first try after a person cleared it.

    Clearing raises `max_tries` by the task's retries; a retry leaves it unchanged.
    """
    ti = context["ti"]
    return bool(ti.try_number == ti.max_tries - (context["task"].retries or 0) + 1)


def is_live(context: "Context", dag_id: str, dag_run_id: str) -> bool:
    """True if Airflow knows this DAG run and has not ended it."""
    return bool(context["ti"].get_dr_count(dag_id=dag_id, run_ids=[dag_run_id], states=["queued", "running"]))


def failed_upstream(context: "Context", task_ids: Sequence[str]) -> str | None:
    """The first of these tasks that did not succeed, by Airflow's own record; None where all did."""
    states = task_states(context, task_ids)
    return next((task_id for task_id in task_ids if states.get(task_id) != "success"), None)


def task_states(context: "Context", task_ids: Sequence[str]) -> dict[str, str]:
    """States of unmapped tasks of this DAG run; a task without a state yet is left out."""
    dag_run = context["dag_run"]
    found: dict[str, dict[str, str]] = context["ti"].get_task_states(
        dag_id=dag_run.dag_id, task_ids=list(task_ids), run_ids=[dag_run.run_id]
    )
    return found.get(dag_run.run_id, {})
