"""QTickets as a source of the warehouse: events with their shows, orders as tickets, places of coming shows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import chain

from include.clients.qtickets.qtickets_api import IDS_AT_ONCE, Condition, QticketsApi, instant_value
from include.clients.qtickets.qtickets_rows import QticketsOrder
from include.common.errors import BadRow
from include.sales.domain.business_day import bounds
from include.sales.domain.cities import Cities
from include.sales.domain.rows import Inventory, Table
from include.sales.domain.scopes import Batch, Counters, Fetched, Kind, Scope, Stream
from include.sales.domain.tickets import event_rows, tickets_of
from include.sales.domain.times import in_utc
from include.sales.policy import SalesPolicy
from include.sales.steps.fetching import refuse_bad_rows, with_rows_counted

Belongs = Callable[[QticketsOrder], bool]
OpenOrders = Callable[[date], Sequence[int]]  # numbers of orders created up to the end of the day


class QticketsSource:
    """One organiser (`SalesSource`).

    Every order is checked against the filter of its request. A source that ignores the filter is read without one, the
    newest orders first, as far back as the scope reaches; that is a finding.

    `open_orders` names the older orders that may still change: the warehouse knows them, not the source.
    """

    def __init__(
        self,
        api: QticketsApi,
        policy: SalesPolicy,
        cities: Cities,
        *,
        open_orders: OpenOrders,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._open_orders = open_orders
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
        self._api.bad_rows.clear()
        self._api.spare(backfill)
        if scope.stream is Stream.EVENTS:
            batches = self._events(counters)
        elif scope.stream is Stream.INVENTORY:
            batches = self._inventory(counters)
        else:
            batches = self._orders(scope, counters)
        return Fetched(with_rows_counted(batches, counters), counters)

    def _events(self, counters: Counters) -> Iterator[Batch]:
        counters.covered_until = self._now()
        for page in self._api.events():
            counters.source_rows += len(page)
            found = [event_rows(event, self._cities, counters) for event in page]
            yield Batch(Table.EVENTS, tuple(row for row, _ in found))
            yield Batch(Table.SHOWS, tuple(chain.from_iterable(shows for _, shows in found)))
        self._end(counters)

    def _inventory(self, counters: Counters) -> Iterator[Batch]:
        """Places of each show that is still to come."""
        counters.covered_until = now = self._now()
        rows = []
        for event in chain.from_iterable(self._api.events()):
            coming = [show for show in event.shows if show.starts_at and show.starts_at > now]
            for show in coming:
                if event.deleted_at or show.deleted_at:
                    continue
                counters.source_rows += 1
                try:
                    found = self._api.places(show.show_id)
                except BadRow as bad:
                    self._api.bad_rows.append(bad)
                    continue
                if found is not None:
                    at = in_utc(now).replace(microsecond=0)
                    rows.append(Inventory(show.show_id, at, event.event_id, *found))
        yield Batch(Table.INVENTORY, tuple(rows))
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
        if scope.stream is Stream.OPEN_ORDERS:
            assert scope.last is not None
            yield from self._named(self._open_orders(scope.last), counters)
            return
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

    def _named(self, numbers: Sequence[int], counters: Counters) -> Iterator[list[QticketsOrder]]:
        """A page of numbers in one request; one by one as soon as the source ignores them."""
        for start in range(0, len(numbers), IDS_AT_ONCE):
            some = numbers[start : start + IDS_AT_ONCE]
            wanted = set(some)
            found: list[QticketsOrder] = []
            for page in self._api.orders([Condition("id", "in", list(some))]):
                if not all(order.order_id in wanted for order in page):
                    break
                found += page
            else:
                yield found
                continue
            counters.found("filter_ignored", "id in")
            yield from ([order] for number in numbers[start:] if (order := self._api.order(number)))
            return

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
