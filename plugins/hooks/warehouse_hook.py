"""The warehouse from a connection of the provider's type `clickhouse`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.sales.names import WAREHOUSE_CONN
from plugins.airflow_kit.connection_test import tested

if TYPE_CHECKING:
    from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings


class WarehouseHook(BaseHook):
    """One client for a task; the provider's own hook, for operators of analysts, opens one for each call."""

    conn_name_attr = "warehouse_conn_id"
    default_conn_name = WAREHOUSE_CONN
    conn_type = "clickhouse"
    hook_name = "ClickHouse"

    def __init__(self, warehouse_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.warehouse_conn_id = warehouse_conn_id

    def get_conn(self) -> "Warehouse":
        from include.clients.clickhouse.warehouse import Warehouse

        return Warehouse(self.settings())

    def settings(self, *, read_seconds: float = 300.0, connect_seconds: float = 5.0) -> "WarehouseSettings":
        from include.clients.clickhouse.warehouse import WarehouseSettings

        conn = self.get_connection(self.warehouse_conn_id)
        extra = conn.extra_dejson
        return WarehouseSettings(
            host=conn.host or "",
            port=int(conn.port or 8443),
            user=conn.login or "default",
            password=conn.password or "",
            database=conn.schema or "zakaz",
            secure=bool(extra.get("secure", False)),
            verify=bool(extra.get("verify", True)),
            client_name="call-export",
            session_settings=extra.get("session_settings") or {},
            embedded=bool(extra.get("embedded", False)),
            read_seconds=read_seconds,
            connect_seconds=connect_seconds,
        )

    def test_connection(self) -> tuple[bool, str]:
        def check() -> str:
            with self.get_conn() as warehouse:
                return warehouse.version()

        return tested(self.warehouse_conn_id, check)
