"""What several hosts survive, and what they do faster than one; with the packages of `.venv-cluster`.

python -m trials.hosts claims --rounds 1000     two owners of one call, behind PgBouncer in transaction mode
python -m trials.hosts kills --kills 20         an export on two hosts, of which something is killed all the time
python -m trials.hosts lost                     a host vanishes while it holds locks
python -m trials.hosts speed                    one worker of 10 lines, then two workers of 20
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.calls.state.migrate import migrate
from trials.hosts.kills import Evidence, Kill, Kind, Run
from trials.hosts.lost_host import freed_after
from trials.hosts.pooler import pooled
from trials.hosts.servers import postgresql
from trials.hosts.system import Size, system
from trials.hosts.two_owners import two_owners
from trials.hosts.verdict import Bar, Timed, bars_of_kills, bars_of_speed

BRIEF_SECONDS = 1.7  # of speech in a simulated recording
KILL_COSTS_SECONDS = 60.0  # of the run for each kill
REQUEST_SECONDS = 20.0
FREED_SECONDS = 30.0
WITH_TEXT = 0.75  # of the simulated portal's calls
IN_MEMORY = Path("/dev/shm")  # noqa: S108
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
commands = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)
Seed = Annotated[int, typer.Option(help="the same number gives the same order")]


@commands.command("claims")
def claims_behind_a_pooler(rounds: Annotated[int, typer.Option(min=2)] = 1000, seed: Seed = 1) -> None:
    """Rounds of two owners who want one call; pauses at their statements; PgBouncer in between."""
    with _folder() as folder, postgresql(folder / "pg") as url:
        migrate(url)
        (folder / "pooler").mkdir()
        with pooled(url, folder / "pooler", ignored="options") as behind:
            seen = two_owners(behind, rounds, seed)
    console.print(
        f"rounds {seen.rounds}: claims granted {seen.granted}, refused {seen.refused}; leases lost in a pause "
        f"{seen.lost}, saves that came too late and changed nothing {seen.late}; both held it {seen.both_held}, "
        f"both saved it {seen.saved_twice}, neither saved it {seen.unsaved}"
    )
    good = seen.rounds == rounds and not (seen.both_held or seen.saved_twice or seen.unsaved)
    raise typer.Exit(0 if good else 1)


@commands.command()
def kills(
    kills: Annotated[int, typer.Option(min=1)] = 20,
    calls: Annotated[int, typer.Option(help="of the simulated portal; 0: as many as the kills need")] = 0,
    seed: Seed = 1,
) -> None:
    """Two workers on hosts of their own: {task, worker, host, link, scheduler, Redis, PostgreSQL, stop}."""
    size = Size(seed=seed, latency=round(REQUEST_SECONDS * 60 / BRIEF_SECONDS, 1))
    size = replace(size, calls=calls or int(kills * KILL_COSTS_SECONDS * size.lines / REQUEST_SECONDS / WITH_TEXT))
    with _folder() as folder, system(folder, size) as running:
        done, seen = Run(running, seed, console).play(kills)
    raise typer.Exit(0 if _shown(done, seen, kills) else 1)


@commands.command()
def lost() -> None:
    """A host whose link goes down closes no connection: when its locks are free."""
    with _folder() as folder:
        seconds = freed_after(folder)
    console.print(f"free after {seconds:.0f} s, bar {FREED_SECONDS:.0f}")
    raise typer.Exit(0 if seconds <= FREED_SECONDS else 1)


@commands.command()
def speed(
    seconds: Annotated[float, typer.Option(help="of recognition with ten lines")] = 600.0,
    request: Annotated[float, typer.Option(help="seconds of a request")] = 14.0,
    seed: Seed = 1,
) -> None:
    """One worker of 10 lines, then two workers of 20: how much sooner the same period is done."""
    calls, runs = int(seconds * 10 / request / WITH_TEXT), []
    for workers, lines in ((1, 10), (2, 20)):
        size = Size(workers, 10, lines, calls, latency=round(request * 60 / BRIEF_SECONDS, 1), seed=seed)
        with _folder() as folder, system(folder, size) as running:
            _, seen = Run(running, seed, console).play(0)
        runs.append(Timed(workers, lines, seen, request))
        console.print(f"{workers} workers, {lines} lines: {seen.seconds:.0f} s for {seen.requests} requests")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    raise typer.Exit(0 if _held(bars_of_speed(*runs), f"load of this machine at the end: {load}") else 1)


def _shown(done: list[Kill], seen: Evidence, wanted: int) -> bool:
    table = Table("victim", "kills", "until work went on, s", "emptied, s", title="what was killed")
    for kind in Kind:
        some = [kill for kill in done if kill.kind is kind]
        shown = ", ".join("never" if kill.wait is None else f"{kill.wait:.0f}" for kill in some)
        table.add_row(kind, str(len(some)), shown, ", ".join(f"{kill.emptied:.0f}" for kill in some if kill.emptied))
    console.print(table)
    return _held(bars_of_kills(done, seen, wanted), f"{seen.seconds:.0f} s")


def _held(bars: list[Bar], title: str) -> bool:
    result = Table("what", "measured", "bar", "held", title=title)
    for bar in bars:
        result.add_row(bar.what, bar.measured, bar.bar, "[green]yes[/]" if bar.held else "[red]no[/]")
    console.print(result)
    return all(bar.held for bar in bars)


@contextmanager
def _folder() -> Iterator[Path]:
    """Outside of /tmp, which every host has for itself; in memory where there is room."""
    where = IN_MEMORY if IN_MEMORY.is_dir() else Path.home()
    folder = Path(tempfile.mkdtemp(prefix="call-export-hosts-", dir=where))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    commands()
