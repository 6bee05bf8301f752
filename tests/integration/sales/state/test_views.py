"""Every view of sales over a few rows, with figures computed by hand; the reserve channel's life in them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.rows import Coverage, Table
from include.sales.state.warehouse_rows import WarehouseRows
from tests.kit.sales import EVENT, SHOW, ZONE, direct_day, letter, refunded, ticket, vk_day

TODAY = datetime.now(ZONE).date()
SOLD = TODAY - timedelta(days=1)
SHOWN = date(2026, 12, 1)


@pytest.fixture
def rows(warehouse: Warehouse) -> WarehouseRows:
    """Two places at 1000, one at 500.50 of which 400 came back today; a foreign, a deleted and an unpaid one."""
    found = WarehouseRows(warehouse, ZONE)
    found.insert(Table.EVENTS, [EVENT], 1)
    found.insert(Table.SHOWS, [SHOW], 1)
    tickets = [
        ticket(1, day=SOLD, quantity=2),
        refunded(ticket(2, day=SOLD, price="500.50"), TODAY, "400.00"),
        ticket(3, day=SOLD, deleted_at=datetime.now(UTC)),
        ticket(4, day=SOLD, sale_date=None, payed_at=None),
        ticket(5, day=SOLD, currency="USD"),
    ]
    found.insert(Table.TICKETS, [one._replace(price=Decimal(1)) for one in tickets], 1)
    found.insert(Table.TICKETS, tickets, 2)
    found.insert(Table.VK_ADS_DAILY, [vk_day(SOLD)], 1)
    found.insert(Table.DIRECT_DAILY, [direct_day(SOLD)], 1)
    return found


def money(text: str) -> Decimal:
    return Decimal(text)


DAILY = (
    "SELECT d, tickets, revenue, refunds, net_revenue, source FROM v_sales_daily WHERE currency = 'RUB' ORDER BY ALL"
)
LATEST = "SELECT event_date, city, event_name, tickets_sold, revenue, refunds, source FROM v_sales_latest"


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT count() FROM v_tickets", [(3,)]),
        (
            DAILY,
            [
                (SOLD, 3, money("2500.50"), money("0"), money("2500.50"), "api"),
                (TODAY, -1, money("0"), money("400"), money("-400"), "api"),
            ],
        ),
        (
            f"{LATEST} ORDER BY currency",
            [
                (SHOWN, "Москва", "Концерт", 2, money("2500.50"), money("400"), "api"),
                (SHOWN, "Москва", "Концерт", 1, money("1000"), money("0"), "api"),
            ],
        ),
        ("SELECT d, tickets, net_revenue FROM v_sales_14d", [(SOLD, 3, money("2500.50")), (TODAY, -1, money("-400"))]),
        (
            "SELECT d, net_revenue, spend_total, romi FROM v_marketing_daily",
            [(SOLD, money("2500.50"), money("150"), 16.67), (TODAY, money("-400"), money("0"), None)],
        ),
        ("SELECT d, romi_status FROM v_romi_kpi ORDER BY d", [(SOLD, "green"), (TODAY, "red")]),
        (
            "SELECT city, currency, tickets, net_revenue FROM v_sales_by_city ORDER BY currency",
            [("Москва", "RUB", 2, money("2100.50")), ("Москва", "USD", 1, money("1000"))],
        ),
        (
            "SELECT d, utm_source, utm_city, clicks, spend, tickets, revenue FROM v_campaign_daily ORDER BY utm_source",
            [
                (SOLD, "vk", "msk", 50, money("100"), 2, money("2100.50")),
                (SOLD, "yandex", "spb", 25, money("50"), 0, money("0")),
            ],
        ),
        (
            "SELECT utm_campaign, ctr, cpc, romi FROM v_campaign_performance WHERE utm_source = 'vk'",
            [("autumn", 0.05, 2.0, 21.005)],
        ),
    ],
    ids=lambda value: value.split("FROM ")[1].split()[0] if isinstance(value, str) else "",
)
def test_a_view_shows_what_a_person_computes(
    warehouse: Warehouse, statement: str, expected: list[tuple[Any, ...]]
) -> None:
    found = warehouse.rows(statement)
    assert [tuple(_rounded(value) for value in row) for row in found] == expected


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def test_a_letter_replaces_the_total_of_its_event_until_the_api_has_caught_up(
    warehouse: Warehouse, rows: WarehouseRows
) -> None:
    """The API says 2 places net of a refund; the letter, which is newer, says 4."""
    now = datetime.now(UTC).replace(microsecond=0)

    def covered(until: datetime, number: int) -> None:
        day = until.astimezone(ZONE).date()
        rows.insert(Table.COVERAGE, [Coverage("qtickets", "orders", "", day, until, 1, Decimal(1), until)], number)

    def shown() -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        latest = f"{LATEST} WHERE currency = 'RUB'"
        return warehouse.rows(latest), [row for row in warehouse.rows(DAILY) if row[-1] == "mail"]

    covered(now - timedelta(hours=3), 3)
    api = (SHOWN, "Москва", "Концерт", 2, money("2500.50"), money("400"), "api")
    assert shown() == ([api], [])
    received = now - timedelta(hours=1)
    rows.insert(Table.MAIL_SALES, [letter(received, 4, "4400.00")], 4)
    by_mail = (SHOWN, "Москва", "Концерт", 4, money("4400"), money("0"), "mail")
    day = received.astimezone(ZONE).date()
    assert shown() == ([by_mail], [(day, 2, money("1899.50"), money("-400"), money("2299.50"), "mail")])
    covered(now, 5)
    assert shown() == ([api], [])
