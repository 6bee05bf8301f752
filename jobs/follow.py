"""Follows a run: a progress bar with recordings, minutes and money, then how it ended."""

from collections.abc import Callable
from typing import Any

from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from include.calls.state.state import State
from include.calls.state.types import RunProgress
from include.calls.wording import command_line
from include.common.errors import ExportError
from jobs.airflow_api import AirflowApi

POLL_SECONDS = 1.0
LONGEST_SILENCE_SECONDS = 300.0
ENDED = {"success", "failed"}


def follow(
    api: AirflowApi,
    dag_run_id: str,
    conninfo: dict[str, Any],
    *,
    resumed: str | None,
    key: str | None = None,
    sleep: Callable[[float], None],
    console: Console | None = None,
) -> int:
    """Shows progress until the DAG run has ended; 0 where the export run is `completed`, else 1."""
    console = console or Console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    lost = 0.0
    now: RunProgress | None = None
    shown: str | None = None
    with Progress(*columns, console=console) as bar, State.open(make_conninfo(**conninfo)) as state:
        line = bar.add_task(command_line.WAITING_FOR_AIRFLOW, total=None, numbers="")
        while True:
            try:
                dag_run = api.state(dag_run_id)
                now = state.runs.following(dag_run_id, run_id=resumed, key=key)
                lost = 0.0
            except ExportError:
                # the run goes on without this command: Airflow and PostgreSQL may be restarting
                lost += POLL_SECONDS
                if lost > LONGEST_SILENCE_SECONDS:
                    raise ExportError(
                        f"Airflow or PostgreSQL does not answer; {dag_run_id} may go on without this command",
                        problem="lost_sight_of_run",
                        dag_run_id=dag_run_id,
                    ) from None
                dag_run = ""
            if now is not None:
                if now.asked_cost and now.asked_cost != shown:
                    question = command_line.waiting_for_decision(now.asked_cost, api.question_url(dag_run_id))
                    console.print(question, markup=False, highlight=False, soft_wrap=True)
                shown = now.asked_cost
                numbers = command_line.progress_numbers(now.minutes, now.spent, now.errors)
                bar.update(
                    line,
                    description=now.phase or dag_run,
                    completed=now.done,
                    total=now.recordings or None,
                    numbers=numbers,
                )
            if dag_run in ENDED:
                break
            sleep(POLL_SECONDS)
    return show_end(api, dag_run_id, now, console)


def show_end(api: AirflowApi, dag_run_id: str, last: RunProgress | None, console: Console) -> int:
    note = api.note(dag_run_id)
    if note:
        console.print(note, markup=False, highlight=False)
    if last is None:
        console.print(command_line.REFUSED_BEFORE_REGISTERED, markup=False)
        return 1
    console.print(command_line.ended(last.run_id, last.status), markup=False, highlight=False)
    if last.status == "cancelled":
        console.print(command_line.cancelled(last.run_id), markup=False, highlight=False, soft_wrap=True)
    return 0 if last.status == "completed" else 1
