"""Whole runs under the real Airflow beside their bound: `python -m trials.bench.makespan --calls 1000 --speed 3`.

Three of them: 59 days, the same once more, and the next night, which looks back on 60 days, one of them new.

Airflow with its scheduler, PostgreSQL and the steps are the real ones; only the outside is simulated. Time is
compressed by configuration: the portal's rate and the recogniser's latency are `speed` times faster, nothing is
skipped. The bound is max(portal requests / rate, seconds of audio sent x latency / lines), by the simulators' journals.
"""

import re
import sys
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.common.errors import ExportError
from trials.bench.processes import Sampler, Shares
from trials.bench.system import (
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
    Work,
    running_system,
)

MOST_MB = 300  # of any task's process
MOST_AGAIN_SECONDS = 30  # a complete period again; the next night beside its bound

_TASKS = "SELECT count(*) FROM task_instance WHERE state IS DISTINCT FROM 'removed'"
_RECORDS = "SELECT status, count(*) FROM call_records GROUP BY status ORDER BY status"
_MINUTES = "SELECT coalesce(sum(audio_sec), 0) / 60 FROM call_records"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds are real ones, from the trigger on; `bounds`: of the portal, of the recogniser; `minutes`: recorded."""

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
        with Sampler(system.runtime) as sampler, console.status("Выгрузка идёт..."):
            system.trigger(LAST_DAY_BUT_ONE)
            state, began, ended = system.ended(1)
        first = system.work()
        ((tasks,),) = system.ask_airflow(_TASKS)
        records = dict(system.ask_state(_RECORDS))
        ((minutes,),) = system.ask_state(_MINUTES)
        shares = sampler.shares()
        with Sampler(system.runtime) as later:
            with console.status("То же ещё раз..."):
                rerun_seconds = system.seconds_of(2, LAST_DAY_BUT_ONE)
            second = system.work()
            with console.status("Следующая ночь..."):
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
    """The median of what the DAG processor itself says of the DAG file; it prints a table twice a minute."""
    log = (system.runtime.logs / "dag-processor.log").read_text(errors="replace")
    found = re.findall(r"call_export\.py .*?(\d+\.\d+)s +\d{4}-", log)
    return median(map(float, found)) if found else float("nan")


def show(load: Load, found: Outcome, console: Console) -> None:
    portal, recogniser = found.bounds
    table = Table("величина", "значение", title=load.kind)
    table.add_row("конец", found.state)
    table.add_row("от запуска до конца, с", f"{found.seconds:.1f}")
    table.add_row("граница портала, с", f"{portal:.1f} ({found.work.asked} запросов)")
    table.add_row("граница распознавателя, с", f"{recogniser:.1f} ({found.work.pieces} запросов, {load.lines} линий)")
    table.add_row("отношение к границе", f"{found.ratio:.3f}")
    whole = found.minutes * load.latency / load.speed / load.lines
    table.add_row("к границе, если слать и тишину", f"{found.seconds / max(portal, whole):.3f} ({whole:.1f} с)")
    table.add_row("накладных расходов, с", f"{found.seconds - max(found.bounds):.1f}")
    table.add_row("в несжатом времени, ч", f"{found.seconds * load.speed / 3600:.2f}")
    table.add_row("задач Airflow", str(found.tasks))
    table.add_row("записи", ", ".join(f"{status} {count}" for status, count in found.records.items()))
    rerun, night = found.rerun_work, found.night_work
    table.add_row("повтор готового периода, с", f"{found.rerun_seconds:.1f} ({rerun.asked}, {rerun.pieces} запросов)")
    table.add_row("следующая ночь за 60 дней, с", f"{found.night_seconds:.1f} ({night.asked}, {night.pieces} запросов)")
    table.add_row("её накладные расходы, с", f"{found.night_seconds - max(found.night_bounds):.1f}")
    table.add_row("разбор файла DAG, с (медиана)", f"{found.parse_seconds:.2f}")
    for task, peak in found.peaks_mb.items():
        table.add_row(f"пик памяти: {task}, МБ", f"{peak:.0f}")
    for name, share in found.shares.of_the_cores(found.seconds).items():
        table.add_row(f"доля ядер: {name}", f"{share:.1%}")
    console.print(table)


def main(
    calls: Calls = 1000,
    speed: Speed = 3.0,
    lines: Lines = 10,
    latency: Latency = 24.0,
    bar: Annotated[float, typer.Option(help="the ratio to the bound that is good enough")] = 1.10,
    timeout: Timeout = 6 * 3600.0,
    mono: Mono = False,
) -> None:
    """A whole run under the real Airflow, the same period again, the next night. Exit 1 above the bars."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    load = Load(calls, speed, lines, latency, timeout, mono)
    try:
        found = makespan(load, console)
    except ExportError as error:
        raise SystemExit(str(error)) from None
    show(load, found, console)
    raise SystemExit(int(not found.kept(bar)))


if __name__ == "__main__":
    typer.run(main)
