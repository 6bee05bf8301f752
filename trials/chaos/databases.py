"""Queries on both databases of a system whose PostgreSQL is being killed."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from include.calls.names import DAG_ID
from include.common.errors import ExportError

RECONNECT_SECONDS = 180.0  # longer than any restart that would still be a success
RETRY_SECONDS = 0.5

RUNNING_TASK = """
SELECT task_id, map_index FROM task_instance WHERE id = %(id)s::uuid AND state = 'running' AND dag_id = %(dag)s
"""
# A task's tries: the present one and those that ended.
TRIES = """
SELECT task_id, map_index, try_number, start_date, queued_dttm, state = 'success' FROM task_instance
 WHERE run_id = %(run)s
 UNION
SELECT task_id, map_index, try_number, start_date, queued_dttm, state = 'success' FROM task_instance_history
 WHERE run_id = %(run)s
"""
# Moves of recordings; the event has the name of the new status.
MOVES = "SELECT at FROM call_events WHERE run_id = %(run)s AND call_id IS NOT NULL ORDER BY at"
TEXTS_TWICE = """
SELECT count(*) FROM (
    SELECT call_id, record_id FROM call_events
     WHERE run_id = %(run)s AND stage = 'transcribe' AND event = 'completed' AND NOT detail ? 'same_bytes_as'
     GROUP BY call_id, record_id HAVING count(*) > 1) AS twice
"""
RECORDS = """
SELECT call_id, record_id, status, raw_path, checksum, transcript_path FROM call_records WHERE run_id = %(run)s
"""


@dataclass(frozen=True, slots=True)
class Try:
    """One try of one task; `index` is the mapped batch's, -1 for a task of the whole run."""

    task: str
    index: int
    number: int
    started_at: datetime | None
    queued_at: datetime | None
    succeeded: bool | None = False


@dataclass(frozen=True, slots=True)
class Record:
    call_id: str
    record_id: str
    status: str
    raw_path: str | None
    checksum: str | None
    transcript_path: str | None


class Databases:
    """Each query uses a new connection and is repeated while the server is down."""

    def __init__(self, state_url: str, metadata_url: str) -> None:
        self._state, self._metadata = state_url, metadata_url

    def respond(self) -> bool:
        """Waits until the state responds."""
        return bool(_ask(self._state, "SELECT true"))

    def export_run(self) -> tuple[UUID, str, str] | None:
        """(run_id, dag_run_id, status) of the only run; None until it is opened."""
        rows = _ask(self._state, "SELECT run_id, dag_run_id, status FROM call_exports")
        return rows[0] if rows else None

    def dag_run_state(self) -> str:
        """Airflow's state of the only DAG run; empty until there is one."""
        rows = _ask(self._metadata, "SELECT state FROM dag_run WHERE dag_id = %(dag)s", dag=DAG_ID)
        return str(rows[0][0]) if rows else ""

    def task_of(self, instance: str) -> tuple[str, int] | None:
        """(task, index) by the id in the title of a process; None where that try is over or not of the export."""
        rows = _ask(self._metadata, RUNNING_TASK, id=instance, dag=DAG_ID)
        return (str(rows[0][0]), int(rows[0][1])) if rows else None

    def tries(self, dag_run_id: str) -> list[Try]:
        return [Try(*row) for row in _ask(self._metadata, TRIES, run=dag_run_id)]

    def moves(self, run_id: UUID) -> list[datetime]:
        return [at for (at,) in _ask(self._state, MOVES, run=run_id)]

    def texts_twice(self, run_id: UUID) -> int:
        return int(_ask(self._state, TEXTS_TWICE, run=run_id)[0][0])

    def records(self, run_id: UUID) -> list[Record]:
        return [Record(*row) for row in _ask(self._state, RECORDS, run=run_id)]


def _ask(url: str, question: str, **values: Any) -> list[tuple[Any, ...]]:
    deadline = time.monotonic() + RECONNECT_SECONDS
    while True:
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=5, options="-c timezone=UTC") as connection:
                return connection.execute(question.encode(), values).fetchall()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise ExportError(f"PostgreSQL has not responded for {RECONNECT_SECONDS:.0f} s") from None
            time.sleep(RETRY_SECONDS)
