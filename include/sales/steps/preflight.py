"""`preflight`: the warehouse has its schema and answers, the source lets us in, the load numbers are high enough."""

from datetime import UTC, datetime

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import LoadCode, NotConfigured
from include.sales.domain.scopes import SalesSource
from include.sales.state import warehouse_schema

_CLOCKS_DIFFER_SECONDS = 120


def preflight(warehouse: Warehouse, source: SalesSource) -> None:
    """Raises NotConfigured (`schema_drift`) for pending migrations or a wrong clock, and what both sides raise."""
    waiting = warehouse_schema.pending(warehouse)
    if waiting:
        raise NotConfigured(
            f"{len(waiting)} migrations of ClickHouse are pending: run make sales-migrate",
            code=LoadCode.SCHEMA_DRIFT,
            problem="warehouse_migrations_pending",
            count=len(waiting),
        )
    server = warehouse.value("SELECT toUnixTimestamp(now())")
    difference = abs(int(server) - datetime.now(UTC).timestamp())
    if difference > _CLOCKS_DIFFER_SECONDS:
        raise NotConfigured(
            f"the clock of ClickHouse differs by {difference:.0f} s: freshness would be wrong",
            problem="warehouse_clock",
            seconds=round(difference),
        )
    source.check_access()
