"""From a vendor's answer to a view: real clients over simulators, real loads, a real engine, and the known truth."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import Temporary
from include.sales.domain.scopes import Kind, SalesSource, Scope, Source, Stream
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.known_orders import open_orders
from include.sales.steps.load import Loaded, LoadOptions, LoadServices, load
from include.sales.steps.open_run import open_loads
from simulators.kit.advertising import Account
from simulators.qtickets.box_office import BoxOffice
from tests.kit.sales_sources import (
    ACCOUNT,
    FIRST,
    LAST,
    LOGIN,
    NOW,
    POLICY,
    days_later,
    delta,
    direct,
    qtickets,
    vk_ads,
    window,
)

pytestmark = pytest.mark.postgres
OPTIONS = LoadOptions(shrink_share=0.2, shrink_keys=50)


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


class Loads:
    """One run after another."""

    def __init__(self, state: SalesState, warehouse: Warehouse) -> None:
        self.state, self.rows, self.runs = state, WarehouseRows(warehouse, POLICY.zone), 0

    def run(self, source: SalesSource, scope: Scope) -> Loaded:
        self.state.leases.release(f"run-{self.runs}")
        self.runs += 1
        opened = open_loads([scope], f"run-{self.runs}", self.state, at_least=self.rows.highest_version())
        return load(opened.load_ids[0], LoadServices(self.state, self.rows, source), OPTIONS)


@pytest.fixture
def loads(state: SalesState, warehouse: Warehouse) -> Loads:
    return Loads(state, warehouse)


def shown_sales(warehouse: Warehouse) -> dict[date, tuple[int, Decimal, Decimal]]:
    rows = warehouse.rows("SELECT d, sum(tickets), sum(revenue), sum(refunds) FROM v_sales_daily GROUP BY d")
    return {day: (int(tickets), revenue, refunds) for day, tickets, revenue, refunds in rows}


def true_sales(office: BoxOffice) -> dict[date, tuple[int, Decimal, Decimal]]:
    return {day: (t.tickets - t.returned, t.revenue, t.refunds) for day, t in office.truth().items()}


def shown_spend(warehouse: Warehouse) -> dict[date, Decimal]:
    return dict(warehouse.rows("SELECT d, sum(spend) FROM v_ad_spend_daily GROUP BY d"))


def test_sales_of_the_views_are_those_of_the_organiser(loads: Loads, warehouse: Warehouse) -> None:
    """Read whole, read again, changed behind the loads' back, read as a delta, and read whole once more."""
    orders = window(Source.QTICKETS)
    with qtickets() as sold:
        first = loads.run(sold.source, orders)
        assert shown_sales(warehouse) == true_sales(sold.office)
        assert loads.run(sold.source, orders).content_hash == first.content_hash
        some: list[Any] = [order for order in sold.office.orders.values() if len(order.baskets) > 1 and order.payed_at]
        sold.office.refund(some[0], days_later(1))
        sold.office.delete(some[1], days_later(1))
        sold.office.drop_basket(some[2], days_later(1))
        loads.run(sold.source, delta(since=days_later(1) - timedelta(minutes=1)))
        assert shown_sales(warehouse) == true_sales(sold.office)
        sold.office.vanish(some[3])
        assert loads.run(sold.source, orders).tombstones == len(some[3].baskets)
        assert shown_sales(warehouse) == true_sales(sold.office)


def test_an_older_order_that_may_still_change_is_read_by_its_number(loads: Loads, warehouse: Warehouse) -> None:
    """Paid, or returned, long after the days that the night reads whole; and the change names no time."""
    orders, later = window(Source.QTICKETS), LAST + timedelta(days=1)

    def named(last: date) -> list[int]:
        return list(open_orders(warehouse, last, POLICY, NOW))

    with qtickets(open_orders=named) as sold:
        loads.run(sold.source, delta(stream=Stream.EVENTS))
        loads.run(sold.source, orders)
        unpaid = next(one for one in sold.office.orders.values() if one.payed_at is None)
        coming = next(one for one in sold.office.orders.values() if one.payed_at and one.event_id == 4)
        unpaid.payed_at = days_later(2)
        coming.baskets[0].refunded_at, coming.baskets[0].refunded_amount = days_later(2), Decimal(1)
        for event in sold.office.events.values():
            event.shows[0].starts_at = days_later(300 if event.id == 4 else -300)
        loads.run(sold.source, delta(stream=Stream.EVENTS))
        assert set(named(later)) >= {unpaid.id, coming.id}
        over = {one.id for one in sold.office.orders.values() if one.payed_at and one.event_id != 4 and one != unpaid}
        assert not over & set(named(later)), "paid, and the show is over"
        assert named(FIRST - timedelta(days=1)) == []
        loads.run(sold.source, Scope(Source.QTICKETS, Stream.OPEN_ORDERS, Kind.DELTA, last=later))
        assert shown_sales(warehouse) == true_sales(sold.office)


def test_places_of_coming_shows_are_kept(loads: Loads, warehouse: Warehouse) -> None:
    with qtickets() as sold:
        sold.office.events[2].deleted_at = NOW
        loads.run(sold.source, delta(stream=Stream.INVENTORY))
        shown = warehouse.rows(
            "SELECT show_id, event_id, max_quantity, free_quantity, ordered_quantity FROM fact_qtickets_inventory FINAL"
        )
        ordered = {show: sold.office.places(show)[1] for show in (10, 30, 40)}  # type: ignore[index]
        assert sorted(shown) == [(show, show // 10, 300, 300 - sold_, sold_) for show, sold_ in ordered.items()]


def test_a_source_that_breaks_off_changes_no_view(loads: Loads, warehouse: Warehouse) -> None:
    with qtickets() as sold:
        loads.run(sold.source, window(Source.QTICKETS))
        before = shown_sales(warehouse)
        sold.office.refund(next(one for one in sold.office.orders.values() if one.payed_at), days_later(1))
        sold.simulator.faults.add("orders", "html200", after=1, times=-1)
        with pytest.raises(Temporary):
            loads.run(sold.source, window(Source.QTICKETS))
        assert shown_sales(warehouse) == before


@pytest.mark.parametrize(
    ("opened", "scope"),
    [(vk_ads, window(Source.VK_ADS, str(ACCOUNT))), (direct, window(Source.DIRECT, LOGIN))],
    ids=["vk_ads", "direct"],
)
def test_spend_of_the_views_is_that_of_the_account(
    opened: Any, scope: Scope, loads: Loads, warehouse: Warehouse
) -> None:
    with opened() as advertised:
        account: Account = advertised.account
        first = loads.run(advertised.source, scope)
        assert shown_spend(warehouse) == account.truth()
        assert loads.run(advertised.source, scope).content_hash == first.content_hash
        key = next(iter(account.days))
        del account.days[key]
        account.beyond[key[1]] = Decimal("33.33")
        later = loads.run(advertised.source, scope)
        assert (later.rows, later.tombstones) == (first.rows, 1)
        assert shown_spend(warehouse) == account.truth()
