"""A load in a process of its own that is killed (SIGKILL) at a named point.

    python -m tests.kit.killed_load '<json>'

`point` names a method as `module:Class.method`; `when` says before or after it.
"""

import json
import signal
import subprocess
import sys
from typing import Any

from include.sales.state.state import SalesState
from include.sales.state.warehouse_rows import WarehouseRows
from include.sales.steps.load import LoadOptions, LoadServices, load
from tests.kit.killed_worker import die_at
from tests.kit.paths import ROOT
from tests.kit.sales import ZONE, FakeSource, ticket, warehouse_at

OPTIONS = LoadOptions(shrink_share=0.9, shrink_keys=50)


def source(numbers: list[int], price: str) -> FakeSource:
    """Orders of these numbers at this price, in small batches."""
    return FakeSource([ticket(number, price=price) for number in numbers], batch=5)


def kill_load(load_id: int, point: str, when: str, **world: Any) -> None:
    """`world`: `port`, `conninfo`, `numbers`, `price`."""
    given = json.dumps({"load_id": load_id, "point": point, "when": when, **world})
    command = [sys.executable, "-m", "tests.kit.killed_load", given]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def main(asked: dict[str, Any]) -> None:
    die_at(asked["point"], asked["when"], "")
    with SalesState.open(asked["conninfo"]) as state, warehouse_at(asked["port"]) as warehouse:
        answer = source(asked["numbers"], asked["price"])
        load(asked["load_id"], LoadServices(state, WarehouseRows(warehouse, ZONE), answer), OPTIONS)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
