"""One record's move from state to state: guarded, with its event, in one statement."""

from collections.abc import Set
from typing import Any, Unpack
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from include.calls.domain.states import RECORD_MOVES, UNFINISHED, RecordStatus
from include.calls.state.listing import Listings
from include.calls.state.rows import RecordColumns, RecordRow
from include.calls.state.runs import refuse_unlisted
from include.calls.state.session import storable
from include.common.errors import ExportError

BEFORE_WORK = {RecordStatus.DOWNLOADING: RecordStatus.PENDING, RecordStatus.TRANSCRIBING: RecordStatus.DOWNLOADED}

# Whoever begins to work on a record pays for it, so an earlier owner of its text is forgotten, with what that one paid;
# what the record itself paid is kept beside the new price. A text's price covers its pieces; a text that cost nothing
# (the portal's) leaves those that were bought before it. A stage that was passed
# clears the failure: the 24 hours of D18 count from the first failure of what is failing now. A stage that was ended,
# well or not, took the time since the recording was taken in hand; work taken back from a dead task is not counted.
_MOVE = """
WITH old AS (
    SELECT status, updated_at FROM call_records
     WHERE run_id = {run_id} AND call_id = {call_id} AND record_id = {record_id} AND status = ANY({expected})
       FOR UPDATE
), moved AS (
    UPDATE call_records own
       SET status = {to}, updated_at = now(), attempts = own.attempts + {attempts_plus},
           error_code = CASE WHEN {passed} THEN NULL ELSE coalesce({error_code}, error_code) END,
           error_message = CASE WHEN {passed} THEN NULL ELSE coalesce({error_message}, error_message) END,
           first_failed_at = CASE WHEN {passed} THEN NULL
                                  WHEN {counts} THEN coalesce(first_failed_at, now())
                                  ELSE first_failed_at END,
           spent_earlier = spent_earlier + CASE WHEN {begins} AND reused_from_run_id IS NULL THEN coalesce(cost, 0)
                                                WHEN {free} THEN spent_unfinished ELSE 0 END,
           spent_unfinished = CASE WHEN {has_text} THEN 0 ELSE spent_unfinished END,
           reused_from_run_id = CASE WHEN {begins} THEN NULL ELSE reused_from_run_id END{columns}
      FROM old
     WHERE own.run_id = {run_id} AND own.call_id = {call_id} AND own.record_id = {record_id}
    RETURNING old.status AS was,
              CASE WHEN old.status = ANY({at_work}) AND {ends}
                   THEN (extract(epoch FROM clock_timestamp() - old.updated_at) * 1000)::integer END AS took_ms
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, duration_ms, error_code, detail)
SELECT {run_id}, {call_id}, {record_id}, {stage}, {to}, took_ms, {error_code},
       jsonb_build_object('from', was) || {detail}
  FROM moved
"""


class Moves(Listings):
    """Every move of a single record goes through here."""

    def move_record(
        self,
        run_id: UUID,
        call_id: str,
        record_id: str,
        to: RecordStatus,
        *,
        expected: Set[RecordStatus],
        stage: str,
        error: ExportError | None = None,
        attempts_plus: int = 0,
        **columns: Unpack[RecordColumns],
    ) -> bool:
        """False where the record is in none of the `expected` states any more: somebody else has moved it.

        `error` fills error_code and error_message; it starts the clock of D18 only if it counts as an attempt.
        Reaching `downloaded` or `completed` without one clears them. ValueError for a move the state machine lacks.
        """
        refuse_unlisted(expected, to, RECORD_MOVES)
        unknown = columns.keys() - RecordColumns.__annotations__.keys()
        if unknown:
            raise ValueError(f"no columns of RecordColumns: {', '.join(sorted(unknown))}")
        begins, has_text = to in BEFORE_WORK, to is RecordStatus.COMPLETED
        ends_download = RecordStatus.DOWNLOADING in expected
        if begins:
            columns["cost"] = None  # `spent_earlier` has it
        message = storable(str(error)) if error else None
        values: dict[str, Any] = {
            "run_id": run_id,
            "call_id": call_id,
            "record_id": record_id,
            "to": to,
            "expected": sorted(expected),
            "stage": stage,
            "error_code": error.code if error else None,
            "error_message": message,
            "attempts_plus": attempts_plus,
            "passed": error is None and (has_text or (to is RecordStatus.DOWNLOADED and ends_download)),
            "counts": error is not None and attempts_plus > 0,
            "begins": begins,
            "has_text": has_text,
            "free": has_text and not columns.get("cost"),
            "at_work": sorted(BEFORE_WORK),
            "ends": to not in UNFINISHED or (to is RecordStatus.DOWNLOADED and ends_download),
            "detail": Jsonb(({"reason": message} if message else {}) | _bought(columns)),
        }
        with self._single() as connection:
            return connection.execute(_statement(values, columns), {**values, **columns}).rowcount == 1

    def move_to_work(self, record: RecordRow, to: RecordStatus, *, stage: str) -> bool:
        """Takes a record in hand: pending -> downloading, downloaded -> transcribing. False where another has it."""
        return self.move_record(*(record.run_id, *record.key), to, expected={BEFORE_WORK[to]}, stage=stage)


def _bought(columns: RecordColumns) -> dict[str, str]:
    """What a text has cost, kept in the history too: the row has the price of its last text only."""
    return {
        name: str(columns[name])
        for name in ("cost", "audio_sec")
        if columns.get("cost") is not None and name in columns
    }


_CASTS = {
    "error_code": "text",
    "error_message": "text",
    "to": "text",
    "stage": "text",
    "passed": "bool",
    "ends": "bool",
}


def _statement(values: dict[str, Any], columns: RecordColumns) -> sql.Composed:
    def parameter(name: str) -> sql.Composable:
        cast = sql.SQL("::{}").format(sql.Identifier(_CASTS[name])) if name in _CASTS else sql.SQL("")
        return sql.SQL("{}{}").format(sql.Placeholder(name), cast)

    assignments = [sql.SQL(", {} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in sorted(columns)]
    return sql.SQL(_MOVE).format(**{name: parameter(name) for name in values}, columns=sql.SQL("").join(assignments))
