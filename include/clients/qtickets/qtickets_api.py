"""QTickets' REST API v1: reads events and orders, and nothing else.

The token may also write, refund and mark people as entered, so every request is a GET on one of five paths. Filter,
order and page are the JSON body of the GET. The API's limits are not documented; it counts as throttling what it
answers with 429 or 503.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import requests

from include.clients.qtickets.qtickets_rows import (
    QticketsEvent,
    QticketsOrder,
    QticketsPlaces,
    event_from_row,
    order_from_row,
    places_from_rows,
)
from include.clients.source_api import SourceApi, SourceName, retry_after
from include.common.errors import BadRow, ContractBroken, LoadCode, Temporary, Throttled

QTICKETS = SourceName("QTickets", "QTICKETS_TOKEN")
_READ_ONLY = re.compile(r"(?:events|orders)(?:/\d+)?|shows/\d+/seats")
IDS_AT_ONCE = 100  # as many as a page holds
_MOST_PAGES = 100_000
_Row = TypeVar("_Row", QticketsOrder, QticketsEvent)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter; operators are those of the documentation: `<`, `>`, `>=`, `in`, `null`."""

    column: str
    operator: str
    value: object

    def as_json(self) -> dict[str, object]:
        return {"column": self.column, "operator": self.operator, "value": self.value}


