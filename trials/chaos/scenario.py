"""One chaos run: a system of its own exports many recordings while its processes are killed."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from include.common.errors import ExportError
from ops.one_machine import postgres
from ops.one_machine.down import down
from ops.one_machine.simulated_services import Simulated, simulate
from ops.one_machine.up import running_environment, up
from ops.settings.env_file import VARIABLES, load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from trials.chaos.databases import Databases, Try
from trials.chaos.evidence import Evidence, collect
from trials.chaos.victims import Kind, Victim, choose, kinds, scheduler_pid

PROFILE = "chaos"
DAYS = (date(2025, 8, 1), date(2025, 8, 5))
ROUND_OF_CALLS, ROUND_OF_RECORDINGS = 20, 16  # of the simulated portal's world
SLOTS = 4
# Seconds between a restart and the next kill. Airflow needs half a minute to notice a dead scheduler: with shorter
# pauses no scheduler would ever start work, and the trial would show nothing.
PAUSES = {
    Kind.TASK: (2.0, 12.0),
    Kind.TASK_AND_PARENT: (2.0, 12.0),
    Kind.SCHEDULER: (15.0, 35.0),
    Kind.POSTGRES: (15.0, 35.0),
}
KILL_COSTS_SECONDS = 18.0  # of undisturbed work for each kill; a run with kills lasts at least half as long again
BRIEF_SECONDS = 1.7  # of speech in a simulated recording
POLL_SECONDS = 0.25
RESTART_SECONDS = 300.0
RUN_SECONDS = 1800.0
WORK = "batch.transcribe"
ENDED = ("success", "failed")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Plan:
    kills: int
    recordings: int
    seed: int


@dataclass(frozen=True, slots=True)
class Kill:
    """`task` and `index` where a task was killed. `restarted_at`: when the victim ran again."""

    kind: Kind
    at: datetime
    restarted_at: datetime
    task: str = ""
    index: int = -1


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waits`: seconds from each kill until the interrupted work continued; None where it never did."""

    kills: list[Kill]
    waits: list[float | None]
    status: str
    seconds: float
    evidence: Evidence


def chaos(plan: Plan, console: Console) -> Outcome:
    """Raises ExportError where the system does not start or its run does not end. Stops the system at the end."""
    runtime = Runtime(PROFILE)
    for name in VARIABLES & set(os.environ):  # no request may reach a real portal
        del os.environ[name]
    down(runtime, console)
    shutil.rmtree(runtime.home, ignore_errors=True)  # texts of an earlier run would be reused
    runtime.make()
    try:
        simulated = _simulated(plan, runtime)
        up(runtime, console)
        return _Run(plan, runtime, simulated, console).play()
    finally:
        down(runtime, console)


