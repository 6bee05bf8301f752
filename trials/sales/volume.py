"""Many orders from the source's JSON into the views, through the product's own client rows, projection and load.

The pages are what the simulated source would send; only the network between is left out. One task, as Airflow runs it:
a process of its own, whose peak of memory is its own.
"""

import json
import multiprocessing
import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from include.clients.qtickets.qtickets_rows import order_from_row
from include.sales.domain.rows import Table
from include.sales.domain.scopes import Batch, Counters, Fetched, Kind, Scope, Source, Stream
from include.sales.domain.tickets import tickets_of
from include.sales.policy import load_sales_policy
from include.sales.state import warehouse_schema
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import BLOCK_ROWS, WarehouseRows, columns
from include.sales.steps.load import LoadOptions, LoadServices, load
from include.sales.steps.open_run import open_loads
from include.sales.steps.warehouse_backup import back_up, restore_check
from simulators.kit.advertising import labels_of
from simulators.qtickets.app import order_json
from simulators.qtickets.box_office import seeded_box_office
from trials.sales.engines import Engines, settings

FIRST = date(2025, 1, 1)
DAYS = 600
PAGE = 100
_TEMPLATES = 500  # different orders; numbers and days differ in each
OPTIONS = LoadOptions(shrink_share=0.2, shrink_keys=50)
WINDOW = Scope(Source.QTICKETS, Stream.ORDERS, Kind.WINDOW, "", FIRST, FIRST + timedelta(days=DAYS))


@dataclass
class ManyOrders:
    """A `SalesSource` of `count` orders, by the day of their creation. Their JSON is made before it is timed."""

    count: int

    def accounts(self) -> tuple[str, ...]:
        return ("",)

    def check_access(self) -> None:
        pass

    def close(self) -> None:
        pass

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:  # noqa: ARG002
        counters = Counters(covered_until=datetime(2026, 11, 1, tzinfo=UTC))
        return Fetched(self._batches(counters), counters)

    def _batches(self, counters: Counters) -> Iterator[Batch]:
        zone = load_sales_policy({}).zone
        for page in pages(self.count):
            orders = [order_from_row(row) for row in json.loads(page, parse_float=Decimal)["data"]]
            rows = [row for order in orders for row in tickets_of(order, zone, "RUB", counters)]
            yield Batch(Table.TICKETS, tuple(rows), frozenset(order.order_id for order in orders))


def pages(count: int) -> Iterator[bytes]:
    labels = labels_of("vk", FIRST)
    office = seeded_box_office(7, FIRST, FIRST, _TEMPLATES, labels)
    texts = [
        json.dumps(order_json(order), default=float)
        .replace('"id": ', '"id": @', 1)
        .replace(FIRST.isoformat(), "~day~")
        .replace(datetime.combine(FIRST + timedelta(days=1), datetime.min.time()).date().isoformat(), "~day~")
        for order in office.orders.values()
    ]
    chance = random.Random(1)
    for start in range(0, count, PAGE):
        numbers = range(start, min(start + PAGE, count))
        rows = (_order(chance.choice(texts), number, count) for number in numbers)
        yield b'{"data": [' + ", ".join(rows).encode() + b"]}"


