"""A load that is killed at any of its steps: readers see each key once, and the next attempt leaves the truth."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import LoadServices, load
from include.sales.steps.open_run import open_loads
from tests.kit.killed_load import OPTIONS, kill_load, source
from tests.kit.sales import DAY, ZONE

pytestmark = [pytest.mark.postgres, pytest.mark.long]
WINDOW = Scope(Source.QTICKETS, Stream.ORDERS, Kind.WINDOW, "", DAY, DAY)
ROWS = "include.sales.state.warehouse_rows:WarehouseRows"
LOADS = "include.sales.state.loads:Loads"
OLD, NEW = list(range(1, 13)), list(range(5, 15))  # four orders vanish, two come


@pytest.fixture
def state(database: str) -> Iterator[SalesState]:
    with SalesState.open(database) as state:
        yield state


@pytest.mark.parametrize(
    ("point", "when"),
    [
        ("include.sales.steps.spool:Spool.add", "after"),
        (f"{LOADS}.begin_writing", "after"),
        (f"{ROWS}.insert_text", "after"),
        (f"{ROWS}.tombstone_absent", "after"),
        (f"{ROWS}.cover", "before"),
        (f"{LOADS}.finish", "before"),
        (f"{LOADS}.finish", "after"),
    ],
)
def test_a_killed_load_leaves_no_gap_and_no_duplicate(
    point: str, when: str, database: str, clickhouse_server: int, warehouse: Warehouse, state: SalesState
) -> None:
    rows = WarehouseRows(warehouse, ZONE)
    (first,) = open_loads([WINDOW], "r1", state, at_least=rows.highest_version()).load_ids
    load(first, LoadServices(state, rows, source(OLD, "100.00")), OPTIONS)
    state.leases.release("r1")
    (second,) = open_loads([WINDOW], "r2", state, at_least=rows.highest_version()).load_ids

    world = {"port": clickhouse_server, "conninfo": database, "numbers": NEW, "price": "200.00"}
    kill_load(second, point, when, **world)
    seen = warehouse.rows("SELECT order_id, count(), any(price) FROM stg_qtickets_tickets FINAL GROUP BY order_id")
    assert {count for _, count, _ in seen} == {1}
    assert {order for order, _, _ in seen} >= set(OLD) & set(NEW), "a key that both know is never missing"

    load(second, LoadServices(state, rows, source(NEW, "200.00")), OPTIONS)
    shown = "SELECT order_id, price FROM stg_qtickets_tickets FINAL ORDER BY order_id"
    truth = [(number, Decimal("200.00")) for number in NEW]
    assert warehouse.rows(shown) == truth
    warehouse.run("OPTIMIZE TABLE stg_qtickets_tickets FINAL")
    assert warehouse.rows(shown) == truth
