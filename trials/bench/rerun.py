"""The cost of a run that buys (almost) nothing: the same period again, and the next night of 60 days.

The simulated portal has no limits, so only our own work is measured.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from trials.bench.earlier import complete_run, unpaced_portal
from trials.bench.world import START, Result, database, free_port

if TYPE_CHECKING:
    from include.calls.state.state import State
    from include.clients.storage.base import Storage
    from include.common.telephony import TelephonySystem
    from simulators.bitrix24.world import PortalWorld

DAYS = 60


def rerun(folder: Path, calls: int) -> Result:
    """The same complete period again."""
    from include.clients.storage.local import LocalStorage

    return _again(folder, calls, later=timedelta(0), storage=LocalStorage(folder / "storage"))


def daily(folder: Path, calls: int) -> Result:
    """The next night: 60 days of which one is new. Its new calls are not downloaded here."""
    from include.clients.storage.local import LocalStorage

    return _again(folder, calls, later=timedelta(days=1), storage=LocalStorage(folder / "storage"))


def daily_on_s3(folder: Path, calls: int) -> Result:
    """The same on a simulated S3 (moto, in a process of its own)."""
    with _s3() as storage:
        return _again(folder, calls, later=timedelta(days=1), storage=storage)


def _again(folder: Path, calls: int, *, later: timedelta, storage: "Storage") -> Result:
    from include.calls.state.state import State
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.limits import Limits
    from simulators.kit.in_process import running

    simulator = PortalSimulator(_world(calls), limits=Limits(rps=1e6, bucket=10**6))
    with database(folder) as conninfo, running(simulator) as url, State.open(conninfo) as state:
        with unpaced_portal(url, "1", simulator.token) as telephony:
            complete_run(_opened(state, START, "earlier"), telephony, state, storage)
            simulator.journal.clear()
            seconds, reused = _steps(telephony, state, storage, later)
        downloads = simulator.journal.count("download")
        requests = len(simulator.journal.entries(inner=False))
    steps = ", ".join(f"{name} {spent:.1f}" for name, spent in seconds.items())
    detail = f"{steps}; reused texts {reused}, requests to the portal {requests}, downloads {downloads}"
    return Result(calls, "calls", sum(seconds.values()), detail, kept=not downloads)


def _steps(
    telephony: "TelephonySystem", state: "State", storage: "Storage", later: timedelta
) -> tuple[dict[str, float], int]:
    """Seconds of each step, and the number of reused texts."""
    from include.calls.policy import load_policy
    from include.calls.steps.close_run import close_run
    from include.calls.steps.list_calls import list_calls
    from include.calls.steps.plan import plan
    from include.calls.steps.publish import publish

    policy = load_policy({"BUDGET_USD": "1000000"})
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        seconds[name] = time.perf_counter() - began

    run_id = _opened(state, START + later, "again")
    timed("list_calls", lambda: list_calls(run_id, telephony, state))
    timed("plan", lambda: plan(run_id, state, storage, policy))
    timed("publish", lambda: publish(run_id, state, storage, policy))
    timed("close_run", lambda: close_run(run_id, state, policy, upstream_failed=None))
    return seconds, state.runs.progress(run_id).reused


def _opened(state: "State", start: datetime, name: str) -> UUID:
    from include.calls.domain.run_request import RunRequest
    from include.calls.policy import load_policy
    from include.calls.steps.open_run import DagRunFacts, open_run

    end = start + timedelta(days=DAYS) - timedelta(seconds=1)
    request = RunRequest(period_from=start.isoformat(), period_to=end.isoformat())
    facts = DagRunFacts(name, end + timedelta(hours=2), "bench", "manual")
    return open_run(request, facts, state, load_policy({}).period, lambda _: False).run_id


def _world(calls: int) -> "PortalWorld":
    """A world with one day more than the period, and the same number of calls on each day."""
    from simulators.bitrix24.world import Audio, Call, PortalWorld

    world, silence = PortalWorld(), Audio(b"")
    step = timedelta(days=DAYS) / calls
    for number in range(calls + calls // DAYS):
        world.add(Call(number + 1, START + step * number, duration=60, file_id=10**6 + number), silence)
    return world


@contextmanager
def _s3() -> "Iterator[Storage]":
    import boto3
    from botocore.config import Config

    from include.clients.storage.s3 import S3Storage

    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port := free_port())]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106 - a simulated service
            config=Config(retries={"total_max_attempts": 10}, max_pool_connections=32),
        )
        client.create_bucket(Bucket="bench")
        yield S3Storage("bench", "", client)
    finally:
        server.terminate()
        server.wait(timeout=30)