def _order(text: str, number: int, count: int) -> str:
    day = FIRST + timedelta(days=number * DAYS // count)
    at = text.index("@")
    end = text.index(",", at)
    return f"{text[:at]}{number + 1}{text[end:]}".replace("~day~", day.isoformat())


def volume(engine: Engines, count: int, *, again: bool) -> dict[str, str]:
    """What was measured, by what it is. Processor time does not depend on who else uses the machine."""
    floor = _in_a_process(_bare, engine, min(count, 100_000))
    first = _in_a_process(_load, engine, count)
    found = {
        "orders": f"{count:,}",
        "tickets": f"{first['rows']:,}",
        "orders/s, source to verified rows": f"{count / first['seconds']:,.0f}",
        "of it fetched and projected, s": f"{first['fetched']:.1f}",
        "of it written, tombstoned, read back, s": f"{first['seconds'] - first['fetched']:.1f}",
        "rows/s written": f"{first['rows'] / (first['seconds'] - first['fetched']):,.0f}",
        "rows/s of the bare client": f"{floor['rows'] / floor['seconds']:,.0f}",
        "orders/s of the task's processor time": f"{count / first['cpu']:,.0f}",
        "processor time, us/row: whole load, bare insert": (
            f"{1e6 * first['cpu'] / first['rows']:.1f}, {1e6 * floor['cpu'] / floor['rows']:.1f}"
        ),
        "peak of the task, MB": f"{first['peak'] / 1e3:,.0f}",
        "engine after it, MB": f"{engine.memory / 1e6:,.0f}",
    }
    if again:
        found |= _again(engine, count, first)
    found |= _views(engine)
    return found | _copies(engine)


def _again(engine: Engines, count: int, first: dict[str, Any]) -> dict[str, str]:
    again = _in_a_process(_load, engine, count)
    with engine.warehouse() as warehouse:
        rows = warehouse.value("SELECT count() FROM stg_qtickets_tickets FINAL")
    content = "identical" if again["digest"] == first["digest"] else "DIFFERS"
    count_of_rows = "identical" if rows == first["rows"] else "DIFFERS"
    return {"the same window again": f"content {content}, count {count_of_rows}, {again['seconds']:.1f} s"}


def _views(engine: Engines) -> dict[str, str]:
    found = {}
    with engine.warehouse() as warehouse:
        for view in warehouse_schema.views():
            start = time.perf_counter()
            warehouse.rows(f"SELECT * FROM {view.name} LIMIT 1000")
            found[f"{view.name}, s"] = f"{time.perf_counter() - start:.2f}"
    return found


def _copies(engine: Engines) -> dict[str, str]:
    with SalesState.open(engine.conninfo) as state, engine.warehouse() as warehouse:
        start = time.perf_counter()
        back_up(state, warehouse, disk="backups", mode="full", now=datetime.now(UTC), full_hour=2)
        made = time.perf_counter()
        restore_check(state, warehouse, disk="backups")
        restored = time.perf_counter()
    return {"BACKUP with its manifest, s": f"{made - start:.1f}", "restored, compared, s": f"{restored - made:.1f}"}


def _in_a_process(work: Any, engine: Engines, count: int) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(work, (engine.conninfo, engine.port, count))
        return found


def _load(conninfo: str, port: int, count: int) -> dict[str, Any]:
    from include.clients.clickhouse.warehouse import Warehouse

    source = ManyOrders(count)
    with SalesState.open(conninfo) as state, Warehouse(settings(port)) as warehouse:
        rows = WarehouseRows(warehouse, load_sales_policy({}).zone)
        run = f"run-{rows.highest_version()}"
        (load_id,) = open_loads([WINDOW], run, state, at_least=rows.highest_version()).load_ids
        start, cpu = time.perf_counter(), time.process_time()
        loaded = load(load_id, LoadServices(state, rows, source), OPTIONS)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        state.leases.release(run)
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "SELECT extract(epoch FROM writing_at - opened_at)::float FROM sales.loads WHERE load_id = %s", [load_id]
        ).fetchone()
    assert found is not None
    return {
        "rows": loaded.rows,
        "seconds": seconds,
        "fetched": float(found[0]),
        "cpu": cpu,
        "digest": loaded.content_hash,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _bare(conninfo: str, port: int, count: int) -> dict[str, Any]:  # noqa: ARG001 - the shape of `_load`
    """The client's own insert of the same rows in blocks of the same size, into a table that is dropped again."""
    from include.clients.clickhouse.warehouse import Warehouse

    made = [(*row, 1, 0) for batch in ManyOrders(count).fetch(WINDOW, report_name="").batches for row in batch.rows]
    named = (*columns(Table.TICKETS), "_ver", "_deleted")
    with Warehouse(settings(port)) as warehouse:
        warehouse.run("CREATE TABLE bare AS stg_qtickets_tickets ENGINE = MergeTree ORDER BY (order_id, basket_id)")
        start, cpu = time.perf_counter(), time.process_time()
        for at in range(0, len(made), BLOCK_ROWS):
            warehouse.insert("bare", named, made[at : at + BLOCK_ROWS])
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        warehouse.run("DROP TABLE bare")
    return {"rows": len(made), "seconds": seconds, "cpu": cpu}
