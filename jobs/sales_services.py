"""The databases of sales for the command line and the health page, from the connections that the tasks read."""

from typing import Any

from include.clients.clickhouse.warehouse import WarehouseSettings
from include.sales.names import WAREHOUSE_ADMIN_CONN, WAREHOUSE_CONN
from jobs.airflow_api import connection_from_environment
from jobs.call_export import state_conninfo

__all__ = ["state_conninfo", "warehouse_settings"]


def warehouse_settings(
    *, admin: bool = False, read_seconds: float = 300.0, connect_seconds: float = 5.0
) -> WarehouseSettings:
    """`admin`: the user who may change the schema. Raises NotConfigured outside of make."""
    conn = connection_from_environment(WAREHOUSE_ADMIN_CONN if admin else WAREHOUSE_CONN)
    extra: dict[str, Any] = conn.get("extra") or {}
    return WarehouseSettings(
        host=str(conn["host"]),
        port=int(conn["port"]),
        user=str(conn["login"]),
        password=str(conn["password"]),
        database=str(conn["schema"]),
        secure=bool(extra.get("secure")),
        client_name="call-export",
        embedded=bool(extra.get("embedded")),
        read_seconds=read_seconds,
        connect_seconds=connect_seconds,
    )
