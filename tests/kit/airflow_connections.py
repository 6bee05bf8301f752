"""Connections of Airflow as a process finds them in its environment."""

import json
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from include.calls.names import STATE_CONN
from include.clients.clickhouse.warehouse import Warehouse
from include.sales.names import WAREHOUSE_CONN


def connected(patch: pytest.MonkeyPatch, conn_id: str, **connection: Any) -> None:
    patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))


def connected_to_sales(patch: pytest.MonkeyPatch, database: str, port: int, warehouse: Warehouse) -> None:
    """To the state at `database`, a libpq URL, and to the embedded ClickHouse at `port`."""
    state: dict[str, Any] = dict(conninfo_to_dict(database))
    schema, login = state.pop("dbname"), state.pop("user", None)
    connected(patch, STATE_CONN, conn_type="postgres", schema=schema, login=login, extra=state)
    at = {"host": "127.0.0.1", "port": port, "schema": warehouse.database, "login": "default"}
    connected(patch, WAREHOUSE_CONN, conn_type="clickhouse", password="", **at, extra={"embedded": True})
