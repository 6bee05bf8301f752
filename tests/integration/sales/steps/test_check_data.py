"""Checks by SQL: each finds its trouble, and a warehouse that is in order opens no alert."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.rows import Coverage, Table
from include.sales.domain.scopes import Source
from include.sales.policy import load_sales_policy
from include.sales.state import warehouse_schema
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.check_data import check_data
from include.sales.wording.alerts import HELP, TITLES
from tests.kit.sales import EVENT, SHOW, ZONE, direct_day, refunded, ticket, vk_day

pytestmark = pytest.mark.postgres
POLICY = load_sales_policy({})
TODAY = datetime.now(ZONE).date()
DAYS = 30


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def covered(source: str, account: str, day: date, rows: int, amount: str) -> Coverage:
    stream = "orders" if source == "qtickets" else "stats"
    at = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
    return Coverage(source, stream, account, day, at, rows, Decimal(amount), at)


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


@pytest.fixture
def rows(warehouse: Warehouse) -> WarehouseRows:
    """A month in order: 30 tickets a day, a refund, two accounts of ads, all of it covered."""
    found = WarehouseRows(warehouse, ZONE)
    days = [ago(number) for number in range(1, DAYS)]
    found.insert(Table.EVENTS, [EVENT], 1)
    found.insert(Table.SHOWS, [SHOW], 1)
    sold = [ticket(1000 * at + number, day=day) for at, day in enumerate(days, 1) for number in range(30)]
    found.insert(Table.TICKETS, [*sold, refunded(ticket(7, day=ago(9)), ago(3), "400.00")], 1)
    found.insert(Table.VK_ADS_DAILY, [vk_day(day) for day in days], 1)
    found.insert(Table.DIRECT_DAILY, [direct_day(day) for day in days], 1)
    found.insert(Table.COVERAGE, [covered("qtickets", "", day, 30, "30000.00") for day in days], 1)
    found.insert(Table.COVERAGE, [covered("vk_ads", "5", day, 1, "100.00") for day in days], 1)
    found.insert(Table.COVERAGE, [covered("direct", "ads", day, 1, "50.00") for day in days], 1)
    return found


def opened(state: SalesState, warehouse: Warehouse, *sources: Source) -> dict[str, tuple[str, str]]:
    """Type and message of each open alert, by its code."""
    check_data(state, warehouse, sources or tuple(Source), POLICY)
    return {one.code: (one.alert_type, one.message) for one in state.alerts.open()}


def test_a_warehouse_in_order_opens_nothing(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    assert opened(state, warehouse) == {}


def test_an_empty_warehouse_opens_nothing(state: SalesState, warehouse: Warehouse) -> None:
    assert opened(state, warehouse) == {}


def _without_days(rows: WarehouseRows, warehouse: Warehouse) -> None:
    gone = [covered("vk_ads", "5", ago(number), 0, "0.00") for number in (4, 5)]
    named = (*Coverage._fields, "_ver", "_deleted")
    warehouse.insert("load_coverage", named, [(*one, 2, 1) for one in gone])


def _account_stops(rows: WarehouseRows, warehouse: Warehouse) -> None:
    days = [ago(number) for number in range(6, DAYS)]
    rows.insert(Table.VK_ADS_DAILY, [vk_day(day, account=6) for day in days], 1)
    rows.insert(Table.COVERAGE, [covered("vk_ads", "6", day, 1, "100.00") for day in days], 1)


def _ads_lost(rows: WarehouseRows, warehouse: Warehouse) -> None:
    warehouse.insert(
        "fact_direct_daily", (*direct_day(TODAY)._fields, "_ver", "_deleted"), [(*direct_day(ago(4)), 1, 1)]
    )


def _ads_changed_beside_a_load(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.VK_ADS_DAILY, [vk_day(ago(4), spent="7.00")], 1)


def _two_months(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(
        Table.TICKETS, [ticket(1001, day=ago(1))._replace(order_created_at=datetime(2025, 1, 1, tzinfo=UTC))], 2
    )


def _event_unknown(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.TICKETS, [ticket(1, day=ago(2), event_id=99)], 2)


def _show_unknown(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.TICKETS, [ticket(1, day=ago(2), show_id=990)], 2)


def _tomorrow(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.TICKETS, [ticket(5, day=ago(-2))], 2)


def _returned_too_much(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.TICKETS, [refunded(ticket(8, day=ago(9)), ago(3), "1000.01")], 2)


def _more_clicks_than_impressions(rows: WarehouseRows, warehouse: Warehouse) -> None:
    rows.insert(Table.VK_ADS_DAILY, [vk_day(ago(4), clicks=1_000_000)], 1)


def _view_multiplies(rows: WarehouseRows, warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE OR REPLACE VIEW v_sales_daily AS SELECT sale_date AS d, toInt64(count()) AS tickets,"
        " 2 * sum(toDecimal128(price, 2)) AS net_revenue, 'api' AS source FROM v_tickets GROUP BY d"
    )


def _few_sales(rows: WarehouseRows, warehouse: Warehouse) -> None:
    keys = [(number, 1) for number in range(1005, 1030)]
    sold = [ticket(order, basket, day=ago(1)) for order, basket in keys]
    warehouse.insert("stg_qtickets_tickets", (*sold[0]._fields, "_ver", "_deleted"), [(*one, 2, 1) for one in sold])


@pytest.mark.parametrize(
    ("harm", "code", "kind", "said"),
    [
        (_without_days, "coverage_gap", "error", f"2 ({ago(5)}, {ago(4)})"),
        (_account_stops, "account_behind", "warning", f"5 ({ago(6)})"),
        (_ads_lost, "coverage_differs", "error", f"1 ({ago(4)}: 0 / 50)"),
        (_ads_changed_beside_a_load, "coverage_differs", "error", f"1 ({ago(4)}: 7 / 100)"),
        (_two_months, "key_in_two_months", "error", "1 (order 1001)"),
        (_event_unknown, "ticket_without_event", "warning", "1 (event 99)"),
        (_show_unknown, "ticket_without_show", "warning", "1 (show 990)"),
        (_tomorrow, "future_sale", "warning", "1 (order 5)"),
        (_returned_too_much, "impossible_money", "warning", "1 (order 8)"),
        (_more_clicks_than_impressions, "impossible_ads", "warning", "1 (1001400 / 29000)"),
        (_view_multiplies, "views_disagree", "error", "29 ("),
        (_few_sales, "sales_fell", "warning", "5 (usually 30)"),
    ],
)
def test_each_trouble_is_found_and_nothing_else(
    state: SalesState,
    warehouse: Warehouse,
    rows: WarehouseRows,
    harm: Callable[[WarehouseRows, Warehouse], None],
    code: str,
    kind: str,
    said: str,
) -> None:
    harm(rows, warehouse)
    try:
        found = opened(state, warehouse)
    finally:
        warehouse_schema.make_views(warehouse, "Europe/Moscow")
    assert list(found) == [code]
    assert found[code][0] == kind
    assert found[code][1].startswith(said)


def test_a_trouble_that_is_over_is_closed_account_by_account(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows
) -> None:
    _without_days(rows, warehouse)
    assert list(opened(state, warehouse)) == ["coverage_gap"]
    assert opened(state, warehouse, Source.QTICKETS) == {}, "a source that is off is silent"
    assert list(opened(state, warehouse)) == ["coverage_gap"]
    rows.insert(Table.COVERAGE, [covered("vk_ads", "5", ago(number), 1, "100.00") for number in (4, 5)], 3)
    assert opened(state, warehouse) == {}


def test_a_day_that_is_being_written_is_not_compared(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows
) -> None:
    """The rows come first, then what is covered: between them they differ."""
    rows.insert(Table.VK_ADS_DAILY, [vk_day(ago(4), spent="7.00")], 2)
    assert opened(state, warehouse) == {}
    rows.insert(Table.COVERAGE, [covered("vk_ads", "5", ago(4), 1, "7.00")], 2)
    assert opened(state, warehouse) == {}


def test_a_check_that_is_not_answered_is_no_check_that_passed(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_days(rows, warehouse)
    assert list(opened(state, warehouse)) == ["coverage_gap"]
    broken: Any = [one.__class__(1, one.name, "SELECT nothing") for one in warehouse_schema.checks()]
    monkeypatch.setattr(warehouse_schema, "checks", lambda: broken)
    assert set(opened(state, warehouse)) == {"coverage_gap", "health"}
    monkeypatch.undo()
    assert list(opened(state, warehouse)) == ["coverage_gap"]


def test_every_check_has_its_words() -> None:
    names = {one.name for one in warehouse_schema.checks()}
    assert len(names) >= 10
    assert names <= set(TITLES) & set(HELP)
