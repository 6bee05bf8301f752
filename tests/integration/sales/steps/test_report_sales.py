"""The report's figures are those of the views, to the kopeck."""

from datetime import timedelta
from decimal import Decimal

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.rows import Table
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.report_sales import sales_figures
from tests.kit.sales import DAY, EVENT, NOW, SHOW, ZONE, refunded, ticket, vk_day


def test_figures_computed_by_hand(warehouse: Warehouse) -> None:
    rows = WarehouseRows(warehouse, ZONE)
    before = DAY - timedelta(days=1)
    rows.insert(Table.EVENTS, [EVENT], 1)
    rows.insert(Table.SHOWS, [SHOW], 1)
    sold = [ticket(1), ticket(2, price="500.50"), refunded(ticket(3, day=before), DAY, "900.00")]
    rows.insert(Table.TICKETS, sold, 1)
    rows.insert(Table.VK_ADS_DAILY, [vk_day(DAY, spent="300.00"), vk_day(before, spent="250.00")], 1)
    found = sales_figures(warehouse, ZONE, NOW)
    assert len(found.days) == 14
    shown = {day.day: (day.net_revenue, day.spend) for day in found.days}
    assert shown[DAY] == (Decimal("600.50"), Decimal("300.00")), "a refund belongs to its own day"
    assert shown[before] == (Decimal("1000.00"), Decimal("250.00"))
    assert found.tickets == 1
    (campaign,) = found.campaigns
    assert (campaign.name, campaign.spend) == ("vk / autumn", Decimal("550.00"))
    assert campaign.net_revenue == Decimal("1600.50")
    assert [city.name for city in found.cities] == ["msk"]
