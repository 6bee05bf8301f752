"""Calls as the portal lists them become records: many at a time, as often as they are listed."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from psycopg import Connection

from include.calls.domain.stages import Stage
from include.calls.domain.states import RECORD_MOVES, RecordStatus
from include.calls.state.rows import Saved
from include.calls.state.runs import Runs, refuse_unlisted
from include.calls.state.session import statement, storable
from include.common.telephony import Call

_FILE = "listing"
_LATE = frozenset({RecordStatus.NO_RECORDING})  # whence a recording that arrives moves on
_UNTOUCHED = (RecordStatus.NO_RECORDING, RecordStatus.PENDING, RecordStatus.ERROR, RecordStatus.MISSING_AUDIO)
_CHUNK = 5_000  # rows per transaction: short enough to lose little, long enough that 100,000 calls take seconds


class Listings(Runs):
    """How the rows of `call_records` come to be."""

    def save_calls(
        self, run_id: UUID, calls: Iterable[Call], employees: Mapping[str, str], *, stage: str = Stage.LIST_CALLS
    ) -> Saved:
        """Registers the calls; `employees` maps the portal's user ids to names. The same calls again change nothing.

        One row of the portal's statistics is one record: its duration follows the portal, and a recording that has
        arrived since (D10) or got its final name moves in unless work on it has begun. One event tells the counts, and
        one more each recording that has arrived.
        """
        refuse_unlisted(_LATE, RecordStatus.PENDING, RECORD_MOVES)
        left = iter(calls)
        saved = Saved(0, 0, 0)
        while chunk := list(islice(left, _CHUNK)):
            with self.transaction() as connection:
                done = _save(connection, run_id, chunk, employees, stage)
            saved = Saved(*(before + now for before, now in zip(saved, done, strict=True)))
        self.event(run_id, stage=stage, event="calls_saved", detail=saved._asdict())
        return saved


def _save(
    connection: Connection[Any], run_id: UUID, calls: Iterable[Call], employees: Mapping[str, str], stage: str
) -> Saved:
    with connection.cursor() as cursor:
        cursor.execute(statement(_FILE, "create_incoming"))
        with cursor.copy(statement(_FILE, "copy_incoming")) as copy:
            for call in calls:
                copy.write_row(_incoming(call, employees))
        moves = {"untouched": list(_UNTOUCHED), "expected": sorted(_LATE), "to": RecordStatus.PENDING, "stage": stage}
        (changed,) = cursor.execute(statement(_FILE, "refresh_known"), {"run_id": run_id, **moves}).fetchall()[0]
        cursor.execute(statement(_FILE, "insert_new"), {"run_id": run_id})
        new = cursor.rowcount
        (shared,) = cursor.execute(statement(_FILE, "shared"), {"run_id": run_id}).fetchall()[0]
        cursor.execute(b"DROP TABLE incoming")  # inside somebody's transaction the next chunk needs the name
    return Saved(new, changed, shared)


def _incoming(call: Call, employees: Mapping[str, str]) -> tuple[object, ...]:
    offset = call.started_at.utcoffset()
    employee = (employees.get(call.employee_id) or None) if call.employee_id else None
    return (
        storable(call.call_id),
        storable(call.record_id),
        call.statistics_id,
        call.direction.value,
        storable(call.from_number),
        storable(call.to_number),
        storable(call.employee_id) if call.employee_id else None,
        storable(employee) if employee else None,
        call.started_at,
        call.duration_sec,
        storable(call.recording_url) if call.recording_url else None,
        storable(call.phone_line),
        int(offset.total_seconds()) if offset else 0,
        call.outcome.value,
        int(call.recording_ref) if call.recording_ref else None,
        call.has_recording,
    )
