"""The next night under the real Airflow: 60 days, 59 complete; then the same 60 days again.

    python -m trials.bench.night --speed 1

The 59 days are put into the database and the storage as the tasks of an earlier run would have left them. Then follow a
run of a day without calls and half a minute of waiting: the system is warm and the disk idle. Listing, plan with its
copies, the new day's batches, registry and report are real. The bound is that of `trials.bench.makespan`.
"""

import sys
import time
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from include.calls.domain.run_request import RunRequest
from include.calls.domain.states import RecordStatus
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.open_run import DagRunFacts, open_run
from include.clients.storage.local import LocalStorage
from include.common.errors import ExportError
from include.common.telephony import RecordingRequest
from ops.one_machine.simulated_services import WEBHOOK_USER
from trials.bench.earlier import complete_run, unpaced_portal
from trials.bench.processes import Sampler
from trials.bench.system import (
    FIRST_DAY,
    LAST_DAY,
    LAST_DAY_BUT_ONE,
    Calls,
    Latency,
    Load,
    Mono,
    Slots,
    Speed,
    System,
    Timeout,
    running_system,
)

DAY_BEFORE = "2025-05-31"
AFTERWARDS = datetime(2025, 7, 30, 2, tzinfo=UTC)
MADE_BEFORE = 200
QUIET_SECONDS = 30  # the disk is still writing 17,000 files
MOST_SECONDS = 25  # above the bound
MOST_AGAIN_SECONDS = 8  # the complete period again

_STATUSES = """
SELECT count(*) FILTER (WHERE record.status = 'completed' AND reused_from_run_id IS NULL),
       count(*) FILTER (WHERE record.status = 'completed' AND reused_from_run_id IS NOT NULL),
       count(DISTINCT batch_no),
       coalesce(sum(audio_sec) FILTER (WHERE record.status = 'completed' AND reused_from_run_id IS NULL), 0) / 60
  FROM call_records record JOIN call_exports USING (run_id)
 WHERE dag_run_id <> 'earlier'
"""


def night(load: Load, console: Console) -> tuple[float, float]:
    """Prints a table; returns the overhead and the time of the same period again, in seconds.

    Raises ExportError where a run does not succeed or the period is bought again.
    """
    with running_system(load, console) as system:
        with console.status("59 earlier days..."):
            _earlier_run(system)
        with console.status("warming up..."):
            system.seconds_of(1, DAY_BEFORE, DAY_BEFORE)
            time.sleep(QUIET_SECONDS)
        before = system.work()
        with Sampler(system.runtime) as sampler, console.status("the night..."):
            seconds = system.seconds_of(2, LAST_DAY)
        work = system.work().since(before)
        ((bought, reused, batches, minutes),) = system.ask_state(_STATUSES)
        shares = sampler.shares()
        peaks = system.by_task(shares.peaks_mb)
        with console.status("the same period again..."):
            again_seconds = system.seconds_of(3, LAST_DAY)
        again = system.work().since(before).since(work)
        if again.pieces:
            raise ExportError(f"the complete period was recognised again: {again.pieces} requests")
    portal, recogniser = work.bounds(load)
    overhead = seconds - max(portal, recogniser)
    table = Table("figure", "value", title=f"Night: {load.kind}")
    table.add_row("from the command to the end, s", f"{seconds:.1f}")
    table.add_row("bound of the portal, s", f"{portal:.1f} ({work.requests} requests)")
    table.add_row("bound of the recogniser, s", f"{recogniser:.1f} ({work.pieces} requests, {load.slots} slots)")
    table.add_row("overhead, s", f"{overhead:.1f}")
    whole = max(portal, float(minutes) * load.latency / load.speed / load.slots)
    table.add_row("overhead, if silence were sent too, s", f"{seconds - whole:.1f} (bound {whole:.1f})")
    table.add_row("new texts, reused texts, batches", f"{bought}, {reused}, {batches}")
    table.add_row("peak memory, MB", ", ".join(f"{task} {peak:.0f}" for task, peak in peaks.items()))
    cores = shares.of_the_cores(seconds)
    table.add_row("share of the cores", ", ".join(f"{name} {share:.0%}" for name, share in cores.items()))
    table.add_row(
        "the same period again, from the command to the end, s", f"{again_seconds:.1f} ({again.requests} requests)"
    )
    console.print(table)
    return overhead, again_seconds


def _earlier_run(system: System) -> None:
    request = RunRequest(period_from=FIRST_DAY, period_to=LAST_DAY_BUT_ONE)
    simulated = system.simulated
    with (
        State.open(system.urls.state_url) as state,
        unpaced_portal(simulated.portal, WEBHOOK_USER, simulated.token) as telephony,
    ):
        run = open_run(
            request,
            DagRunFacts("earlier", AFTERWARDS, "bench", "manual"),
            state,
            load_policy({}).period,
            lambda _: False,
        )
        complete_run(run.run_id, telephony, state, LocalStorage(system.runtime.storage))
        records = list(state.recordings.of_run(run.run_id, {RecordStatus.COMPLETED}))
        at_once = telephony.links_at_once
        for start in range(0, MADE_BEFORE, at_once):  # the simulated portal makes its few recordings in advance
            chunk = records[start : start + at_once]
            telephony.links([RecordingRequest(one.key, one.statistics_id, one.recording_ref) for one in chunk])


def main(
    calls: Calls = 9000,
    speed: Speed = 1.0,
    slots: Slots = 10,
    latency: Latency = 20.0,
    timeout: Timeout = 3600.0,
    mono: Mono = False,
) -> None:
    """One night beside its bound, and the same period again. Exits with 1 above a bar."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        overhead, again = night(Load(calls, speed, slots, latency, timeout, mono), console)
    except ExportError as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(int(overhead > MOST_SECONDS or again > MOST_AGAIN_SECONDS))


if __name__ == "__main__":
    typer.run(main)
