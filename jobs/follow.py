"""The progress line: calls done / total, minutes, money, time left."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from include.common.errors import ExportError
from jobs.airflow_api import AirflowApi

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 300.0
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

    `asked_cost` (USD) is what a person is being asked to allow, None while nobody is.
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
    told: str | None = None
    with Progress(*columns, console=console) as bar:
        line = bar.add_task("waiting for Airflow", total=None, numbers="")
        while True:
            try:
                state = api.state(dag_run_id)
                now = progress(conninfo, dag_run_id, resumed, key)
                lost = 0.0
            except (ExportError, psycopg.OperationalError):
                # the run does not depend on who watches it: Airflow and PostgreSQL may be restarting
                lost += POLL_SECONDS
                if lost > PATIENCE_SECONDS:
                    raise ExportError(
                        f"Airflow or PostgreSQL does not answer; {dag_run_id} may go on without us"
                    ) from None
                state = ""
            if now is not None:
                if now.asked_cost and now.asked_cost != told:
                    question = f"waiting for approval of up to {now.asked_cost} USD: {api.question_url(dag_run_id)}"
                    console.print(question, markup=False, highlight=False, soft_wrap=True)
                told = now.asked_cost
                numbers = f"{now.minutes:.0f} min, ${now.spent:.4f}" + (f", {now.errors} errors" if now.errors else "")
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
    return tell_end(api, dag_run_id, now, console)


def progress(
    conninfo: dict[str, Any], dag_run_id: str, run_id: str | None, key: str | None = None
) -> RunProgress | None:
    """None until the run is registered. `key` finds the run that had the idempotency key first (D5)."""
    with (
        psycopg.connect(**conninfo, autocommit=True, connect_timeout=5) as conn,
        conn.cursor(row_factory=class_row(RunProgress)) as cursor,
    ):
        parameters = {"dag_run_id": dag_run_id, "run_id": run_id, "key": key}
        return cursor.execute(PROGRESS_SQL, parameters).fetchone()


def tell_end(api: AirflowApi, dag_run_id: str, last: RunProgress | None, console: Console) -> int:
    note = api.note(dag_run_id)
    if note:
        console.print(note, markup=False, highlight=False)
    if last is None:
        console.print("the run was refused before it was registered", markup=False)
        return 1
    console.print(f"run_id {last.run_id}: {last.status}", markup=False, highlight=False)
    if last.status == "cancelled":
        again = f"its cost was not approved and nothing more was spent; make resume RUN_ID={last.run_id} asks again"
        console.print(again, markup=False, highlight=False, soft_wrap=True)
    return 0 if last.status == "completed" else 1
