"""The warehouse's schema at the start of a system."""

import time

from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.common.errors import Temporary
from include.sales import names
from include.sales.state import warehouse_schema
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime
from ops.settings.sales_connections import sales_connections

_START_SECONDS = 60.0


def apply_warehouse_schema(settings: Settings, runtime: Runtime, keys: Generated) -> None:
    """Waits until ClickHouse answers, then migrations, views and grants. Raises Temporary after a minute."""
    conn = sales_connections(settings, runtime, keys)[names.WAREHOUSE_ADMIN_CONN]
    made = WarehouseSettings(
        host=conn["host"],
        port=conn["port"],
        user=conn["login"],
        password=conn["password"],
        database=conn["schema"],
        secure=conn["extra"]["secure"],
        client_name="call-export",
        embedded=conn["extra"].get("embedded", False),
    )
    with Warehouse(made) as warehouse:
        _wait(warehouse)
        warehouse_schema.apply(warehouse, settings.sales_policy.time.zone)


def _wait(warehouse: Warehouse) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            warehouse.exists()
        except Temporary:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return
