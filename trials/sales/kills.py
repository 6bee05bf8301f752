"""Loads that are killed at a random moment, and engines that are: what a reader sees meanwhile, and what is left.

Each round changes the source's truth, begins a load of it in a process, and kills something after a random time:
the load, the ClickHouse engine, all connections of PostgreSQL, or a backup. The load is then tried again until it ends,
as Airflow does. asks every 50 ms: a key that the old and the new truth both have is never missing and never double.
"""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import psycopg

from include.common.errors import ExportError
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import LoadOptions, LoadServices, load
from include.sales.steps.open_run import open_loads
from include.sales.steps.warehouse_backup import back_up
from ops.settings.profile import REPOSITORY
from tests.kit.sales import DAY, NOW, ZONE, FakeSource, ticket
from trials.sales.engines import Engines, settings

OPTIONS = LoadOptions(shrink_share=1.0, shrink_keys=100_000)
WINDOW = Scope(Source.QTICKETS, Stream.ORDERS, Kind.WINDOW, "", DAY, DAY)
DELTA = Scope(Source.QTICKETS, Stream.ORDERS, Kind.DELTA, changed_since=NOW - timedelta(days=30))
VICTIMS = ("load", "engine", "postgresql", "backup")
ORDERS = 400
ATTEMPTS = 30
Truth = dict[int, str]  # price by order


@dataclass
class Seen:
    """What the reader and the checks have seen."""

    killed: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    reads: int = 0
    wrong: list[str] = field(default_factory=list)


def kills(engine: Engines, rounds: int, seed: int) -> Seen:
    chance, seen = random.Random(seed), Seen()
    truth: Truth = dict.fromkeys(range(1, ORDERS + 1), "1000.00")
    _end(engine, truth, WINDOW, "r0")
    usual = _seconds(engine, truth)
    for number in range(1, rounds + 1):
        before, truth = truth, _changed(truth, chance)
        victim, scope = chance.choice(VICTIMS), WINDOW  # a window alone takes away what vanished
        steady = sorted(set(before) & set(truth))
        with _Reader(engine, steady, seen):
            _killed(engine, truth, scope, f"r{number}", victim, chance.uniform(0, 1.2 * usual), seen)
            _end(engine, truth, scope, f"r{number}")
        _compare(engine, truth, f"round {number}, {victim}", seen)
    return seen


def _changed(truth: Truth, chance: random.Random) -> Truth:
    gone = set(chance.sample(sorted(truth), ORDERS // 20))
    kept = {number: price for number, price in truth.items() if number not in gone}
    for number in chance.sample(sorted(kept), ORDERS // 10):
        kept[number] = f"{chance.randrange(1, 5000)}.{chance.randrange(100):02}"
    top = max(truth)
    return kept | {top + new: "777.77" for new in range(1, len(gone) + 1)}


def _killed(engine: Engines, truth: Truth, scope: Scope, run: str, victim: str, after: float, seen: Seen) -> None:
    with _state(engine) as state, engine.warehouse() as warehouse:
        at_least = WarehouseRows(warehouse, ZONE).highest_version()
        (load_id,) = open_loads([scope], run, state, at_least=at_least).load_ids
    what = {
        "load_id": load_id,
        "truth": truth,
        "port": engine.port,
        "conninfo": engine.conninfo,
        "backup": victim == "backup",
    }
    command = [sys.executable, "-m", "trials.sales.kills"]
    child = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(what).encode())
    child.stdin.close()
    child.stdout.readline()  # it begins now
    time.sleep(after)
    if child.poll() is not None:
        seen.ended_before += 1
    seen.killed[victim] += 1
    if victim == "engine":
        engine.kill()
        engine.start()
    elif victim == "postgresql":
        with psycopg.connect(engine.conninfo, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
    else:
        child.send_signal(signal.SIGKILL)
    child.wait(timeout=120)


def _end(engine: Engines, truth: Truth, scope: Scope, run: str) -> None:
    """Tries the load of the run until it ends well, as its task would."""
    for attempt in range(ATTEMPTS):
        try:
            with _state(engine) as state, engine.warehouse() as warehouse:
                rows = WarehouseRows(warehouse, ZONE)
                (load_id,) = open_loads([scope], run, state, at_least=rows.highest_version()).load_ids
                load(load_id, LoadServices(state, rows, _source(truth)), OPTIONS)
                state.leases.release(run)
        except ExportError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.3)
        else:
            return


def _seconds(engine: Engines, truth: Truth) -> float:
    start = time.perf_counter()
    _end(engine, truth, WINDOW, "usual")
    return time.perf_counter() - start


def _compare(engine: Engines, truth: Truth, where: str, seen: Seen) -> None:
    with engine.warehouse() as warehouse:
        shown = dict(warehouse.rows("SELECT order_id, price FROM stg_qtickets_tickets FINAL"))
        count = warehouse.value("SELECT count() FROM stg_qtickets_tickets FINAL")
        total = warehouse.value("SELECT sum(net_revenue) FROM v_sales_daily")
    if shown != {number: Decimal(price) for number, price in truth.items()} or count != len(truth):
        seen.wrong.append(f"{where}: the table is not the truth")
    if total != sum(Decimal(price) for price in truth.values()):
        seen.wrong.append(f"{where}: the view shows {total}")


class _Reader:
    """Asks every 50 ms while the block lasts; an engine that is down gives no answer, which is no wrong one."""

    def __init__(self, engine: Engines, steady: list[int], seen: Seen) -> None:
        self._engine, self._steady, self._seen = engine, steady, seen
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._over.wait(0.05):
            try:
                with self._engine.warehouse() as warehouse:
                    found = warehouse.rows(
                        "SELECT count(), uniqExact(order_id) FROM stg_qtickets_tickets FINAL"
                        " WHERE order_id IN {orders:Array(UInt64)}",
                        orders=self._steady,
                    )
            except ExportError:
                continue
            self._seen.reads += 1
            if found[0] != (len(self._steady), len(self._steady)):
                self._seen.wrong.append(f"a reader saw {found[0]} of {len(self._steady)} keys")


def _source(truth: Truth) -> FakeSource:
    return FakeSource([ticket(number, price=price) for number, price in truth.items()], batch=50)


def _state(engine: Engines) -> SalesState:
    return SalesState.open(engine.conninfo)


def main() -> None:
    """The process that is killed: one load, or one backup, as the request on its input says."""
    from include.clients.clickhouse.warehouse import Warehouse

    asked = json.loads(sys.stdin.read())
    truth = {int(number): price for number, price in asked["truth"].items()}
    with SalesState.open(asked["conninfo"]) as state, Warehouse(settings(asked["port"])) as warehouse:
        print("begins", flush=True)
        if asked["backup"]:
            back_up(
                state,
                warehouse,
                disk="backups",
                mode="full",
                now=NOW + timedelta(seconds=time.time() % 1e6),
                full_hour=2,
            )
        load(asked["load_id"], LoadServices(state, WarehouseRows(warehouse, ZONE), _source(truth)), OPTIONS)


if __name__ == "__main__":
    main()
