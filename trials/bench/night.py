"""The next night under the real Airflow: 60 days, 59 complete: `python -m trials.bench.night --speed 1`.

The 59 days are put into the database and the storage as an earlier run's tasks would have left them. Then a run of a
day without calls, and half a minute: a night finds a system that works and a disk that is idle. Listing, plan with its
copies, the new day's batches, registry and report are the real ones. The bound is that of `trials.bench.makespan`.
"""

import sys
import time
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from include.calls.domain.states import RecordStatus
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.open_run import RunRequest, open_run
from include.clients.storage.local import LocalStorage
from include.common.errors import ExportError
from include.common.telephony import RecordingRequest
from ops.one_machine.simulated_services import WEBHOOK_USER
from trials.bench.earlier import BATCH, complete_run, unpaced_portal
from trials.bench.processes import Sampler
from trials.bench.system import (
    FIRST_DAY,
    LAST_DAY,
    LAST_DAY_BUT_ONE,
    Calls,
    Latency,
    Lines,
    Load,
    Mono,
    Speed,
    System,
    Timeout,
    running_system,
)

DAY_BEFORE = "2025-05-31"
AFTERWARDS = datetime(2025, 7, 30, 2, tzinfo=UTC)
MADE_BEFORE = 200
QUIET_SECONDS = 30  # a disk is busy with 17,000 files for a while
MOST_SECONDS = 30  # beside the bound

_STATUSES = """
SELECT count(*) FILTER (WHERE record.status = 'completed' AND reused_from_run_id IS NULL),
       count(*) FILTER (WHERE record.status = 'completed' AND reused_from_run_id IS NOT NULL),
       count(DISTINCT batch_no),
       coalesce(sum(audio_sec) FILTER (WHERE reused_from_run_id IS NULL), 0) / 60
  FROM call_records record JOIN call_exports USING (run_id)
 WHERE dag_run_id <> 'earlier'
"""


def night(load: Load, console: Console) -> float:
    """Prints; returns the overhead in seconds. Raises ExportError where the run does not end well."""
    with running_system(load, console) as system:
        with console.status("59 дней..."):
            _earlier_run(system)
        with console.status("Система согревается..."):
            system.seconds_of(1, DAY_BEFORE, DAY_BEFORE)
            time.sleep(QUIET_SECONDS)
        before = system.work()
        with Sampler(system.runtime) as sampler, console.status("Ночь..."):
            seconds = system.seconds_of(2, LAST_DAY)
        work = system.work().since(before)
        ((bought, reused, batches, minutes),) = system.ask_state(_STATUSES)
        shares = sampler.shares()
        peaks = system.by_task(shares.peaks_mb)
    portal, recogniser = work.bounds(load)
    overhead = seconds - max(portal, recogniser)
    table = Table("величина", "значение", title=f"Ночь: {load.kind}")
    table.add_row("от команды до конца, с", f"{seconds:.1f}")
    table.add_row("граница портала, с", f"{portal:.1f} ({work.asked} запросов)")
    table.add_row("граница распознавателя, с", f"{recogniser:.1f} ({work.pieces} запросов, {load.lines} линий)")
    table.add_row("накладных расходов, с", f"{overhead:.1f}")
    whole = max(portal, float(minutes) * load.latency / load.speed / load.lines)
    table.add_row("их же, если слать и тишину, с", f"{seconds - whole:.1f} (граница {whole:.1f})")
    table.add_row("новых текстов, готовых, пачек", f"{bought}, {reused}, {batches}")
    table.add_row("пик памяти, МБ", ", ".join(f"{task} {peak:.0f}" for task, peak in peaks.items()))
    cores = shares.of_the_cores(seconds)
    table.add_row("доля ядер", ", ".join(f"{name} {share:.0%}" for name, share in cores.items()))
    console.print(table)
    return overhead


def _earlier_run(system: System) -> None:
    request = RunRequest("earlier", AFTERWARDS, "bench", "manual", FIRST_DAY, LAST_DAY_BUT_ONE)
    simulated = system.simulated
    with (
        State(system.urls.state_url) as state,
        unpaced_portal(simulated.portal, WEBHOOK_USER, simulated.token) as telephony,
    ):
        run = open_run(request, state, load_policy({}))
        complete_run(run.run_id, telephony, state, LocalStorage(system.runtime.storage))
        records = state.batch_records(run.run_id, BATCH, {RecordStatus.COMPLETED})
        at_once = telephony.links_at_once
        for start in range(0, MADE_BEFORE, at_once):  # the simulated portal makes its few recordings now
            chunk = records[start : start + at_once]
            telephony.links([RecordingRequest(one.key, one.statistics_id, str(one.file_id)) for one in chunk])


def main(
    calls: Calls = 9000,
    speed: Speed = 1.0,
    lines: Lines = 10,
    latency: Latency = 20.0,
    timeout: Timeout = 3600.0,
    mono: Mono = False,
) -> None:
    """One night beside its bound. Exit 1 above the bar."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        overhead = night(Load(calls, speed, lines, latency, timeout, mono), console)
    except ExportError as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(int(overhead > MOST_SECONDS))


if __name__ == "__main__":
    typer.run(main)