def _simulated(plan: Plan, runtime: Runtime) -> Simulated:
    rounds = -(-plan.recordings // ROUND_OF_RECORDINGS)
    response_seconds = plan.kills * KILL_COSTS_SECONDS * SLOTS / plan.recordings
    return simulate(
        runtime,
        portal=(
            *("--from", str(DAYS[0]), "--to", str(DAYS[1]), "--calls", str(rounds * ROUND_OF_CALLS)),
            *("--seed", str(plan.seed), "--brief-recordings", "--rps", "1000", "--bucket", "1000"),
        ),
        recogniser=("--latency-per-minute", f"{response_seconds * 60 / BRIEF_SECONDS:.1f}"),
        B24_BACKOFF_SECONDS="0.5",
        STT_BACKOFF_SECONDS="1",
        TRANSCRIBE_CONCURRENCY=str(SLOTS),
    )


class _Run:
    """From the trigger to the evidence."""

    def __init__(self, plan: Plan, runtime: Runtime, simulated: Simulated, console: Console) -> None:
        self._plan, self._runtime, self._simulated, self._console = plan, runtime, simulated, console
        self._rng = random.Random(plan.seed)
        settings = load_settings(runtime.env_file)
        urls = postgres.located(settings, runtime, generated(runtime, settings))
        self._databases = Databases(urls.state_url, urls.metadata_url)

    def play(self) -> Outcome:
        began = time.monotonic()
        self._trigger()
        with self._console.status("waiting for the first recognitions..."):
            self._until(self._working, RESTART_SECONDS, "the first recognition")
        kills = self._kill_all()
        with self._console.status("no more kills, the run continues to its end..."):
            self._until(self._ended, RUN_SECONDS - (time.monotonic() - began), "the end of the run")
        run = self._databases.export_run()
        assert run is not None  # noqa: S101 - its tasks have worked
        return Outcome(
            kills=kills,
            waits=self._waits(kills),
            status=run[2],
            seconds=time.monotonic() - began,
            evidence=collect(run[0], self._databases, self._simulated, self._runtime.storage),
        )

    def _trigger(self) -> None:
        first, last = DAYS
        command = [sys.executable, "-m", "jobs.call_export", "--no-follow", "--from", str(first), "--to", str(last)]
        environment = running_environment(self._runtime)
        if subprocess.run(command, env=environment, cwd=self._runtime.root, check=False).returncode != 0:
            raise ExportError("the run was not triggered")

    def _kill_all(self) -> list[Kill]:
        """The planned number, or fewer if the run ends before."""
        kills: list[Kill] = []
        with Progress(console=self._console, transient=True) as bar:
            line = bar.add_task("kill -9", total=self._plan.kills)
            for kind in kinds(self._rng, self._plan.kills):
                kill = self._until(partial(self._kill_one, kind), RESTART_SECONDS, f"a victim: {kind}")
                if not isinstance(kill, Kill):
                    break
                kills.append(kill)
                bar.update(line, advance=1, description=f"kill -9: {kind}")
                time.sleep(self._rng.uniform(*PAUSES[kind]))
        return kills

    def _kill_one(self, kind: Kind) -> Kill | bool:
        """False where no process of that kind runs at the moment, True where the run has ended."""
        if self._ended():
            return True
        victim = choose(kind, self._runtime, self._rng)
        if victim is None:
            return False
        task = self._databases.task_of(victim.task) if victim.task else ("", -1)
        if task is None:
            return False
        at = datetime.now(UTC)
        victim.kill()
        self._until(partial(self._runs_again, victim), RESTART_SECONDS, f"the restart: {kind}")
        return Kill(kind, at, datetime.now(UTC), *task)

    def _runs_again(self, victim: Victim) -> bool:
        if victim.kind is Kind.POSTGRES:
            pid = postgres.running_pid(self._runtime.postgres)
            return pid is not None and pid not in victim.pids and self._databases.respond()
        if victim.kind is Kind.SCHEDULER:
            return scheduler_pid(self._runtime) not in (None, *victim.pids)
        return True  # Airflow starts a task again later: see `waits`

    def _waits(self, kills: list[Kill]) -> list[float | None]:
        """Work continues with the killed task, a task that the new scheduler queued, or a move of any record."""
        run = self._databases.export_run()
        assert run is not None  # noqa: S101
        tries, moves = self._tries(), self._databases.moves(run[0])
        return [
            0.0 if nothing_was_left(kill, tries) else _seconds_until(kill.at, signs(kill, tries, moves))
            for kill in kills
        ]

    def _working(self) -> bool:
        return any(one.task == WORK and one.started_at for one in self._tries())

    def _tries(self) -> list[Try]:
        run = self._databases.export_run()
        return self._databases.tries(run[1]) if run else []

    def _ended(self) -> bool:
        return self._databases.dag_run_state() in ENDED

    def _until(self, look: Callable[[], Found | None], seconds: float, what: str) -> Found:
        """The first true result of `look`; raises ExportError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                raise ExportError(f"{what}: not seen within {seconds:.0f} s; see {self._runtime.logs}")
            time.sleep(POLL_SECONDS)
        return found


def signs(kill: Kill, tries: list[Try], moves: list[datetime]) -> list[datetime]:
    if kill.kind is Kind.POSTGRES:
        return moves
    if kill.kind is Kind.SCHEDULER:
        return [one.started_at for one in tries if one.started_at and one.queued_at and one.queued_at > kill.at]
    return [one.started_at for one in tries if one.started_at and (one.task, one.index) == (kill.task, kill.index)]


def nothing_was_left(kill: Kill, tries: list[Try]) -> bool:
    """Whether the killed process had already reported its success to Airflow."""
    before = [
        one
        for one in tries
        if (one.task, one.index) == (kill.task, kill.index) and one.started_at and one.started_at <= kill.at
    ]
    return bool(before) and bool(max(before, key=lambda one: one.number).succeeded)


def _seconds_until(at: datetime, signs: list[datetime]) -> float | None:
    return min(((sign - at).total_seconds() for sign in signs if sign > at), default=None)
