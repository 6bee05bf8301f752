"""Every call of the period becomes a row (D9): nothing is filtered away, nothing collapses (D8)."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.state.state import State
from include.calls.steps.paths import period_of, run_of
from include.common.errors import BadRow
from include.common.telephony import Call, Listed, TelephonySystem

ROWS_AT_ONCE = 2_500  # one transaction and one request for new employees


def list_calls(run_id: UUID, telephony: TelephonySystem, state: State) -> int:
    """Registers the period's calls and remembers the system's own total for the proof of coverage; returns the rows.

    A resumed run whose listing had ended is not listed again: its period is over for it.
    """
    run = run_of(run_id, state)
    if run.metadata.get("listed") is not None:
        return int(run.metadata["listed"])
    period = period_of(run)
    total = telephony.count_calls(period)
    names: dict[str, str] = {}
    listed = bad = shared = 0
    most = int(run.metadata.get("limit_calls") or 0)
    for rows in gathered(limited(telephony.list_calls(period, total=total), most)):
        calls = [row for row in rows if isinstance(row, Call)]
        bad_rows = [row for row in rows if isinstance(row, BadRow)]
        _learn_names(telephony, calls, names)
        shared += state.save_calls(run_id, calls, names).shared
        listed += len(rows)
        bad += len(bad_rows)
        for error in bad_rows:
            state.event(
                run_id, stage=Stage.LIST_CALLS, event="bad_row", error_code=error.code, detail={"reason": str(error)}
            )
    if listed != total and not most:  # calls came or went while they were listed
        total = telephony.count_calls(period)
    found = {"portal_total": total, "bad_rows": bad, "shared": shared}
    state.note_run(run_id, {"listed": listed, **found})
    state.note_operating(run_id, telephony.server_seconds)
    state.event(run_id, stage=Stage.LIST_CALLS, event="listed", detail={"rows": listed, **found})
    return listed


def limited(pages: Iterable[list[Listed]], recordings: int) -> Iterator[list[Listed]]:
    """All pages, or rows up to the N-th one with a recording: a trial of five calls should give five texts."""
    left = recordings
    for page in pages:
        if not recordings:
            yield page
            continue
        kept: list[Listed] = []
        for row in page:
            kept.append(row)
            left -= isinstance(row, Call) and row.has_recording
            if left <= 0:
                break
        yield kept
        if left <= 0:
            return


def gathered(pages: Iterable[list[Listed]], most: int = ROWS_AT_ONCE) -> Iterator[list[Listed]]:
    """Pages put together until they hold `most` rows or more."""
    rows: list[Listed] = []
    for page in pages:
        rows += page
        if len(rows) >= most:
            yield rows
            rows = []
    if rows:
        yield rows


def _learn_names(telephony: TelephonySystem, calls: list[Call], names: dict[str, str]) -> None:
    unknown = {call.employee_id for call in calls if call.employee_id} - names.keys()
    if unknown:
        found = telephony.employee_names(unknown)
        names.update({employee: found.get(employee, "") for employee in unknown})
