"""The health page of sales: inside Airflow under `/zakaz`, and as a process of its own; over a real engine."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from include.calls.names import METRICS_CONN
from include.clients.clickhouse.warehouse import Warehouse
from include.common.names import AIRFLOW_API_CONN
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.names import WAREHOUSE_CONN
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import LoadOptions, LoadServices, load
from include.sales.steps.open_run import open_loads
from jobs import sales_health
from plugins.web.sales import health_app
from simulators.kit.in_process import running
from tests.kit.airflow_connections import connected, connected_to_sales
from tests.kit.sales import DAY, ZONE, FakeSource, ticket, vk_day

pytestmark = pytest.mark.postgres
TOKEN = "a-token-of-this-test"
ORDERS = Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA)
ADS = Scope(Source.VK_ADS, Stream.STATS, Kind.WINDOW, "5", DAY, DAY)


@pytest.fixture
def pages(
    monkeypatch: pytest.MonkeyPatch, database: str, clickhouse_server: int, warehouse: Warehouse
) -> Iterator[tuple[str, str]]:
    """URL of the page inside Airflow, and of the one beside it; a ticket and an ad are loaded."""
    connected_to_sales(monkeypatch, database, clickhouse_server, warehouse)
    connected(monkeypatch, METRICS_CONN, conn_type="generic", password=TOKEN)
    heartbeat = {"scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-11-29T12:00:00+00:00"}}
    monkeypatch.setattr(health_app, "_airflow", lambda: "scheduler healthy")
    airflow = Starlette(routes=[Route("/api/v2/monitor/health", lambda _: JSONResponse(heartbeat))])
    with SalesState.open(database) as opened:
        rows, now = WarehouseRows(warehouse, ZONE), datetime.now(UTC)
        beyond = vk_day(DAY, 0, "25.00", campaign_id=0)
        source = FakeSource([ticket(1)], days=[vk_day(DAY, 1, "75.00"), beyond], now=now)
        for load_id in open_loads([ORDERS, ADS], "r1", opened, at_least=0).load_ids:
            load(load_id, LoadServices(opened, rows, source), LoadOptions(shrink_share=1, shrink_keys=1))
    with (
        running(Starlette(routes=[Mount("/zakaz", health_app.app)])) as inside,
        running(sales_health.make_app(ZONE)) as beside,
        running(airflow) as api,
    ):
        connected(monkeypatch, AIRFLOW_API_CONN, conn_type="http", host=api)
        yield f"{inside}/zakaz", beside


def read(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Authorization": f"Bearer {TOKEN}", **headers}, timeout=30)


def test_both_pages_answer_in_the_customers_shapes(pages: tuple[str, str]) -> None:
    for page in pages:
        assert read(f"{page}/healthz").json()["checks"] == {"clickhouse": "ok"}
        found = read(f"{page}/healthz/detailed")
        body = found.json()
        assert found.status_code == (503 if body["status"] == "error" else 200)
        assert set(body["checks"]) == {"clickhouse", "state", "airflow", "data_freshness", "job_runs", "backups"}
        assert [body["checks"][part]["status"] for part in ("clickhouse", "state", "airflow")] == ["ok"] * 3
        assert body["checks"]["airflow"]["message"].startswith("scheduler")
        fresh = read(f"{page}/healthz/freshness").json()
        assert {row["source"] for row in fresh["data"]} == {"qtickets_sales", "vk_ads", "direct"}
        names = {"source", "latest_date", "days_behind", "total_rows", "covered_until", "status"}
        assert set(fresh["data"][0]) == names


def test_what_is_no_page_is_404_and_json(pages: tuple[str, str]) -> None:
    """A page of Airflow's interface with 200 would be a green light for ever."""
    for page in pages:
        for path in ("healthz/", "healthz/other", "docs", "openapi.json", ""):
            answer = read(f"{page}/{path}")
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), path


def test_the_page_inside_airflow_is_for_who_may_read_it(pages: tuple[str, str]) -> None:
    for path in ("healthz", "metrics"):
        assert requests.get(f"{pages[0]}/{path}", timeout=30).status_code == 401


def test_metrics_tell_of_every_source(pages: tuple[str, str]) -> None:
    for page in pages:
        families = text_string_to_metric_families(read(f"{page}/metrics").text)
        found = {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}
        assert found[("zakaz_rows_loaded_total", "qtickets")] == 1
        assert found[("zakaz_rows_loaded_total", "vk_ads")] == 2
        assert found[("zakaz_up", "clickhouse")] == found[("zakaz_up", "airflow")] == 1
        assert ("zakaz_load_seconds", "vk_ads") in found
        assert ("zakaz_api_requests_total", "answered", "vk_ads") in found


def test_a_dead_warehouse_is_503_and_the_rest_is_told(pages: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    connected(monkeypatch, WAREHOUSE_CONN, conn_type="clickhouse", host="127.0.0.1", port=9, schema="zakaz",
                login="default", password="", extra={})  # fmt: skip
    for page in pages:
        assert read(f"{page}/healthz").status_code == 503
        body = read(f"{page}/healthz/detailed").json()
        assert (body["checks"]["clickhouse"]["status"], body["checks"]["state"]["status"]) == ("error", "ok")
        assert read(f"{page}/healthz/freshness").status_code == 503
        assert 'zakaz_up{part="clickhouse"} 0.0' in read(f"{page}/metrics").text


def test_an_airflow_without_a_scheduler_is_an_error(pages: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    connected(monkeypatch, AIRFLOW_API_CONN, conn_type="http", host="http://127.0.0.1:9")
    found = read(f"{pages[1]}/healthz/detailed")
    assert found.status_code == 503
    assert found.json()["checks"]["airflow"]["status"] == "error"
