"""Whole runs under the real Airflow, against what is possible: `python -m benchmarks.makespan --calls 1000 --speed 3`.

Three of them: 59 days, the same once more, and the next night, which looks back on 60 days, one of them new.

Airflow with its scheduler, PostgreSQL and the steps are the real ones; only the outside is simulated. Time is
compressed by configuration: the portal's rate and the recogniser's latency are `speed` times faster, nothing is
skipped. The bound is max(portal requests / rate, seconds of audio sent x latency / lines), by the simulators' journals.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Annotated, Any

import psycopg
import requests
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.processes import Sampler, Shares
from include.domain.errors import ExportError
from ops import postgres
from ops.down import down
from ops.generated import generated
from ops.runtime import Runtime
from ops.settings import VARIABLES, load_settings
from ops.simulated import Simulated, simulate
from ops.up import running_environment, up

PROFILE = "bench"
FIRST_DAY, LAST_DAY_BUT_ONE, LAST_DAY = "2025-06-01", "2025-07-29", "2025-07-30"
ROUND_OF_CALLS, ROUND_OF_RECORDINGS = 20, 16  # of the simulated portal's world
RPS, BUCKET = 2.0, 50
POLL_SECONDS = 0.5
MOST_MB = 300  # of any task's process
MOST_AGAIN_SECONDS = 30  # a complete period again; the next night beside its bound
ENDED = ("success", "failed")

_DAG_RUNS = "SELECT state, start_date, end_date, queued_at FROM dag_run ORDER BY id"
_TASKS = "SELECT count(*) FROM task_instance WHERE state IS DISTINCT FROM 'removed'"
_RECORDS = "SELECT status, count(*) FROM call_records GROUP BY status ORDER BY status"
_MINUTES = "SELECT coalesce(sum(audio_sec), 0) / 60 FROM call_records"


@dataclass(frozen=True, slots=True)
class Plan:
    """`calls` are recordings of a minute; `latency` seconds per minute of audio, before compression.

    `mono`: all of them have one channel, so a call is a request or two, not one for each turn.
    """

    calls: int
    speed: float
    lines: int
    latency: float
    timeout: float
    mono: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What the outside was asked for so far: the portal's requests, the recogniser's, seconds of audio sent."""

    asked: int = 0
    pieces: int = 0
    heard: float = 0.0

    def since(self, before: "Work") -> "Work":
        return Work(self.asked - before.asked, self.pieces - before.pieces, self.heard - before.heard)

    def bounds(self, plan: Plan) -> tuple[float, float]:
        """Seconds that the portal and the recogniser need for it, whatever we do."""
        return self.asked / (RPS * plan.speed), self.heard / 60 * plan.latency / plan.speed / plan.lines


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


def makespan(plan: Plan, console: Console) -> Outcome:
    """Raises ExportError where the system does not start or the run does not end. Leaves nothing running."""
    runtime = Runtime(PROFILE)
    for name in VARIABLES & set(os.environ):  # a real portal must never be asked
        del os.environ[name]
    down(runtime, console)
    shutil.rmtree(runtime.home, ignore_errors=True)
    runtime.make()
    try:
        simulated = _simulated(plan, runtime)
        up(runtime, console)
        return _measured(plan, runtime, simulated, console)
    finally:
        down(runtime, console)


