"""Every row of the call statistics of a period, once each (D6, D7). Facts: `voximplant.statistic.get`, `huge-data`.

By keyset: IDs ascending, each page asks for IDs above the last one, up to 50 pages chained in one request, nothing
counted. Rows that appear meanwhile get higher IDs, so they shift nothing and are met at the end. A portal that
ignores the keyset is noticed by IDs that do not ascend, or by rows missing from its own total at the end; then the
rest is taken by plain offsets, until what was seen agrees with the total.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from include.clients.bitrix24.batch_request import Command
from include.clients.bitrix24.portal import BATCH_SIZE, BatchAnswer, Portal
from include.clients.bitrix24.responses import Answer, ours, whole
from include.common.errors import ContractBroken
from include.common.periods import Period

METHOD = "voximplant.statistic.get"
PAGE_SIZE = 50
_OFFSET_PASSES = 3
_BY_ID = {"SORT": "ID", "ORDER": "ASC"}  # strings: anything else is silently ignored

Row = dict[str, Any]


def count_rows(portal: Portal, period: Period) -> int:
    """The portal's own total of the period: the coverage proof's other side."""
    return _total(_offset_page(portal, period, 0))


def list_rows(portal: Portal, period: Period, *, total: int | None = None) -> Iterator[list[Row]]:
    """Pages of raw rows, each row exactly once; `total` saves a request where the caller has counted already.

    A row without a usable ID or date is yielded as it came: the caller counts it as a bad row. Raises
    ContractBroken for a row outside the period, and where rows and the portal's total cannot be made to agree.
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

    def fresh(self, rows: list[Row]) -> list[Row]:
        """The rows not met before, now met; raises ContractBroken for one that was not asked for."""
        fresh = []
        for row in rows:
            _check_period(row, self.period)
            key = _key(row)
            if key not in self.keys:
                self.keys.add(key)
                fresh.append(row)
        return fresh


def _by_keyset(portal: Portal, seen: _Seen, expected: int) -> Generator[list[Row], None, bool]:
    """Ends at a page that is not full; returns False where the portal turns out to ignore the keyset."""
    cursor = 0
    patience = portal.patience()
    while True:
        pages = min(BATCH_SIZE, max(0, expected - len(seen.keys)) // PAGE_SIZE + 1)
        answer = portal.batch_once(_chain(seen.period, cursor, pages), patience)
        for rows in _pages_that_came(answer, pages):
            ids = [identity for row in rows if (identity := whole(row.get("ID"))) is not None]
            if not _ascending([cursor, *ids]) or (rows and not ids):
                return False
            yield from _unless_empty(seen.fresh(rows))
            if len(rows) < PAGE_SIZE:
                return True
            cursor = ids[-1]
            if whole(rows[-1].get("ID")) is None:
                break  # the rest of the chain started from this row's ID
        patience = portal.patience() if answer.results else patience


def _by_offset(portal: Portal, seen: _Seen) -> Iterator[list[Row]]:
    """A row that goes meanwhile moves others onto pages already read, so such a pass is not trusted but repeated."""
    total = 0
    for _ in range(_OFFSET_PASSES):
        start: int | None = 0
        totals = []
        while start is not None:
            answer = _offset_page(portal, seen.period, start)
            yield from _unless_empty(seen.fresh(_rows(answer.result)))
            if answer.next is not None and answer.next <= start:
                raise ContractBroken(f"{METHOD}: the portal's next page is not after this one")
            start, total = answer.next, _total(answer)
            totals.append(total)
        if len(seen.keys) >= total and totals == sorted(totals):
            return
    raise ContractBroken(f"{METHOD}: the portal counts {total} calls in the period but lists {len(seen.keys)}")


def _chain(period: Period, cursor: int, pages: int) -> dict[str, Command]:
    """Page p1 starts after the last row of page p0, and so on: the portal fills in the references itself."""
    starts = [cursor, *(f"$result[p{page}][{PAGE_SIZE - 1}][ID]" for page in range(pages - 1))]
    return {
        f"p{page}": (METHOD, {"FILTER": {**_window(period), ">ID": after}, **_BY_ID, "start": -1})
        for page, after in enumerate(starts)
    }


def _pages_that_came(answer: BatchAnswer, pages: int) -> Iterator[list[Row]]:
    """In order, up to the first one that the portal put off; raises its error for one that failed."""
    for key in (f"p{page}" for page in range(pages)):
        if key in answer.errors:
            raise ours(answer.errors[key], METHOD)
        if key not in answer.results:
            return
        yield _rows(answer.results[key])


def _offset_page(portal: Portal, period: Period, start: int) -> Answer:
    return portal.call(METHOD, {"FILTER": _window(period), **_BY_ID, "start": start})


def _window(period: Period) -> dict[str, str]:
    return {
        ">=CALL_START_DATE": period.start.isoformat(timespec="seconds"),
        "<=CALL_START_DATE": period.end.isoformat(timespec="seconds"),
    }


def _total(answer: Answer) -> int:
    if answer.total is None:
        raise ContractBroken(f"{METHOD}: the portal did not count its calls")
    return answer.total


def _rows(result: Any) -> list[Row]:
    if not isinstance(result, list) or not all(isinstance(row, dict) for row in result):
        raise ContractBroken(f"{METHOD}: the portal's page is no list of rows")
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
            "period that was asked for: the portal ignores the filter"
        )


def _key(row: Row) -> int | str:
    identity = whole(row.get("ID"))
    return json.dumps(row, sort_keys=True) if identity is None else identity


def _ascending(ids: list[int]) -> bool:
    return all(before < after for before, after in pairwise(ids))


def _unless_empty(rows: list[Row]) -> Iterator[list[Row]]:
    if rows:
        yield rows
