"""The run of a step, and where a record's files live; one way to say it for every step."""

from uuid import UUID

from include.calls.domain.storage_keys import RecordKeys
from include.calls.state.rows import RecordRow, Run
from include.calls.state.state import State
from include.common.periods import Period


def run_of(run_id: UUID, state: State) -> Run:
    """A step is only ever started for a run that open_run has registered."""
    run = state.run(run_id)
    assert run is not None, f"no run {run_id}"
    return run


def period_of(run: Run) -> Period:
    return Period(run.period_from, run.period_to)


def part_name(run: Run) -> str:
    """See `naming.part_of`; fixed when the run was opened."""
    return str(run.metadata.get("part", ""))


def keys_of(record: RecordRow, run: Run) -> RecordKeys:
    return RecordKeys(
        period=period_of(run),
        call_id=record.call_id,
        record_id=record.record_id,
        started_at=record.call_started_at,
        several=record.several,
    )
