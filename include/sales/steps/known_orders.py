"""Orders that are older than the nightly days and may still change: the warehouse names them, the source is asked."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.business_day import bounds
from include.sales.policy import SalesPolicy

_OPEN = """
    SELECT DISTINCT order_id FROM stg_qtickets_tickets FINAL
    WHERE order_created_at < {until:DateTime('UTC')} AND deleted_at IS NULL AND refunded_at IS NULL
      AND (
        (payed_at IS NULL AND order_created_at >= {since:DateTime('UTC')})
        OR show_id IN (SELECT show_id FROM dim_shows FINAL WHERE starts_at > {now:DateTime('UTC')})
      )
    ORDER BY order_id"""


def open_orders(warehouse: Warehouse, last: date, policy: SalesPolicy, now: datetime) -> Sequence[int]:
    """Unpaid orders, and those of shows that are still to come, created up to the end of `last`."""
    until = bounds(last, last, policy.zone)[1]
    since = now - timedelta(days=policy.qtickets.open_days)
    found = warehouse.rows(_OPEN, until=until, since=since.replace(microsecond=0), now=now.replace(microsecond=0))
    return [int(order_id) for (order_id,) in found]
