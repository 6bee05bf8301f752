"""The tasks of the loaders over real hooks, the four simulators and a real engine; Airflow itself is not needed."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from cryptography.fernet import Fernet
from psycopg.conninfo import conninfo_to_dict

from include.calls.names import STATE_CONN
from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import AccessDenied
from include.common.wording import connections as texts
from include.sales import names
from include.sales.domain.rows import Coverage, Table
from include.sales.state.warehouse_rows import WarehouseRows
from plugins.hooks import sales_source_hooks as hooks
from plugins.hooks import sales_sources
from plugins.sales import operations, tasks
from plugins.sales import sales_assets as assets
from plugins.sales.operators.load_operator import LoadOperator
from simulators.kit.advertising import Figures
from simulators.kit.in_process import running
from simulators.qtickets.app import TOKEN, QticketsSimulator
from simulators.vk_ads.app import CLIENT_ID, CLIENT_SECRET, VkAdsSimulator
from simulators.yandex_direct.app import TOKEN as DIRECT_TOKEN
from simulators.yandex_direct.app import DirectSimulator
from tests.kit.sales import ZONE
from tests.kit.sales_sources import ACCOUNT, FIRST, LAST, LOGIN, NOW, account, office

pytestmark = pytest.mark.postgres
WINDOW = {"date_from": FIRST.isoformat(), "date_to": LAST.isoformat()}


class World:
    """The simulators, and the notes and states that Airflow would keep."""

    def __init__(self) -> None:
        self.qtickets = QticketsSimulator(office())
        self.ads = VkAdsSimulator({ACCOUNT: account("vk")}, clock=lambda: datetime.now(UTC).timestamp())
        self.direct = DirectSimulator({LOGIN: account("yandex", seed=2)})
        self.notes: list[str] = []
        self.failed: str | None = None
        self.events: list[dict[str, Any]] = []


@pytest.fixture
def world(
    monkeypatch: pytest.MonkeyPatch, database: str, clickhouse_server: int, warehouse: Warehouse
) -> Iterator[World]:
    made = World()
    with ExitStack() as stack:
        urls = [stack.enter_context(running(one)) for one in (made.qtickets, made.ads, made.direct)]
        state: dict[str, Any] = dict(conninfo_to_dict(database))
        connections = {
            STATE_CONN: {
                "conn_type": "postgres", "schema": state.pop("dbname"), "login": state.pop("user", None),
                "extra": state,
            },
            names.WAREHOUSE_CONN: {
                "conn_type": "clickhouse", "host": "127.0.0.1", "port": clickhouse_server, "schema": warehouse.database,
                "login": "default", "extra": {"embedded": True},
            },
            names.QTICKETS_CONN: {"conn_type": "generic", "host": f"{urls[0]}/api/rest/v1", "password": TOKEN},
            names.VK_ADS_CONN: {
                "conn_type": "generic", "host": urls[1], "login": CLIENT_ID, "password": CLIENT_SECRET,
                "extra": {"accounts": [str(ACCOUNT)]},
            },
            names.DIRECT_CONN: {
                "conn_type": "generic", "host": f"{urls[2]}/json/v501", "password": DIRECT_TOKEN,
                "extra": {"logins": [LOGIN]},
            },
        }  # fmt: skip
        for conn_id, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        key = Fernet.generate_key().decode()
        monkeypatch.setattr(sales_sources, "_fernet_keys", lambda: key)
        monkeypatch.setattr(sales_sources, "_now", lambda: NOW)
        monkeypatch.setattr(tasks, "note", lambda _context, text: made.notes.append(text))
        monkeypatch.setattr(tasks, "failed_upstream", lambda _context, _ids: made.failed)
        monkeypatch.setattr(tasks, "task_states", lambda _context, _ids: {})
        yield made


def context(world: World, run: str, **params: Any) -> Any:
    events = {assets.PUBLISHED: SimpleNamespace(add=lambda asset, extra: world.events.append({asset.name: extra}))}
    dag_run = SimpleNamespace(
        dag_id="zakaz", run_id=run, run_after=NOW, run_type=SimpleNamespace(value="manual"), logical_date=None
    )
    return {
        "params": params,
        "dag_run": dag_run,
        "ti": SimpleNamespace(task_id="load"),
        "outlet_events": events,
    }


def run(world: World, job: str, name: str, **params: Any) -> list[int]:
    """One DAG run, task by task; returns the rows of each load."""
    at = context(world, name, **params)
    load_ids = tasks.open_run(at, job)
    tasks.preflight(at, job)
    rows = [tasks.load(at, job, load_id) for load_id in load_ids]
    tasks.publish(at, job)
    tasks.close_run(at, job)
    return rows


def test_three_sources_come_into_the_views_to_the_kopeck(world: World, warehouse: Warehouse) -> None:
    run(world, "qtickets", "r0", hours_back=24 * 60)
    run(world, "qtickets_days", "r1", **WINDOW)
    run(world, "vk_ads", "r2", **WINDOW)
    run(world, "direct", "r3", **WINDOW)
    truth = {day: one.revenue - one.refunds for day, one in world.qtickets.office.truth().items()}
    shown = dict(warehouse.rows("SELECT d, sum(net_revenue) FROM v_sales_daily WHERE currency = 'RUB' GROUP BY d"))
    assert {day: money for day, money in shown.items() if money} == {
        day: money for day, money in truth.items() if money
    }
    spent = dict(warehouse.rows("SELECT d, sum(spend) FROM v_ad_spend_daily WHERE source = 'vk_ads' GROUP BY d"))
    assert spent == {day: Decimal(money) for day, money in world.ads.accounts[ACCOUNT].truth().items()}
    spent = dict(warehouse.rows("SELECT d, sum(spend) FROM v_ad_spend_daily WHERE source = 'direct' GROUP BY d"))
    assert spent == {day: Decimal(money) for day, money in world.direct.accounts[LOGIN].truth().items()}
    runs = dict(warehouse.rows("SELECT job, status FROM meta_job_runs"))
    assert runs == {"qtickets": "success", "qtickets_days": "success", "vk_ads": "success", "direct": "success"}
    assert [list(event) for event in world.events] == [["zakaz/sales"]] * 2 + [["zakaz/ads"]] * 2


def test_no_buyer_is_in_either_database(world: World, warehouse: Warehouse, database: str) -> None:
    run(world, "qtickets_days", "r1", **WINDOW)
    words = ("@", "+7", "Иванов")
    found = str(warehouse.rows("SELECT * FROM stg_qtickets_tickets"))
    with psycopg.connect(database) as connection:
        for table in ("loads", "job_runs", "alerts", "events"):
            found += str(connection.execute(f"SELECT * FROM sales.{table}".encode()).fetchall())
    assert [word for word in words if word in found] == []


def test_a_source_that_refuses_makes_the_run_red_once(world: World, database: str) -> None:
    world.qtickets.token = "another"
    at = context(world, "red")
    load_ids = tasks.open_run(at, "qtickets")
    with pytest.raises(AccessDenied):
        tasks.preflight(at, "qtickets")
    world.failed = "preflight"
    for _ in range(2):
        with pytest.raises(AirflowFailException):
            tasks.close_run(at, "qtickets")
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT status, error_code FROM sales.job_runs").fetchall() == [
            ("error", "source_unauthorized")
        ]
        assert connection.execute(
            "SELECT code, resolved_at FROM sales.alerts WHERE code IN ('job_failed', 'source_rights')"
        ).fetchall() == [("source_rights", None)]
        assert connection.execute("SELECT count(*) FROM sales.leases").fetchone() == (0,)
    assert load_ids
    world.qtickets.token, world.failed = TOKEN, None
    run(world, "qtickets", "green")
    with psycopg.connect(database) as connection:
        assert (
            connection.execute(
                "SELECT code FROM sales.alerts WHERE resolved_at IS NULL AND code = 'source_rights'"
            ).fetchall()
            == []
        )


def test_alerts_look_at_the_data_unless_told_to_send_alone(
    world: World, warehouse: Warehouse, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "note", lambda _context, text: world.notes.append(text))
    monkeypatch.setattr(operations, "channels", dict)
    days = [datetime.now(UTC).date() - timedelta(days=number) for number in (1, 4)]
    rows = [Coverage("vk_ads", "stats", str(ACCOUNT), day, NOW, 0, Decimal(0), NOW) for day in days]
    WarehouseRows(warehouse, ZONE).insert(Table.COVERAGE, rows, 1)

    def opened() -> set[str]:
        with psycopg.connect(database) as connection:
            return {code for (code,) in connection.execute("SELECT code FROM sales.alerts WHERE resolved_at IS NULL")}

    operations.alert(context(world, "a1", check_health=False))
    assert opened() == set()
    operations.alert(context(world, "a2", check_health=True))
    assert "coverage_gap" in opened()


def test_a_source_that_is_not_configured_is_skipped(world: World) -> None:
    with pytest.raises(AirflowSkipException):
        tasks.open_run(context(world, "r"), "gmail")


def test_a_dry_run_writes_nothing(world: World, warehouse: Warehouse) -> None:
    rows = run(world, "qtickets_days", "dry", dry_run=True, **WINDOW)
    assert sum(rows) > 100
    assert warehouse.value("SELECT count() FROM stg_qtickets_tickets") == 0
    assert "Проба" in " ".join(world.notes)


def test_a_backfill_loads_exactly_its_day(world: World, warehouse: Warehouse) -> None:
    at = context(world, "backfill")
    at["dag_run"].run_type.value = "backfill"
    at["dag_run"].logical_date = datetime(2026, 11, 6, 0, 30, tzinfo=UTC)  # 03:30 in Moscow
    (load_id,) = tasks.open_run(at, "qtickets_days")
    tasks.load(at, "qtickets_days", load_id)
    days = warehouse.rows("SELECT DISTINCT toDate(order_created_at, 'Europe/Moscow') FROM stg_qtickets_tickets")
    assert [str(day) for (day,) in days] == ["2026-11-05"]


def test_a_report_is_waited_for_without_a_slot(world: World) -> None:
    from airflow.sdk.exceptions import TaskDeferred

    world.direct.polls = 1
    at = context(world, "wait", **WINDOW)
    (load_id,) = tasks.open_run(at, "direct")
    operator = LoadOperator(task_id="load", job="direct", load_id=load_id)
    waits = 0
    method, kwargs = "execute", {}
    for _ in range(10):
        try:
            rows = getattr(operator, method)(at, **kwargs)
        except TaskDeferred as deferred:
            waits, method, kwargs = waits + 1, deferred.method_name, deferred.kwargs or {}
        else:
            break
    assert rows > 0
    assert waits >= 1


def test_direct_goes_back_to_the_day_that_it_has_corrected(world: World, warehouse: Warehouse, database: str) -> None:
    """The usual window is thirty days; an older day is read again when Direct says that its figures changed."""
    account, old = world.direct.accounts[LOGIN], date(2026, 9, 1)
    ad = account.ads[0]

    def spent() -> Decimal:
        return Decimal(warehouse.value("SELECT sum(spend) FROM v_ad_spend_daily WHERE d = {old:Date}", old=old))

    def begins(name: str) -> date:
        with psycopg.connect(database) as connection:
            found = connection.execute("SELECT scope->>'first' FROM sales.loads WHERE dag_run_id = %s", [name])
            return date.fromisoformat(found.fetchall()[0][0])

    def direct_says(at: datetime) -> None:
        world.direct.clock = lambda: at

    direct_says(NOW)
    account.days[(ad.id, old)] = Figures(100, 2, Decimal("10.00"))
    run(world, "direct", "history", date_from="2026-08-20", date_to="2026-09-10")
    run(world, "direct", "first")
    assert (spent(), begins("first")) == (Decimal("10.00"), date(2026, 10, 12))

    account.days[(ad.id, old)] = Figures(100, 1, Decimal("7.50"))
    run(world, "direct", "unaware")
    assert spent() == Decimal("10.00"), "nobody has said that it changed"
    world.direct.corrected[ad.campaign_id] = (NOW + timedelta(hours=1), old)
    world.direct.has_changes = False
    run(world, "direct", "unanswered")
    assert (spent(), begins("unanswered")) == (Decimal("10.00"), date(2026, 10, 12)), "the usual days are loaded"

    world.direct.has_changes = True
    world.direct.faults.add("changes", "status", times=20, status=200, body={"result": {}})
    run(world, "direct", "not as documented")
    world.direct.faults.clear()
    assert begins("not as documented") == date(2026, 10, 12), "a refinement never keeps a source from being loaded"

    direct_says(NOW + timedelta(hours=2))
    load_ids = tasks.open_run(context(world, "corrected"), "direct")
    world.direct.corrected.clear()
    assert tasks.open_run(context(world, "corrected"), "direct") == load_ids, "a repeated task opens none twice"
    run(world, "direct", "corrected")
    assert (spent(), begins("corrected")) == (Decimal("7.50"), old)

    world.direct.corrected[ad.campaign_id] = (NOW + timedelta(hours=1), old)
    run(world, "direct", "after")
    assert begins("after") == date(2026, 10, 12), "what was read is not read again"


def test_the_test_button_says_whether_a_source_lets_us_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Airflow's form does it: under a name of its own, with lists as a person writes them."""
    for hook in (hooks.QticketsHook, hooks.VkAdsHook, hooks.YandexDirectHook):
        conn = json.loads(os.environ[f"AIRFLOW_CONN_{hook.default_conn_name.upper()}"])
        extra = {name: ", ".join(value) for name, value in conn.get("extra", {}).items()}
        for conn_id, changed in (("tried", {}), ("tried_too", {"password": "wrong"})):
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(conn | {"extra": extra} | changed))
        assert hook("tried").test_connection() == (True, texts.SOURCE_ANSWERS), hook
    assert hooks.QticketsHook("tried_too").test_connection()[0] is False
    accepted, why = hooks.YandexDirectHook("tried_too").test_connection()
    assert not accepted
    assert re.search("[а-я]", why)
    assert hooks.VkAdsHook("nosuch").test_connection()[0] is False
