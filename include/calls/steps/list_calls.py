"""Every call of the period becomes a row (D9): nothing is filtered away, nothing collapses (D8)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from include.calls.domain.call import PortalCall, call_from_row
from include.calls.domain.stages import Stage
from include.calls.state.state import State
from include.calls.steps.paths import period_of, run_of
from include.clients.bitrix24.call_listing import count_calls
from include.clients.bitrix24.call_listing import list_calls as listed_pages
from include.clients.bitrix24.employees import employee_names
from include.clients.bitrix24.portal import Portal
from include.common.errors import BadRow

ROWS_AT_ONCE = 2_500  # what one batch request of the portal brings: one transaction, one look for new employees


def list_calls(run_id: UUID, portal: Portal, state: State) -> int:
    """Registers the period's calls and remembers the portal's own total for the proof of coverage; returns the rows.

    A resumed run whose listing had ended is not listed again: its period is over for it.
    """
    run = run_of(run_id, state)
    if run.metadata.get("listed") is not None:
        return int(run.metadata["listed"])
    period = period_of(run)
    total = count_calls(portal, period)
    names: dict[str, str] = {}
    listed = bad = shared = 0
    most = int(run.metadata.get("limit_calls") or 0)
    for rows in gathered(limited(listed_pages(portal, period, total=total), most)):
        calls, bad_rows = read_rows(rows)
        _learn_names(portal, calls, names)
        shared += state.save_calls(run_id, calls, names).shared
        listed += len(rows)
        bad += len(bad_rows)
        for error in bad_rows:
            state.event(
                run_id, stage=Stage.LIST_CALLS, event="bad_row", error_code=error.code, detail={"reason": str(error)}
            )
    if listed != total and not most:  # calls came or went while they were listed
        total = count_calls(portal, period)
    found = {"portal_total": total, "bad_rows": bad, "shared": shared}
    state.note_run(run_id, {"listed": listed, **found})
    state.note_operating(run_id, portal.operating)
    state.event(run_id, stage=Stage.LIST_CALLS, event="listed", detail={"rows": listed, **found})
    return listed


def read_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[list[PortalCall], list[BadRow]]:
    """The rows that can be read and the refusals of those that can't; none is dropped silently."""
    calls: list[PortalCall] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            calls.append(call_from_row(row))
        except BadRow as error:
            bad.append(error)
    return calls, bad


def limited(pages: Iterable[list[dict[str, Any]]], recordings: int) -> Iterator[list[dict[str, Any]]]:
    """All pages, or rows up to the N-th one with a recording: a trial of five calls should give five texts."""
    left = recordings
    for page in pages:
        if not recordings:
            yield page
            continue
        kept: list[dict[str, Any]] = []
        for row in page:
            kept.append(row)
            left -= bool(row.get("RECORD_FILE_ID") or row.get("CALL_RECORD_URL"))
            if left <= 0:
                break
        yield kept
        if left <= 0:
            return


def gathered(pages: Iterable[list[dict[str, Any]]], most: int = ROWS_AT_ONCE) -> Iterator[list[dict[str, Any]]]:
    """Pages put together until they hold `most` rows or more."""
    rows: list[dict[str, Any]] = []
    for page in pages:
        rows += page
        if len(rows) >= most:
            yield rows
            rows = []
    if rows:
        yield rows


def _learn_names(portal: Portal, calls: list[PortalCall], names: dict[str, str]) -> None:
    unknown = {call.employee_id for call in calls if call.employee_id} - names.keys()
    if unknown:
        found = employee_names(portal, unknown)
        names.update({employee: found.get(employee, "") for employee in unknown})
