"""A load in a process of its own that is killed (SIGKILL) at a named point.

`point` names a method as `module:Class.method`; `when` says before or after it.
"""

import signal
from typing import Any

from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import LoadOptions, LoadServices, load
from tests.kit.fork_server import fork_server
from tests.kit.killed_worker import die_at
from tests.kit.sales import ZONE, FakeSource, ticket, warehouse_at

OPTIONS = LoadOptions(shrink_share=0.9, shrink_keys=50)


def source(numbers: list[int], price: str) -> FakeSource:
    """Orders of these numbers at this price, in small batches."""
    return FakeSource([ticket(number, price=price) for number in numbers], batch=5)


def kill_load(load_id: int, point: str, when: str, **world: Any) -> None:
    """`world`: `port`, `conninfo`, `numbers`, `price`."""
    asked = {"load_id": load_id, "point": point, "when": when, **world}
    code, written = fork_server("tests.kit.killed_load").run(asked)
    assert code == -signal.SIGKILL, written


def main(asked: dict[str, Any]) -> None:
    die_at(asked["point"], asked["when"], "")
    with SalesState.open(asked["conninfo"]) as state, warehouse_at(asked["port"]) as warehouse:
        answer = source(asked["numbers"], asked["price"])
        load(asked["load_id"], LoadServices(state, WarehouseRows(warehouse, ZONE), answer), OPTIONS)
