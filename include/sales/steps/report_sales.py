"""The figures of the report, from the views that people query."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.business_day import days_between
from include.sales.reporting.sales_report import DAYS, DayFigures, PartFigures, SalesFigures
from include.sales.steps.watch import freshness

_PARTS = """
    SELECT {part} AS part, sum(tickets), sum(revenue), sum(spend) FROM v_campaign_daily
    WHERE d >= {{first:Date}} AND d <= {{last:Date}} GROUP BY part ORDER BY sum(spend) DESC, sum(revenue) DESC, part"""


def sales_figures(warehouse: Warehouse, zone: ZoneInfo, now: datetime) -> SalesFigures:
    """Yesterday and the days before it; a day without sales and ads is a row of zeros."""
    last = now.astimezone(zone).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    period = {"first": first, "last": last}
    by_day = {
        day: (Decimal(net), Decimal(spend))
        for day, net, spend in warehouse.rows(
            "SELECT d, net_revenue, spend_total FROM v_marketing_daily WHERE d >= {first:Date} AND d <= {last:Date}",
            **period,
        )
    }
    tickets = warehouse.value("SELECT sum(tickets) FROM v_sales_daily WHERE d = {last:Date}", last=last)

    def parts(column: str) -> list[PartFigures]:
        found = warehouse.rows(_PARTS.format(part=column), **period)
        return [PartFigures(str(name), int(count), Decimal(net), Decimal(spend)) for name, count, net, spend in found]

    return SalesFigures(
        now=now,
        zone=zone,
        tickets=int(tickets or 0),
        days=[DayFigures(day, *by_day.get(day, (Decimal(0), Decimal(0)))) for day in days_between(first, last)],
        campaigns=parts("concat(utm_source, if(utm_campaign = '', '', ' / '), utm_campaign)"),
        cities=parts("utm_city"),
        freshness=freshness(warehouse),
    )
