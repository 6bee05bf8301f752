"""Where a record's files live; one way to say it for every step."""

from include.clients.state.rows import RecordRow, Run
from include.domain.naming import RecordKeys
from include.domain.periods import Period


def period_of(run: Run) -> Period:
    return Period(run.period_from, run.period_to)


def keys_of(record: RecordRow, run: Run) -> RecordKeys:
    return RecordKeys(
        period=period_of(run),
        call_id=record.call_id,
        record_id=record.record_id,
        started_at=record.call_started_at,
        several=record.several,
    )
