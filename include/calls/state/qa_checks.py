"""The table `call_qa_checks`."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from include.calls.domain.qa_sample import QaCheck
from include.calls.state.session import statement, storable

_FILE = "qa"


def record_check(conn: Connection[Any], run_id: UUID, check: QaCheck, *, by: str) -> bool | None:
    """True where something new was said, False where it was known; None where the run has no such text."""
    parameters = {
        "run_id": run_id,
        "call_id": check.call_id,
        "record_id": check.record_id,
        "result": check.result,
        "comment": storable(check.comment),
        "checked_by": storable(by),
    }
    row = conn.execute(statement(_FILE, "record_check"), parameters).fetchone()
    assert row is not None
    there, changed = row
    return bool(changed) if there else None


def recordings_of_call(conn: Connection[Any], run_id: UUID, call_id: str) -> list[str]:
    """Names of the call's recordings that have a text."""
    found = conn.execute(statement(_FILE, "recordings_of_call"), {"run_id": run_id, "call_id": call_id}).fetchall()
    return [record_id for (record_id,) in found]


def last_dag_run(conn: Connection[Any], run_id: UUID) -> str:
    """The DAG run whose `publish` writes this run's report."""
    row = conn.execute(statement(_FILE, "last_dag_run"), {"run_id": run_id}).fetchone()
    assert row is not None
    return str(row[0])