def _simulated(plan: Plan, runtime: Runtime) -> Simulated:
    rounds = -(-plan.calls // ROUND_OF_RECORDINGS)
    return simulate(
        runtime,
        portal=(
            *("--from", FIRST_DAY, "--to", LAST_DAY, "--calls", str(rounds * ROUND_OF_CALLS), "--minute-recordings"),
            *("--rps", str(RPS), "--bucket", str(BUCKET), "--speed", str(plan.speed)),
            *(["--mono-recordings"] if plan.mono else []),
        ),
        recogniser=(
            *("--latency-per-minute", str(plan.latency / plan.speed)),
            *("--requests-per-minute", "1000000"),
        ),
        B24_RATE_LIMIT_RPS=str(RPS * plan.speed),
        B24_BACKOFF_SECONDS=str(5 / plan.speed),
        STT_BACKOFF_SECONDS=str(10 / plan.speed),
        TRANSCRIBE_CONCURRENCY=str(plan.lines),
        BUDGET_USD="1000000",
        CALL_EXPORT_CRON="0 0 1 1 *",  # the schedule must not join in
    )


def _measured(plan: Plan, runtime: Runtime, simulated: Simulated, console: Console) -> Outcome:
    urls = postgres.located(load_settings(runtime.env_file), runtime, generated(runtime))
    with Sampler(runtime) as sampler, console.status("Выгрузка идёт..."):
        _trigger(runtime, LAST_DAY_BUT_ONE)
        state, began, ended = _ended(urls.metadata_url, 1, plan.timeout)
    first = _work(simulated)
    tasks = int(_ask(urls.metadata_url, _TASKS)[0][0])
    records = dict(_ask(urls.state_url, _RECORDS))
    ((minutes,),) = _ask(urls.state_url, _MINUTES)
    shares = sampler.shares()
    with Sampler(runtime) as later:
        with console.status("То же ещё раз..."):
            rerun_seconds = _again(2, LAST_DAY_BUT_ONE, runtime, urls, plan)
        second = _work(simulated)
        with console.status("Следующая ночь..."):
            night_seconds = _again(3, LAST_DAY, runtime, urls, plan)
    night = _work(simulated).since(second)
    peaks = [_by_task(urls.metadata_url, sampled.peaks_mb) for sampled in (shares, later.shares())]
    return Outcome(
        state=state,
        seconds=(ended - began).total_seconds(),
        bounds=first.bounds(plan),
        work=first,
        minutes=float(minutes),
        tasks=tasks,
        records=records,
        shares=shares,
        peaks_mb={task: max(peak.get(task, 0) for peak in peaks) for task in sorted({*peaks[0], *peaks[1]})},
        rerun_seconds=rerun_seconds,
        rerun_work=second.since(first),
        night_seconds=night_seconds,
        night_bounds=night.bounds(plan),
        night_work=night,
        parse_seconds=_parse_seconds(runtime),
    )


def _again(number: int, last_day: str, runtime: Runtime, urls: postgres.Databases, plan: Plan) -> float:
    """Seconds from the command to the end of the n-th run."""
    clicked = time.time()
    _trigger(runtime, last_day)
    state, _, ended = _ended(urls.metadata_url, number, plan.timeout)
    if state != "success":
        raise ExportError(f"Запуск {number} кончился как {state}.")
    return ended.timestamp() - clicked


def _work(simulated: Simulated) -> Work:
    portal, recogniser = _journal(simulated.portal), _journal(simulated.recogniser)
    asked = sum(entry["where"] not in ("storage", "") and not entry["inner"] for entry in portal)
    heard = [float(entry["detail"].get("seconds", 0)) for entry in recogniser if entry["where"] == "transcriptions"]
    return Work(asked, len(heard), sum(heard))


def _trigger(runtime: Runtime, last_day: str) -> None:
    command = [sys.executable, "-m", "jobs.call_export", "--no-follow", "--from", FIRST_DAY, "--to", last_day]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env=running_environment(runtime), cwd=runtime.root, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ExportError(f"Выгрузка не запустилась: {done.stdout[-500:]}{done.stderr[-500:]}")


def _ended(metadata_url: str, number: int, timeout: float) -> tuple[str, datetime, datetime]:
    """State, beginning and end of the n-th DAG run."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        runs = _ask(metadata_url, _DAG_RUNS)
        if len(runs) >= number and runs[number - 1][0] in ENDED:
            state, began, ended, queued = runs[number - 1]
            return state, queued or began, ended
        time.sleep(POLL_SECONDS)
    raise ExportError(f"Запуск {number} не кончился за {timeout:.0f} с.")


def _by_task(metadata_url: str, peaks: dict[str, float]) -> dict[str, float]:
    """The highest of each task, the highest task first."""
    names = {str(identity): str(task) for identity, task in _ask(metadata_url, "SELECT id, task_id FROM task_instance")}
    highest: dict[str, float] = {}
    for identity, peak in peaks.items():
        task = names.get(identity, "?")
        highest[task] = max(highest.get(task, 0), peak)
    return dict(sorted(highest.items(), key=lambda item: -item[1]))


def _parse_seconds(runtime: Runtime) -> float:
    """The median of what the DAG processor itself says of the DAG file; it prints a table twice a minute."""
    log = (runtime.logs / "dag-processor.log").read_text(errors="replace")
    found = re.findall(r"call_export\.py .*?(\d+\.\d+)s +\d{4}-", log)
    return median(map(float, found)) if found else float("nan")


def _ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=30) as connection:
        return connection.execute(question.encode()).fetchall()


def _journal(url: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False  # our own server: never through a proxy
        entries: list[dict[str, Any]] = session.get(f"{url}/__control__/journal", timeout=300).json()
        return entries


def show(plan: Plan, found: Outcome, console: Console) -> None:
    portal, recogniser = found.bounds
    kind = "моно" if plan.mono else "разных"
    table = Table("величина", "значение", title=f"{plan.calls} {kind} звонков по минуте, сжатие {plan.speed:g}")
    table.add_row("конец", found.state)
    table.add_row("от запуска до конца, с", f"{found.seconds:.1f}")
    table.add_row("граница портала, с", f"{portal:.1f} ({found.work.asked} запросов)")
    table.add_row("граница распознавателя, с", f"{recogniser:.1f} ({found.work.pieces} запросов, {plan.lines} линий)")
    table.add_row("отношение к границе", f"{found.ratio:.3f}")
    whole = found.minutes * plan.latency / plan.speed / plan.lines
    table.add_row("к границе, если слать и тишину", f"{found.seconds / max(portal, whole):.3f} ({whole:.1f} с)")
    table.add_row("накладных расходов, с", f"{found.seconds - max(found.bounds):.1f}")
    table.add_row("в несжатом времени, ч", f"{found.seconds * plan.speed / 3600:.2f}")
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
    calls: Annotated[int, typer.Option(help="recordings, rounded up to a whole number of rounds of 16")] = 1000,
    speed: Annotated[float, typer.Option(help="how many times faster portal and recogniser are than real ones")] = 3.0,
    lines: Annotated[int, typer.Option(help="parallel recognitions")] = 10,
    latency: Annotated[float, typer.Option(help="seconds of recognition per minute of audio, uncompressed")] = 24.0,
    bar: Annotated[float, typer.Option(help="the ratio to the bound that is good enough")] = 1.10,
    timeout: Annotated[float, typer.Option(help="seconds to wait for each of the runs")] = 6 * 3600.0,
    mono: Annotated[bool, typer.Option(help="recordings of one channel: a tenth of the requests")] = False,
) -> None:
    """A whole run under the real Airflow, the same period again, the next night. Exit 1 above the bars."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a stopped measurement stops its system as well
    console = Console(width=None if sys.stdout.isatty() else 110)
    plan = Plan(calls, speed, lines, latency, timeout, mono)
    try:
        found = makespan(plan, console)
    except ExportError as error:
        raise SystemExit(str(error)) from None
    show(plan, found, console)
    raise SystemExit(int(not found.kept(bar)))


if __name__ == "__main__":
    typer.run(main)
