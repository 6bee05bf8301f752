"""The share of the portal's rate that two download processes use, and how often the portal refuses.

Time is compressed: the portal's clock, our pace and the latency of a download are all `speed` times faster. The portal
is stricter than the real one: its bucket has two fifths of the size.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from trials.bench.world import START, Result, database

if TYPE_CHECKING:
    from include.common.telephony import TelephonySystem
    from simulators.kit.journal import Entry

RPS, BUCKET = 2.0, 20
WORKERS = 2
ENOUGH = 0.98  # of the allowed rate
SLOW_SECONDS = 3.0  # of one download
DAYS = 30


def use_of_the_rate(folder: Path, minutes: int, speed: int) -> Result:
    """Requests in `minutes` of the portal's time, beside the number that it allows."""
    from simulators.bitrix24.app import PortalSimulator
    from simulators.bitrix24.limits import Limits
    from simulators.bitrix24.world import Audio, Call, PortalWorld
    from simulators.kit.in_process import running
    from simulators.sound.dialogues import record_briefly

    seconds = minutes * 60 / speed
    calls = round(minutes * 60 * RPS * 1.5)  # more than can be downloaded in the time
    world = PortalWorld()
    for number in range(1, calls + 1):
        at = START + timedelta(days=DAYS) / calls * number
        world.add(Call(number, at, file_id=10**6 + number), Audio(partial(record_briefly, number)))
    simulator = PortalSimulator(world, limits=Limits(rps=RPS, bucket=BUCKET, speed=speed))
    with database(folder) as conninfo, running(simulator) as url:
        run_id, batches = _planned(folder, conninfo, url, simulator.token, speed)
        simulator.faults.add("download", "delay", times=-1, seconds=SLOW_SECONDS / speed)
        arguments = [conninfo, url, simulator.token, str(folder), str(run_id), str(speed)]
        workers = [_worker(arguments, batches[number::WORKERS]) for number in range(WORKERS)]
        while simulator.journal.count("download") < WORKERS:
            time.sleep(0.1)
        time.sleep(seconds + 2)
        for worker in workers:
            worker.terminate()
        peaks = [int(worker.communicate(timeout=60)[0] or 0) for worker in workers]
        journal = simulator.journal.entries(inner=False)
    return _figures(journal, seconds, speed, max(peaks))


def _figures(journal: "list[Entry]", seconds: float, speed: int, peak: int) -> Result:
    """Counted from one second after the first download: before that the processes start."""
    began = min(entry.at for entry in journal if entry.where == "download") + 1
    inside = [entry for entry in journal if began <= entry.at < began + seconds]
    files = sum(entry.where == "download" for entry in inside)
    refused = sum(bool(entry.error) for entry in journal)
    share = len(inside) / (seconds * RPS * speed)
    detail = (
        f"{share:.1%} of the allowed rate, refusals {refused}, "
        f"{len(inside) / files:.2f} requests a recording; a download takes {SLOW_SECONDS:g} s, compression {speed}, "
        f"peak memory of a task {peak / 1024:.0f} MB"
    )
    return Result(len(inside), "requests", seconds, detail, kept=share >= ENOUGH and not refused)


def _planned(folder: Path, conninfo: str, url: str, token: str, speed: int) -> tuple[UUID, list[int]]:
    from include.calls.domain.run_request import RunRequest
    from include.calls.policy import load_policy
    from include.calls.state.state import State
    from include.calls.steps.list_calls import list_calls
    from include.calls.steps.open_run import DagRunFacts, open_run
    from include.calls.steps.plan import plan
    from include.clients.storage.local import LocalStorage

    policy = load_policy({"BUDGET_USD": "1000000"})
    end = START + timedelta(days=DAYS, hours=1)
    request = RunRequest(period_from=START.isoformat(), period_to=end.isoformat())
    with State.open(conninfo) as state:
        run_id = open_run(
            request, DagRunFacts("bench", end, "bench", "manual"), state, policy.period, lambda _: False
        ).run_id
        with _client(conninfo, url, token, speed, run_id) as telephony:
            list_calls(run_id, telephony, state)
        return run_id, plan(run_id, state, LocalStorage(folder / "storage"), policy).batches


def _worker(arguments: list[str], batches: list[int]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "trials.bench.downloads", *arguments, *map(str, batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@contextmanager
def _client(conninfo: str, url: str, token: str, speed: int, run_id: UUID) -> "Iterator[TelephonySystem]":
    from include.calls.policy import load_policy
    from include.clients.bitrix24.telephony import PortalSettings, open_telephony
    from include.clients.bitrix24.webhook import Webhook

    settings = PortalSettings(
        rate=RPS * speed,
        burst=load_policy({}).portal.burst,
        recording_hosts=[url.removeprefix("http://")],
        backoff=5 / speed,
    )
    with open_telephony(Webhook.of(url, "1", token), conninfo, settings, run_id=run_id) as telephony:
        yield telephony


def work(conninfo: str, url: str, token: str, folder: str, run_id: str, speed: str, *batches: str) -> None:
    """One process: downloads its batches one after the other, as tasks would, until SIGTERM."""
    import signal

    from include.calls.policy import load_policy
    from include.calls.state.state import State
    from include.calls.steps.download import download_batch
    from include.clients.storage.local import LocalStorage

    signal.signal(signal.SIGTERM, _stopped)
    storage, policy = LocalStorage(Path(folder) / "storage"), load_policy({})
    for batch in batches:
        with State.open(conninfo) as state, _client(conninfo, url, token, int(speed), UUID(run_id)) as telephony:
            download_batch(
                UUID(run_id), int(batch), telephony=telephony, storage=storage, state=state, policy=policy, fresh=True
            )


def _stopped(*_: object) -> None:
    import os

    os.write(1, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss).encode())
    os._exit(0)


if __name__ == "__main__":
    work(*sys.argv[1:])
