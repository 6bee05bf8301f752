"""How often a batch's summaries have failed: counted from the history, because the records themselves are completed."""

from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from include.calls.state.rows import RecordKey
from include.calls.state.session import statement


class SummaryFailures(NamedTuple):
    """`final` says that it is not to be tried again before somebody starts the batch afresh."""

    times: int
    final: bool


def summary_failures(
    connection: Connection[Any], run_id: UUID, batch_no: int, *, stage: str
) -> dict[RecordKey, SummaryFailures]:
    """By record; those that never failed are absent. `connection` is that of `State.transaction()`."""
    parameters = {"run_id": run_id, "batch_no": batch_no, "stage": stage}
    rows = connection.execute(statement("summaries", "summary_failures"), parameters).fetchall()
    return {RecordKey(call_id, record_id): SummaryFailures(times, final) for call_id, record_id, times, final in rows}
