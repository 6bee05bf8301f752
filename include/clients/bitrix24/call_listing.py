"""Every row of the call statistics of a period, once each. Facts: `voximplant.statistic.get`, `huge-data` (vendor).

By keyset: IDs ascend, each page asks for IDs above the last one, up to 50 pages are chained in one request, and
nothing is counted. Rows that appear meanwhile get higher IDs, so they shift nothing and come at the end. A portal
that ignores the keyset is recognised by IDs that do not ascend, or by rows missing from its own total at the end;
then the rest is read by plain offsets until the rows agree with the total.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from include.clients.bitrix24.batch_request import Command
from include.clients.bitrix24.portal import BATCH_SIZE, BatchResponse, Portal
from include.clients.bitrix24.portal_errors import export_error
from include.clients.bitrix24.responses import Response, unknown_form, whole_number
from include.common.errors import ContractBroken
from include.common.periods import Period

METHOD = "voximplant.statistic.get"
PAGE_SIZE = 50
_OFFSET_PASSES = 3
_BY_ID = {"SORT": "ID", "ORDER": "ASC"}  # strings: the portal silently ignores any other form

Row = dict[str, Any]


def count_rows(portal: Portal, period: Period) -> int:
    """The portal's own total of the period, to which the listing is compared."""
    return _total(_offset_page(portal, period, 0))


def list_rows(portal: Portal, period: Period, *, total: int | None = None) -> Iterator[list[Row]]:
    """Pages of raw rows, each row exactly once; `total` saves a request if the caller has counted already.

    A row without a usable ID or date is yielded as it came: the caller counts it as a bad row. Raises ContractBroken
    for a row outside the period, and if the rows cannot be made to agree with the portal's total.
    """
    expected = count_rows(portal, period) if total is None else total
    seen = _Seen(period)
    understood = yield from _by_keyset(portal, seen, expected)
    if not understood or len(seen.keys) < expected:
        yield from _by_offset(portal, seen)


@dataclass
class _Seen:
    period: Period
    keys: set[int | str] = field(default_factory=set)

    def new(self, rows: list[Row]) -> list[Row]:
        """The rows that were not seen before; raises ContractBroken for one that was not asked for."""
        new = []
        for row in rows:
            _check_period(row, self.period)
            key = _key(row)
            if key not in self.keys:
                self.keys.add(key)
                new.append(row)
        return new


def _by_keyset(portal: Portal, seen: _Seen, expected: int) -> Generator[list[Row], None, bool]:
    """Ends at a page that is not full; returns False if the portal turns out to ignore the keyset."""
    cursor = 0
    limit = portal.refusal_limit()
    while True:
        pages = min(BATCH_SIZE, max(0, expected - len(seen.keys)) // PAGE_SIZE + 1)
        response = portal.batch_once(_chain(seen.period, cursor, pages), limit)
        for rows in _arrived_pages(response, pages):
            ids = [identity for row in rows if (identity := whole_number(row.get("ID"))) is not None]
            if not _ascending([cursor, *ids]) or (rows and not ids):
                return False
            yield from _unless_empty(seen.new(rows))
            if len(rows) < PAGE_SIZE:
                return True
            cursor = ids[-1]
            if whole_number(rows[-1].get("ID")) is None:
                break  # the rest of the chain started from this row's ID
        limit = portal.refusal_limit() if response.results else limit


def _by_offset(portal: Portal, seen: _Seen) -> Iterator[list[Row]]:
    """A row that disappears meanwhile shifts others onto pages already read, so such a pass is repeated."""
    total = 0
    for _ in range(_OFFSET_PASSES):
        start: int | None = 0
        totals = []
        while start is not None:
            response = _offset_page(portal, seen.period, start)
            yield from _unless_empty(seen.new(_rows(response.result)))
            if response.next is not None and response.next <= start:
                raise unknown_form(METHOD, "the portal's next page is not after this one")
            start, total = response.next, _total(response)
            totals.append(total)
        if len(seen.keys) >= total and totals == sorted(totals):
            return
    raise ContractBroken(
        f"{METHOD}: the portal counts {total} calls in the period but lists {len(seen.keys)}",
        problem="portal_total_differs",
        total=total,
        listed=len(seen.keys),
    )


def _chain(period: Period, cursor: int, pages: int) -> dict[str, Command]:
    """Page p1 starts after the last row of page p0, and so on: the portal fills in the references itself."""
    starts = [cursor, *(f"$result[p{page}][{PAGE_SIZE - 1}][ID]" for page in range(pages - 1))]
    return {
        f"p{page}": (METHOD, {"FILTER": {**_window(period), ">ID": after}, **_BY_ID, "start": -1})
        for page, after in enumerate(starts)
    }


def _arrived_pages(response: BatchResponse, pages: int) -> Iterator[list[Row]]:
    """In order, up to the first page that the portal postponed; raises the portal's error for one that failed."""
    for key in (f"p{page}" for page in range(pages)):
        if key in response.errors:
            raise export_error(response.errors[key], METHOD)
        if key not in response.results:
            return
        yield _rows(response.results[key])


def _offset_page(portal: Portal, period: Period, start: int) -> Response:
    return portal.call(METHOD, {"FILTER": _window(period), **_BY_ID, "start": start})


def _window(period: Period) -> dict[str, str]:
    return {
        ">=CALL_START_DATE": period.start.isoformat(timespec="seconds"),
        "<=CALL_START_DATE": period.end.isoformat(timespec="seconds"),
    }


def _total(response: Response) -> int:
    if response.total is None:
        raise unknown_form(METHOD, "the portal did not count its calls")
    return response.total


def _rows(result: Any) -> list[Row]:
    if not isinstance(result, list) or not all(isinstance(row, dict) for row in result):
        raise unknown_form(METHOD, "the portal's page is no list of rows")
    return result


def _check_period(row: Row, period: Period) -> None:
    """The portal silently drops filters that it does not understand, and then returns its whole history."""
    try:
        started = datetime.fromisoformat(str(row.get("CALL_START_DATE")))
    except ValueError:
        return  # a bad row, which the caller counts
    if started.tzinfo is not None and not period.start <= started <= period.end:
        raise ContractBroken(
            f"{METHOD}: row {row.get('ID')!r} of {started.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC is outside the "
            "period that was asked for: the portal ignores the filter",
            problem="portal_ignores_filter",
        )


def _key(row: Row) -> int | str:
    identity = whole_number(row.get("ID"))
    return json.dumps(row, sort_keys=True) if identity is None else identity


def _ascending(ids: list[int]) -> bool:
    return all(before < after for before, after in pairwise(ids))


def _unless_empty(rows: list[Row]) -> Iterator[list[Row]]:
    if rows:
        yield rows
