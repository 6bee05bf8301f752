"""QTickets as a source of the warehouse: events with their shows, and orders as tickets."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from include.clients.qtickets.qtickets_api import Condition, QticketsApi, instant_value
from include.clients.qtickets.qtickets_rows import QticketsOrder
from include.sales.domain.business_day import bounds
from include.sales.domain.cities import Cities
from include.sales.domain.rows import Table
from include.sales.domain.scopes import Batch, Counters, Fetched, Kind, Scope, Stream
from include.sales.domain.tickets import event_rows, tickets_of
from include.sales.policy import SalesPolicy
from include.sales.steps.fetching import refuse_bad_rows, with_rows_counted

Belongs = Callable[[QticketsOrder], bool]


class QticketsSource:
    """One organiser (`SalesSource`).

    Every order is checked against the filter of its request. A source that ignores the filter is read without one, the
    newest orders first, as far back as the scope reaches; that is a finding.
    """

    def __init__(self, api: QticketsApi, policy: SalesPolicy, cities: Cities, *, now: Callable[[], datetime]) -> None:
        self._api = api
        self._policy = policy
        self._cities = cities
        self._now = now

    def accounts(self) -> tuple[str, ...]:
        return ("",)

    def check_access(self) -> None:
        self._api.check_access()

    def close(self) -> None:
        self._api.close()

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:  # noqa: ARG002 - no queue
        """Raises ContractBroken (bad_row) for an order of a window that cannot be read: its tickets would vanish."""
        counters = Counters()
        self._api.spare(backfill)
        batches = self._events(counters) if scope.stream is Stream.EVENTS else self._orders(scope, counters)
        return Fetched(with_rows_counted(batches, counters), counters)

    def _events(self, counters: Counters) -> Iterator[Batch]:
        counters.covered_until = self._now()
        for page in self._api.events():
            counters.source_rows += len(page)
            found = [event_rows(event, self._cities, counters) for event in page]
            yield Batch(Table.EVENTS, tuple(row for row, _ in found))
            yield Batch(Table.SHOWS, tuple(chain.from_iterable(shows for _, shows in found)))
        self._end(counters)

    def _orders(self, scope: Scope, counters: Counters) -> Iterator[Batch]:
        counters.covered_until = self._now()
        for page in self._pages(scope, counters):
            counters.source_rows += len(page)
            rows = []
            for order in page:
                rows += tickets_of(order, self._policy.zone, self._policy.money.currency, counters)
                if counters.watermark is None or order.updated_at > counters.watermark:
                    counters.watermark = order.updated_at
            yield Batch(Table.TICKETS, tuple(rows), frozenset(order.order_id for order in page))
        self._end(counters)
        if scope.kind is Kind.WINDOW:
            refuse_bad_rows(self._api.bad_rows, "QTickets")

    def _end(self, counters: Counters) -> None:
        counters.requests = self._api.requests_sent
        counters.bad_rows = len(self._api.bad_rows)
        for bad in self._api.bad_rows:
            counters.found("bad_row", bad)

    def _pages(self, scope: Scope, counters: Counters) -> Iterator[list[QticketsOrder]]:
        where, belongs = self._filter(scope)
        latest = 0
        for page in self._api.orders(where):
            if not all(belongs(order) for order in page):
                break
            yield page
            latest = max((order.order_id for order in page), default=latest)
        else:
            return
        counters.found("filter_ignored", f"{where[0].column} {where[0].operator}")
        yield from self._without_filter(scope, belongs, latest)

    def _without_filter(self, scope: Scope, belongs: Belongs, latest: int) -> Iterator[list[QticketsOrder]]:
        """Orders up to the id `latest` have been given out already."""
        oldest, seen = self._oldest(scope), set[int]()
        for page in self._api.newest_orders():
            fresh = [order for order in page if order.order_id not in seen and belongs(order)]
            seen.update(order.order_id for order in page)
            yield [order for order in fresh if order.order_id > latest]
            if page and all(order.created_at < oldest or order.order_id <= latest for order in page):
                return

    def _oldest(self, scope: Scope) -> datetime:
        """The creation before which no order can belong to the scope; of a delta, as far back as the nightly window."""
        if scope.first is not None and scope.last is not None:
            return bounds(scope.first, scope.last, self._policy.zone)[0]
        assert scope.changed_since is not None
        return scope.changed_since - timedelta(days=self._policy.qtickets.days_back)

    def _filter(self, scope: Scope) -> tuple[list[Condition], Belongs]:
        if scope.kind is Kind.WINDOW:
            assert scope.first is not None
            assert scope.last is not None
            start, end = bounds(scope.first, scope.last, self._policy.zone)
            where = [
                Condition("created_at", ">=", instant_value(start)),
                Condition("created_at", "<", instant_value(end)),
            ]
            return where, lambda order: start <= order.created_at < end
        if scope.changed_since is None:
            return [], lambda _order: True
        since = scope.changed_since.replace(microsecond=0)
        return [Condition("updated_at", ">=", instant_value(since))], lambda order: order.updated_at >= since
