"""Follows a run: a progress bar with recordings, minutes and money, then how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from include.calls.wording import command_line
from include.common.errors import ExportError
from jobs.airflow_api import AirflowApi

POLL_SECONDS = 1.0
LONGEST_SILENCE_SECONDS = 300.0
ENDED = {"success", "failed"}

PROGRESS_SQL = """
SELECT e.run_id::text, e.status, e.metadata ->> 'phase' AS phase, e.metadata ->> 'asked_cost' AS asked_cost,
       count(r.*) FILTER (WHERE r.status NOT IN ('no_recording')) AS recordings,
       count(r.*) FILTER (WHERE r.status IN ('completed', 'error', 'missing_audio')) AS done,
       count(r.*) FILTER (WHERE r.status = 'error') AS errors,
       coalesce(sum(r.audio_sec) FILTER (WHERE r.status = 'completed'), 0) / 60 AS minutes,
       coalesce(sum(r.spent), 0) AS spent
  FROM call_exports e LEFT JOIN call_records r USING (run_id)
 WHERE e.dag_run_id = %(dag_run_id)s OR e.run_id = %(run_id)s::uuid OR e.idempotency_key = %(key)s::text
 GROUP BY e.run_id
"""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """`recordings` counts calls that have one; `minutes` of recognised audio; `spent` in USD by this run.

    `asked_cost` (USD) is the sum whose approval the run waits for, None if it waits for none.
    """

    run_id: str
    status: str
    phase: str | None
    asked_cost: str | None
    recordings: int
    done: int
    errors: int
    minutes: float
    spent: float


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
    with Progress(*columns, console=console) as bar:
        line = bar.add_task(command_line.WAITING_FOR_AIRFLOW, total=None, numbers="")
        while True:
            try:
                state = api.state(dag_run_id)
                now = progress(conninfo, dag_run_id, resumed, key)
                lost = 0.0
            except (ExportError, psycopg.OperationalError):
                # the run goes on without this command: Airflow and PostgreSQL may be restarting
                lost += POLL_SECONDS
                if lost > LONGEST_SILENCE_SECONDS:
                    raise ExportError(
                        f"Airflow or PostgreSQL does not answer; {dag_run_id} may go on without this command",
                        problem="lost_sight_of_run",
                        dag_run_id=dag_run_id,
                    ) from None
                state = ""
            if now is not None:
                if now.asked_cost and now.asked_cost != shown:
                    question = command_line.waiting_for_decision(now.asked_cost, api.question_url(dag_run_id))
                    console.print(question, markup=False, highlight=False, soft_wrap=True)
                shown = now.asked_cost
                numbers = command_line.progress_numbers(now.minutes, now.spent, now.errors)
                bar.update(
                    line,
                    description=now.phase or state,
                    completed=now.done,
                    total=now.recordings or None,
                    numbers=numbers,
                )
            if state in ENDED:
                break
            sleep(POLL_SECONDS)
    return show_end(api, dag_run_id, now, console)


def progress(
    conninfo: dict[str, Any], dag_run_id: str, run_id: str | None, key: str | None = None
) -> RunProgress | None:
    """None until the run is registered. `key` finds the run that had the idempotency key first."""
    with (
        psycopg.connect(**conninfo, autocommit=True, connect_timeout=5) as conn,
        conn.cursor(row_factory=class_row(RunProgress)) as cursor,
    ):
        parameters = {"dag_run_id": dag_run_id, "run_id": run_id, "key": key}
        return cursor.execute(PROGRESS_SQL, parameters).fetchone()


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
