"""Listed calls become recordings: many at a time, any number of times."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from include.calls.domain.stages import Stage
from include.calls.domain.states import RECORD_MOVES, RecordStatus, refuse_unlisted
from include.calls.state.bulk_changes import bulk_change
from include.calls.state.types import Run, Saved
from include.common.postgres_session import Session, storable
from include.common.telephony import Call

if TYPE_CHECKING:
    from include.calls.domain.erasure_hashes import ErasedCalls

_FILE = "listing"
_LATE = frozenset({RecordStatus.NO_RECORDING})  # a recording that arrives moves on from here
_UNTOUCHED = (RecordStatus.NO_RECORDING, RecordStatus.PENDING, RecordStatus.ERROR, RecordStatus.MISSING_AUDIO)
_CHUNK = 5_000  # rows per transaction: a failure loses little, and 100,000 calls take seconds


class Listing:
    """How rows of `recordings` are created and follow the telephony system."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def save(
        self,
        run: Run,
        portal_id: int,
        calls: Iterable[Call],
        employees: Mapping[str, str],
        *,
        erased: Callable[[], "ErasedCalls"] | None = None,
        stage: str = Stage.LIST_CALLS,
    ) -> Saved:
        """Registers the calls; `employees` maps employee ids to names. The same calls again change nothing.

        Calls that were erased on a person's demand are counted and not stored. `erased` reads which ones those are; it
        is asked under the lock under which an erasure adds its tombstones.

        One row of the call statistics is one recording. Its figures follow the telephony system. A recording that has
        arrived late, or has got its final name, is updated unless work on it has begun. One event has the counts; each
        recording that has arrived late has its own.
        """
        refuse_unlisted(_LATE, RecordStatus.PENDING, RECORD_MOVES)
        left = iter(calls)
        saved = Saved(0, 0, 0, 0)
        while chunk := list(islice(left, _CHUNK)):
            with bulk_change(self._session) as connection:
                done = self._save(connection, run, portal_id, chunk, employees, stage, erased)
            saved = Saved(*(before + now for before, now in zip(saved, done, strict=True)))
        counts = Jsonb(saved._asdict())
        self._session.count(_FILE, "note_saved", run_id=run.run_id, stage=stage, detail=counts)
        return saved

    def _save(
        self,
        connection: Connection[Any],
        run: Run,
        portal_id: int,
        calls: Sequence[Call],
        employees: Mapping[str, str],
        stage: str,
        erased: Callable[[], "ErasedCalls"] | None,
    ) -> Saved:
        gone = erased() if erased else None
        kept = [call for call in calls if not (gone and gone.cover(call, call.started_at))]
        of_portal = {"portal_id": portal_id}
        moves = {"untouched": list(_UNTOUCHED), "expected": sorted(_LATE), "to": RecordStatus.PENDING}
        statement = self._session.statement
        with connection.cursor() as cursor:
            cursor.execute(statement(_FILE, "create_incoming"))
            cursor.execute(statement(_FILE, "clear_incoming"))
            with cursor.copy(statement(_FILE, "copy_incoming")) as copy:
                for call in kept:
                    copy.write_row(_incoming(call, employees))
            refreshing = {**of_portal, **moves, "run_id": run.run_id, "stage": stage}
            (changed,) = cursor.execute(statement(_FILE, "refresh_known"), refreshing).fetchall()[0]
            cursor.execute(statement(_FILE, "insert_new"), of_portal)
            new = cursor.rowcount
            (shared,) = cursor.execute(statement(_FILE, "shared"), of_portal).fetchall()[0]
        return Saved(new, changed, shared, len(calls) - len(kept))

    def note_gone(
        self,
        run: Run,
        portal_id: int,
        statistics_ids: Sequence[int],
        *,
        began_at: datetime,
        stage: str = Stage.LIST_CALLS,
    ) -> int:
        """After a whole listing of the run's period: marks recordings that were not listed (`gone_at`, event).

        `began_at` is when the listing began: rows that another run has listed since are not judged. Returns how many
        of the listed numbers are recordings: the figure that proves that the listing is complete.
        """
        with bulk_change(self._session):
            return self._session.count(
                _FILE,
                "note_gone",
                run_id=run.run_id,
                portal_id=portal_id,
                period_from=run.period_from,
                period_to=run.period_to,
                statistics_ids=list(statistics_ids),
                listing_began_at=began_at,
                stage=stage,
            )

    def analyze(self) -> None:
        """After many new rows: PostgreSQL's statistics do not know them until then."""
        self._session.count(_FILE, "analyze")


def _incoming(call: Call, employees: Mapping[str, str]) -> tuple[object, ...]:
    """The columns of the table `incoming`, in their order."""
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
        storable(call.outcome_code),
        storable(call.recording_ref) if call.recording_ref else None,
        call.has_recording,
    )
