"""Whole runs under the real Airflow beside their bound: `python -m trials.bench.makespan --calls 1000 --speed 3`.

Three runs: 59 days, the same again, and the next night, which covers 60 days, one of them new.

Airflow with its scheduler, PostgreSQL and the steps are real; the outside systems are simulated. Time is compressed by
configuration: the portal's rate and the recogniser's latency are `speed` times faster, and no work is skipped. Bound:
max(portal requests / rate, seconds of audio sent x latency / slots), by the simulators' journals.
"""

import re
import sys
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.calls.names import DAG_ID
from include.common.errors import ExportError
from trials.bench.processes import Sampler, Shares
from trials.bench.system import (
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
    Work,
    running_system,
)

MOST_MB = 300  # of a task's process
MOST_AGAIN_SECONDS = 30  # a complete period again; the next night beside its bound

_TASKS = f"SELECT count(*) FROM task_instance WHERE dag_id = '{DAG_ID}' AND state IS DISTINCT FROM 'removed'"
_RECORDS = "SELECT status, count(*) FROM recordings GROUP BY status ORDER BY status"
_MINUTES = "SELECT coalesce(sum(audio_sec), 0) / 60 FROM recordings"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds are real ones, from the trigger; `bounds`: of the portal, of the recogniser; `minutes`: recorded."""

    state: str
    seconds: float
    bounds: tuple[float, float]
    work: Work
    minutes: float
    tasks: int
    records: dict[str, int]
    shares: Shares
    peaks_mb: dict[str, float]
    rerun_seconds: float
    rerun_work: Work
    night_seconds: float
    night_bounds: tuple[float, float]
    night_work: Work
    parse_seconds: float

    def kept(self, bar: float) -> bool:
        again = max(self.rerun_seconds, self.night_seconds - max(self.night_bounds))
        light = max(self.peaks_mb.values(), default=0) <= MOST_MB
        return self.state == "success" and self.ratio <= bar and light and again <= MOST_AGAIN_SECONDS

    @property
    def ratio(self) -> float:
        return self.seconds / max(self.bounds)


def makespan(load: Load, console: Console) -> Outcome:
    """Raises ExportError where the system does not start or a run does not end."""
    with running_system(load, console) as system:
        with Sampler(system.runtime) as sampler, console.status("the first run..."):
            system.trigger(LAST_DAY_BUT_ONE)
            state, began, ended = system.ended(1)
        first = system.work()
        ((tasks,),) = system.ask_airflow(_TASKS)
        records = dict(system.ask_state(_RECORDS))
        ((minutes,),) = system.ask_state(_MINUTES)
        shares = sampler.shares()
        with Sampler(system.runtime) as later:
            with console.status("the same period again..."):
                rerun_seconds = system.seconds_of(2, LAST_DAY_BUT_ONE)
            second = system.work()
            with console.status("the next night..."):
                night_seconds = system.seconds_of(3, LAST_DAY)
        night = system.work().since(second)
        peaks = [system.by_task(sampled.peaks_mb) for sampled in (shares, later.shares())]
        return Outcome(
            state=state,
            seconds=(ended - began).total_seconds(),
            bounds=first.bounds(load),
            work=first,
            minutes=float(minutes),
            tasks=int(tasks),
            records=records,
            shares=shares,
            peaks_mb={task: max(peak.get(task, 0) for peak in peaks) for task in sorted({*peaks[0], *peaks[1]})},
            rerun_seconds=rerun_seconds,
            rerun_work=second.since(first),
            night_seconds=night_seconds,
            night_bounds=night.bounds(load),
            night_work=night,
            parse_seconds=_parse_seconds(system),
        )


def _parse_seconds(system: System) -> float:
    """The median parse time of the DAG file in the table that the DAG processor prints twice a minute."""
    log = (system.runtime.logs / "dag-processor.log").read_text(errors="replace")
    found = re.findall(r"call_export\.py .*?(\d+\.\d+)s +\d{4}-", log)
    return median(map(float, found)) if found else float("nan")


def show(load: Load, found: Outcome, console: Console) -> None:
    portal, recogniser = found.bounds
    table = Table("figure", "value", title=load.kind)
    table.add_row("end", found.state)
    table.add_row("from the trigger to the end, s", f"{found.seconds:.1f}")
    table.add_row("bound of the portal, s", f"{portal:.1f} ({found.work.requests} requests)")
    table.add_row("bound of the recogniser, s", f"{recogniser:.1f} ({found.work.pieces} requests, {load.slots} slots)")
    table.add_row("ratio to the bound", f"{found.ratio:.3f}")
    whole = found.minutes * load.latency / load.speed / load.slots
    table.add_row("ratio, if silence were sent too", f"{found.seconds / max(portal, whole):.3f} ({whole:.1f} s)")
    table.add_row("overhead, s", f"{found.seconds - max(found.bounds):.1f}")
    table.add_row("uncompressed, h", f"{found.seconds * load.speed / 3600:.2f}")
    table.add_row("Airflow's tasks", str(found.tasks))
    table.add_row("records", ", ".join(f"{status} {count}" for status, count in found.records.items()))
    rerun, night = found.rerun_work, found.night_work
    table.add_row("complete period again, s", f"{found.rerun_seconds:.1f} ({rerun.requests}, {rerun.pieces} requests)")
    table.add_row("next night of 60 days, s", f"{found.night_seconds:.1f} ({night.requests}, {night.pieces} requests)")
    table.add_row("overhead of the night, s", f"{found.night_seconds - max(found.night_bounds):.1f}")
    table.add_row("parsing the DAG file, s (median)", f"{found.parse_seconds:.2f}")
    for task, peak in found.peaks_mb.items():
        table.add_row(f"peak memory: {task}, MB", f"{peak:.0f}")
    for name, share in found.shares.of_the_cores(found.seconds).items():
        table.add_row(f"share of the cores: {name}", f"{share:.1%}")
    console.print(table)


def main(
    calls: Calls = 1000,
    speed: Speed = 3.0,
    slots: Slots = 10,
    latency: Latency = 24.0,
    bar: Annotated[float, typer.Option(help="the highest accepted ratio to the bound")] = 1.10,
    timeout: Timeout = 6 * 3600.0,
    mono: Mono = False,
) -> None:
    """A whole run under the real Airflow, the same period again, the next night. Exits with 1 above the bars."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    load = Load(calls, speed, slots, latency, timeout, mono)
    try:
        found = makespan(load, console)
    except ExportError as error:
        raise SystemExit(str(error)) from None
    show(load, found, console)
    raise SystemExit(int(not found.kept(bar)))


if __name__ == "__main__":
    typer.run(main)
