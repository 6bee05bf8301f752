"""Backups of the warehouse, alerts and the health page, on a real engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.common.errors import Permanent
from include.sales.domain.rows import Coverage, Table
from include.sales.domain.scopes import Source
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.copy_logs import copy_logs
from include.sales.steps.notify import notify
from include.sales.steps.warehouse_backup import back_up, contents, restore_check, verify
from include.sales.steps.watch import watch
from tests.kit.sales import ZONE, ticket

pytestmark = pytest.mark.postgres


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


@pytest.fixture
def rows(warehouse: Warehouse) -> WarehouseRows:
    found = WarehouseRows(warehouse, ZONE)
    found.insert(Table.TICKETS, [ticket(number) for number in range(1, 50)], 1)
    return found


def backed_up(state: SalesState, warehouse: Warehouse, at: datetime, mode: str = "auto") -> str:
    return back_up(state, warehouse, disk="backups", mode=mode, now=at, full_hour=2)  # type: ignore[arg-type]


def test_a_full_and_an_incremental_backup_restore_to_what_they_held(
    state: SalesState, warehouse: Warehouse, rows: WarehouseRows
) -> None:
    now = datetime.now(UTC)
    full = backed_up(state, warehouse, now)
    rows.insert(Table.TICKETS, [ticket(100)], 2)
    incremental = backed_up(state, warehouse, now + timedelta(seconds=1))
    verify(state, incremental)
    assert (full[-4:], incremental[-4:]) == ("full", "incr")
    assert restore_check(state, warehouse, disk="backups").backup == incremental
    older = restore_check(state, warehouse, disk="backups", name=full)
    assert older.manifest["stg_qtickets_tickets"]["rows"] == 49
    assert warehouse.value("SELECT count() FROM system.databases WHERE name = 'zakaz_restore'") == 0


def test_one_changed_row_is_found(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    """A comparison by count alone, or by a hash that is NULL, would pass."""
    before = contents(warehouse, warehouse.database)
    rows.insert(Table.TICKETS, [ticket(1, price="1000.01")], 3)
    after = contents(warehouse, warehouse.database)
    table = "stg_qtickets_tickets"
    assert before[table]["rows"] == after[table]["rows"]
    assert before[table]["hash"] != after[table]["hash"]


def test_a_chain_without_its_base_is_not_verified(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    now = datetime.now(UTC)
    full = backed_up(state, warehouse, now + timedelta(seconds=10), "full")
    incremental = backed_up(state, warehouse, now + timedelta(seconds=11))
    state.backups.pruned(full)
    with pytest.raises(Permanent) as refused:
        verify(state, incremental)
    assert refused.value.code == "backup_missing"


def test_a_trouble_is_one_alert_until_it_is_over(state: SalesState, warehouse: Warehouse, rows: WarehouseRows) -> None:
    now, sent = datetime.now(UTC).replace(microsecond=0), []

    def mail(subject: str, text: str) -> bool:
        sent.append((subject, text))
        return True

    def covered(hours: int, load_id: int) -> None:
        at = now - timedelta(hours=hours)
        row = Coverage("qtickets", "orders", "", at.astimezone(ZONE).date(), at, 1, Decimal("1.00"), at)
        rows.insert(Table.COVERAGE, [row], load_id)

    covered(8, 5)
    for _ in range(3):
        watch(state, warehouse, [Source.QTICKETS], now)
        notify(state, {"email": mail})
    assert [one.code for one in state.alerts.open()] == ["stale_data"]
    assert len(sent) == 1, "three looks, one letter"
    assert "make sales-load SOURCE=qtickets" in sent[0][1]
    covered(0, 6)
    watch(state, warehouse, [Source.QTICKETS], now)
    notify(state, {"email": mail})
    assert state.alerts.open() == []
    assert len(sent) == 2
    copy_logs(state, warehouse)
    assert warehouse.rows("SELECT code, resolved_at IS NOT NULL FROM alerts") == [("stale_data", 1)]


def test_a_dead_mail_server_leaves_the_alert_to_be_sent(state: SalesState) -> None:
    state.alerts.see("job_failed", "error", job="qtickets", message="x")
    assert notify(state, {"email": lambda _subject, _text: False}) == 0
    assert {one.code for one in state.alerts.open()} == {"job_failed", "mail_send_failed"}
    assert notify(state, {"email": lambda _subject, _text: True}) >= 1


def test_alerts_work_with_the_warehouse_down(state: SalesState) -> None:
    with Warehouse(WarehouseSettings("127.0.0.1", 1, "u", "", "zakaz", secure=False)) as down:
        watch(state, down, [Source.QTICKETS], datetime.now(UTC))
    assert [(one.code, one.source) for one in state.alerts.open()] == [("health", "clickhouse")]