class QticketsApi:
    """One organiser. `bad_rows` are the sentences about rows that could not be read, which are left out.

    Raises AccessDenied, ContractBroken, Throttled and Temporary; the latter with paging_unstable where the pages do
    not add up to what the source itself counts, so that reading anew helps.
    """

    def __init__(self, api: SourceApi, token: str) -> None:
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}", "Cache-Control": "no-cache"}
        self.bad_rows: list[BadRow] = []

    @property
    def requests_sent(self) -> int:
        return self._api.requests_sent

    def spare(self, sparing: bool) -> None:
        """Whether to take at most half of the rate."""
        self._api.spare(sparing)

    def close(self) -> None:
        self._api.close()

    def check_access(self) -> None:
        """Reads one page of the events."""
        self._page("events", [], 1, "asc")

    def events(self) -> Iterator[list[QticketsEvent]]:
        """All events with their shows, deleted ones included, by id."""
        return self._pages("events", [], event_from_row, lambda event: event.event_id)

    def orders(self, where: Sequence[Condition]) -> Iterator[list[QticketsOrder]]:
        """The orders of the filter by id, deleted ones included. Whether the filter was applied is for the caller."""
        return self._pages("orders", where, order_from_row, lambda order: order.order_id)

    def order(self, order_id: int) -> QticketsOrder | None:
        """One order; None where the source does not know it, or it cannot be read."""
        found = self._one(f"orders/{order_id}", {})
        rows = self._read([] if found is None else [found], order_from_row)
        return rows[0] if rows else None

    def places(self, show_id: int) -> QticketsPlaces | None:
        """The places of a show, added up; None where the source does not know the show. Raises BadRow."""
        found = self._one(f"shows/{show_id}/seats", {"select": [*QticketsPlaces._fields], "flat": True})
        return None if found is None else places_from_rows(show_id, found)

    def newest_orders(self) -> Iterator[list[QticketsOrder]]:
        """All orders, the newest id first: for a source that ignores the filter. The caller stops when it has enough.

        An order that is placed meanwhile shifts the others to the next page, so an order may come twice.
        """
        for number in range(1, _MOST_PAGES):
            page = self._page("orders", [], number, "desc")
            yield self._read(page.data, order_from_row)
            if number * page.per_page >= page.total or not page.data:
                return

    def _pages(
        self,
        path: str,
        where: Sequence[Condition],
        read: Callable[[Any], _Row],
        id_of: Callable[[_Row], int],
    ) -> Iterator[list[_Row]]:
        seen, latest, total = 0, 0, 0
        for number in range(1, _MOST_PAGES):
            page = self._page(path, where, number, "asc")
            if page.total < total:  # a row has left, so a later one has moved to a page that was read already
                raise _unstable(path, f"{page.total} rows are left of {total}")
            total = page.total
            rows = self._read(page.data, read)
            for row in rows:
                if id_of(row) <= latest:
                    raise _unstable(path, f"id {id_of(row)} comes after id {latest}")
                latest = id_of(row)
            seen += len(page.data)
            yield rows
            if seen >= page.total or not page.data:
                break
        if seen != page.total:
            raise _unstable(path, f"{seen} rows came of {page.total}")

    def _read(self, data: list[Any], read: Callable[[Any], _Row]) -> list[_Row]:
        found = []
        for row in data:
            try:
                found.append(read(row))
            except BadRow as bad:
                self.bad_rows.append(bad)
        return found

    def _page(self, path: str, where: Sequence[Condition], number: int, order: str) -> "_Page":
        body = {"where": [one.as_json() for one in where], "orderBy": {"id": order}, "page": number}
        return self._api.retrying(path, lambda: self._read_page(path, body, number))

    def _read_page(self, path: str, body: Mapping[str, Any], number: int) -> "_Page":
        assert _READ_ONLY.fullmatch(path)
        response = self._api.send("GET", path, path, body=body, headers=self._headers)
        self._check(response, path)
        answer = self._api.json_of(response, path)
        if isinstance(answer, Mapping) and answer.get("error"):
            raise self._api.error_of(_status(answer), path, answer["error"])
        page = _page_of(answer)
        if page is None:
            raise self._api.unknown_form(path, "the answer has no `data` with `paging`")
        if page.current != number:
            # A proxy that drops the body of a GET would hand out page one of everything, again and again
            raise ContractBroken(
                f"QTickets: {path}: page {page.current} came for page {number}: the request's body was lost on the way",
                code=LoadCode.FILTER_IGNORED,
                problem="source_loses_body",
                source=QTICKETS.title,
            )
        return page

    def _one(self, path: str, body: Mapping[str, Any]) -> Any:
        """What stands under `data`; None for what the source does not know."""

        def read() -> Any:
            assert _READ_ONLY.fullmatch(path)
            response = self._api.send("GET", path, path, body=body, headers=self._headers)
            if response.status_code == 404:
                return None
            self._check(response, path)
            answer = self._api.json_of(response, path)
            if not isinstance(answer, Mapping) or "data" not in answer:
                raise self._api.unknown_form(path, "the answer has no `data`")
            return answer["data"]

        return self._api.retrying(path, read)

    def _check(self, response: requests.Response, path: str) -> None:
        if response.status_code < 400:
            return
        try:
            said = response.json().get("error", "")
        except (ValueError, AttributeError):
            said = ""
        wait = retry_after(response.headers)
        if response.status_code == 503:
            raise Throttled(f"QTickets: {path}: HTTP 503", code=LoadCode.SOURCE_THROTTLED, retry_after=wait or 5.0)
        raise self._api.error_of(response.status_code, path, said, retry_after=wait)


@dataclass(frozen=True, slots=True)
class _Page:
    data: list[Any]
    per_page: int
    current: int
    total: int


def instant_value(moment: datetime) -> str:
    """An instant as the filter takes it: seconds, and an offset with a colon."""
    return moment.isoformat(timespec="seconds")


def _page_of(answer: Any) -> _Page | None:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("data"), list):
        return None
    paging = answer.get("paging")
    if not isinstance(paging, Mapping):
        return None
    numbers = [paging.get(name) for name in ("perPage", "currentPage", "total")]
    try:
        per_page, current, total = (int(str(number)) for number in numbers)
    except ValueError:
        return None
    return _Page(answer["data"], per_page, current, total) if per_page > 0 and total >= 0 else None


def _status(answer: Mapping[str, Any]) -> int:
    status = answer.get("status")
    return status if isinstance(status, int) and 400 <= status < 600 else 500


def _unstable(path: str, what: str) -> Temporary:
    return Temporary(f"QTickets: {path}: the pages do not fit together: {what}", code=LoadCode.PAGING_UNSTABLE)
