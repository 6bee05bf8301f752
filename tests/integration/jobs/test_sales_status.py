"""`make sales`: what is fresh, how old it is and when it is loaded next, with Airflow or without it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from include.clients.clickhouse.warehouse import Warehouse
from include.common.names import AIRFLOW_API_CONN
from include.sales.domain.rows import Coverage, Table
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from jobs import sales
from simulators.kit.in_process import running
from tests.kit.airflow_connections import connected, connected_to_sales
from tests.kit.sales import ZONE

pytestmark = pytest.mark.postgres
NEXT = "2026-12-01T21:00:00Z"
DAGS = [
    {"dag_id": "zakaz_qtickets", "is_paused": True, "next_dagrun_run_after": NEXT},
    {"dag_id": "zakaz_vk_ads", "is_paused": False, "next_dagrun_run_after": NEXT},
]


@pytest.fixture
def configured(
    monkeypatch: pytest.MonkeyPatch, database: str, clickhouse_server: int, warehouse: Warehouse
) -> Iterator[None]:
    """Sales covered until 25 minutes ago, VK's ads until three hours ago; Airflow plans two DAGs."""
    connected_to_sales(monkeypatch, database, clickhouse_server, warehouse)
    now = datetime.now(UTC)
    for number, (source, stream, minutes) in enumerate((("qtickets", "orders", 25), ("vk_ads", "stats", 180)), 1):
        until = now - timedelta(minutes=minutes)
        row = Coverage(source, stream, "", until.astimezone(ZONE).date(), until, 1, Decimal(1), until)
        WarehouseRows(warehouse, ZONE).insert(Table.COVERAGE, [row], number)
    with SalesState.open(database) as opened:
        opened.job_runs.begin("vk_ads", "r1")
        opened.job_runs.end("vk_ads", "r1", "success")

    def dags(request: Request) -> JSONResponse:
        assert request.query_params["tags"] == "sales"
        return JSONResponse({"dags": DAGS})

    token = Route("/auth/token", lambda _: JSONResponse({"access_token": "t"}), methods=["POST"])
    with running(Starlette(routes=[token, Route("/api/v2/dags", dags)])) as url:
        connected(monkeypatch, AIRFLOW_API_CONN, conn_type="http", host=url, login="a", password="b")
        yield


def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The line of each source in the first table."""
    with sales.console.capture() as captured:
        answer = CliRunner().invoke(sales.main, ["status"])
    assert answer.exit_code == 0, answer.output
    lines = captured.get().splitlines()
    return {line.split("│")[1].strip(): line for line in reversed(lines) if line.startswith("│")} | {"": lines[1]}


@pytest.mark.usefixtures("configured")
def test_each_source_has_its_lag_and_its_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch)
    assert "25 мин" in lines["qtickets_sales"]
    assert "выключен" in lines["qtickets_sales"], "a paused DAG has no next run"
    assert "3 ч" in lines["vk_ads"]
    assert "02.12 00:00" in lines["vk_ads"], "in the calendar of sales"
    assert "не загружался" not in lines["direct"]


@pytest.mark.usefixtures("configured")
def test_without_airflow_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    connected(monkeypatch, AIRFLOW_API_CONN, conn_type="http", host="http://127.0.0.1:9", login="a", password="b")
    assert "25 мин" in shown(monkeypatch)["qtickets_sales"]
